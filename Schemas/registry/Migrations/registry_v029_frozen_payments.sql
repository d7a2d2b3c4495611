-- Payments that a branch of the feed has released which was given up: their keys are bound to them, and where others hold
-- these, too, a case freezes both.

-- The cases that freeze a payment, by their ids.
ALTER TABLE payment ADD COLUMN frozen_by text COLLATE "C" NOT NULL DEFAULT '';
CREATE INDEX payment_frozen ON payment (claim_position) WHERE frozen_by <> '';

ALTER TABLE given_up_payment
    -- The entry that filed its claim; NULL where that is not known.
    ADD COLUMN city_code integer,
    ADD COLUMN filing_sequence bigint,
    ADD COLUMN filing_hash bytea CHECK (octet_length(filing_hash) = 32),
    -- Whether the registry's log tells of it, or what stands has authorised it.
    ADD COLUMN told boolean NOT NULL DEFAULT false,
    ADD CHECK ((city_code IS NULL) = (filing_hash IS NULL) AND (filing_sequence IS NULL) = (filing_hash IS NULL));

-- Tails of the feed that cities brought when the registry was open: kept, and looked at once the city's own entries are
-- decided that they answer.
CREATE TABLE given_up_tail (
    hash bytea PRIMARY KEY CHECK (octet_length(hash) = 32),
    incarnation integer NOT NULL,
    position bigint NOT NULL CHECK (position > 0),
    city_code integer NOT NULL,
    -- The last position that it shares with the feed that stands.
    common bigint NOT NULL,
    -- The last entry of the city's own log that it answers; 0 for none.
    through bigint NOT NULL,
    -- Whether the registry's log tells of it, or there is nothing to tell.
    told boolean NOT NULL DEFAULT false
);
