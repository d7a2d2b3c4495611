-- What was written beside the city's log, by a store that went on from an old copy: set aside, then appended again.
CREATE TABLE late_entry (
    -- In the order in which they were written.
    number INTEGER PRIMARY KEY,
    entry_id BLOB NOT NULL UNIQUE CHECK (length(entry_id) = 16),
    -- The entry as it stood in the other history.
    bytes BLOB NOT NULL,
    -- Of a claim: what was read otherwise than typed, and the row of the file it came from.
    repairs TEXT,
    source_row INTEGER,
    -- Where it stands in the log; NULL until it is appended again.
    sequence INTEGER UNIQUE REFERENCES log_entry,
    -- Whether an officer has said that it was seen.
    seen INTEGER NOT NULL DEFAULT 0 CHECK (seen IN (0, 1))
) STRICT;
