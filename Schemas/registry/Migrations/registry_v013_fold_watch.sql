-- What the arbiter is about to do that may end its process: who dies cannot say of what.
CREATE TABLE fold_watch (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    -- Arbiters that have begun since something was last decided.
    starts integer NOT NULL DEFAULT 0,
    -- The process of the last of them: one that begins once more has not died.
    process bytea,
    -- The entry that it is trying alone; NULL when none is.
    city_code integer,
    sequence bigint,
    -- The one at which the last process died, and how many in a row did.
    died_city_code integer,
    died_sequence bigint,
    deaths integer NOT NULL DEFAULT 0
);
INSERT INTO fold_watch DEFAULT VALUES;
