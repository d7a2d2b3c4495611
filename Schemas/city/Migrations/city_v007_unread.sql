-- The last kind of entry in the feed that the build did not know which applied it; NULL when it knew all.
ALTER TABLE node ADD COLUMN unread_kind INTEGER;
CREATE INDEX log_entry_unread ON log_entry (sequence) WHERE decision = 8;
