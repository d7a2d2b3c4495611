-- What reports say of ten million claims without reading them: kept with every decision, and held by an audit to the tables
-- that it follows from. The migration fills it.

-- How far vouchers and enterprises' years are used: a voucher from half, a year from a tenth of the capacity on.
CREATE TABLE cap_use (
    -- The canonical key.
    key bytea PRIMARY KEY,
    -- Live claims under it, and what they take.
    claims bigint NOT NULL,
    used_fen bigint NOT NULL CHECK (used_fen >= 0),
    -- How much fits by the word of the first of them.
    capacity_fen bigint NOT NULL CHECK (capacity_fen > 0)
);
-- The nearest to its limit first. The limit of a year is what the policy in force says, one for all.
CREATE INDEX cap_use_voucher ON cap_use ((used_fen::float8 / capacity_fen) DESC, key) WHERE get_byte(key, 0) = 4;
CREATE INDEX cap_use_year ON cap_use (used_fen DESC, key) WHERE get_byte(key, 0) = 5;

-- Two claims with money out under a key that one alone may have: nothing, in a sound registry.
CREATE TABLE paid_twice (
    key bytea NOT NULL,
    -- Where the later one was decided, and the earlier one.
    position bigint NOT NULL,
    other_position bigint NOT NULL,
    PRIMARY KEY (key, position, other_position)
);

-- Where a claim was decided that stands as paid, or as on its way, without a reference that the registry gave to it; and
-- where a city's word that a bank has paid was not taken.
CREATE TABLE uncleared_payment (
    position bigint PRIMARY KEY
);
-- Those were looked for by these before.
DROP INDEX entry_bank_paid, feed_refused;

-- What operators ruled, in the order of the report: few of all events.
CREATE INDEX case_event_ruling ON case_event (position, case_id, kind) WHERE operator <> '';
