-- Branches of the feed that do not stand: where two registries went on deciding, one of both is given up. Nothing of it
-- is thrown away.
CREATE TABLE given_up_feed (
    -- A hash says all that came before it: a head anywhere on a branch is found by it.
    hash bytea PRIMARY KEY CHECK (octet_length(hash) = 32),
    previous_hash bytea NOT NULL CHECK (octet_length(previous_hash) = 32),
    position bigint NOT NULL CHECK (position > 0),
    bytes bytea NOT NULL
);

-- Payments that such a branch has released: a city may have paid them.
CREATE TABLE given_up_payment (
    reference bytea PRIMARY KEY CHECK (octet_length(reference) = 16),
    -- The entry by which the feed that stands authorises it; NULL while none is known.
    authorized_position bigint CHECK (authorized_position > 0),
    authorized_hash bytea CHECK (octet_length(authorized_hash) = 32),
    CHECK ((authorized_position IS NULL) = (authorized_hash IS NULL))
);

-- Entries of the registry's own log that were written on such a branch.
CREATE TABLE given_up_entry (
    hash bytea PRIMARY KEY CHECK (octet_length(hash) = 32),
    previous_hash bytea NOT NULL CHECK (octet_length(previous_hash) = 32),
    entry_id bytea NOT NULL CHECK (octet_length(entry_id) = 16),
    sequence bigint NOT NULL CHECK (sequence > 0),
    kind integer NOT NULL,
    bytes bytea NOT NULL,
    -- Whether it is an act of the operators that is still to be looked at: once the recovery ends it is appended again
    -- under its own id, unless what stands says otherwise.
    waits boolean NOT NULL
);

-- The tail that stands and one that is kept besides have entries at the same positions.
ALTER TABLE recovery_feed DROP CONSTRAINT recovery_feed_pkey;
ALTER TABLE recovery_feed ADD CONSTRAINT recovery_feed_pkey PRIMARY KEY (adopted, position);

-- Why what a city holds cannot be merged.
ALTER TABLE recovery_city ADD COLUMN differs_why text;

ALTER TABLE registry
    DROP CONSTRAINT registry_recovery_phase_check,
    -- While a tail is asked for: the position behind which it is asked, where the sender differs from later ones.
    ADD COLUMN recovery_common bigint,
    -- Whether the tables that follow from the journal are of a branch that was given up.
    ADD COLUMN tables_behind boolean NOT NULL DEFAULT false;
ALTER TABLE registry ADD CONSTRAINT registry_recovery_phase_check
    CHECK (recovery_phase IN ('collecting', 'rewinding', 'replaying'));
