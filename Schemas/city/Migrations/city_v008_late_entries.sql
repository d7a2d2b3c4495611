-- What was written beside the city's log, by a store that went on from an old copy: set aside, then appended again.
CREATE TABLE late_entry (
    -- In the order in which they were written.
    number INTEGER PRIMARY KEY,
    entry_id BLOB NOT NULL UNIQUE CHECK (length(entry_id) = 16),
    -- The entry as it stood in the other history.
    bytes BLOB NOT NULL,
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    -- Of a claim that had its number there (of two in one log the first has it): what was read otherwise than typed, and
    -- the row of the file it came from. NULL for all others.
    repairs TEXT,
    source_row INTEGER,
    -- Where it stands in the log; NULL until it is appended again.
    sequence INTEGER UNIQUE REFERENCES log_entry,
    -- Whether it is not appended, because it is about a claim that the log does not have under that number.
    withheld INTEGER NOT NULL DEFAULT 0 CHECK (withheld IN (0, 1)),
    -- Whether an officer has said that it was seen.
    seen INTEGER NOT NULL DEFAULT 0 CHECK (seen IN (0, 1))
) STRICT;

-- What is asked when an entry of the log is taken out.
CREATE INDEX claim_withdrawal ON claim (withdrawal_sequence) WHERE withdrawal_sequence IS NOT NULL;
CREATE INDEX city_case_answer ON city_case (answer_sequence) WHERE answer_sequence IS NOT NULL;
CREATE INDEX payment_submitted ON payment (submitted_sequence) WHERE submitted_sequence IS NOT NULL;
