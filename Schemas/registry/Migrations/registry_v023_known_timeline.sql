-- PostgreSQL's timeline on which a server has last found that nothing is missing: one that was off while a standby was promoted
-- learns it here.
ALTER TABLE registry ADD COLUMN timeline text NOT NULL DEFAULT '';
