-- Whether the store was restored from a backup, and has not yet got back from the registry what the backup had not: until
-- then nothing is written.
ALTER TABLE node ADD COLUMN restored INTEGER NOT NULL DEFAULT 0 CHECK (restored IN (0, 1));
