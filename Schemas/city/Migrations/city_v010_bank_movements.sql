-- What the bank did for claims of this city, as the log says: money that went out, and money that came back. It counts once
-- the registry has taken note of the entry. Filled from the log by the program that runs this.
CREATE TABLE bank_movement (
    sequence INTEGER PRIMARY KEY REFERENCES log_entry,
    paid_back INTEGER NOT NULL CHECK (paid_back IN (0, 1)),
    amount_fen INTEGER NOT NULL,
    -- The bank's day, in days since 1970-01-01.
    day INTEGER NOT NULL
) STRICT;
