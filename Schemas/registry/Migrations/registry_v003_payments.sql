-- Payments: whom they wait for, what was authorised, and the guard below all code.
CREATE EXTENSION IF NOT EXISTS btree_gist;

-- 10 authorized, 11 paid, 12 reversed.
ALTER TABLE claim DROP CONSTRAINT claim_state_check;
ALTER TABLE claim ADD CONSTRAINT claim_state CHECK (state IN (2, 3, 4, 6, 10, 11, 12));

-- What each policy says of payments, looked up by version.
ALTER TABLE policy ADD COLUMN dwell_seconds bigint NOT NULL DEFAULT 259200 CHECK (dwell_seconds >= 0);
ALTER TABLE policy ADD COLUMN witness_cities bigint NOT NULL DEFAULT 1 CHECK (witness_cities >= 0);

-- The cities as the gates of payments see them: changed by the fold alone.
CREATE TABLE member (
    city_code integer PRIMARY KEY,
    active boolean NOT NULL,
    watermark_ms bigint NOT NULL,
    feed_position bigint NOT NULL,
    -- When the city wrote its first entry that this build cannot read.
    unsupported_since_ms bigint
);

-- The last seal of a city that pushed no entries with it: what an idle city has promised and applied.
CREATE TABLE city_report (
    city_code integer PRIMARY KEY REFERENCES city,
    log_sequence bigint NOT NULL,
    seal_body bytea NOT NULL,
    seal_signature bytea NOT NULL,
    received_at_ms bigint NOT NULL
);

-- What the ticks add up to, by the position of each.
CREATE TABLE tick (
    position bigint PRIMARY KEY,
    elapsed_ms bigint NOT NULL CHECK (elapsed_ms >= 0)
);

-- The payment of a claim; requests of claims that give back their keys are removed.
CREATE TABLE payment (
    claim_position bigint PRIMARY KEY,
    city_code integer NOT NULL,
    claim_no text COLLATE "C" NOT NULL,
    requested_position bigint NOT NULL,
    -- 1 requested 2 authorized 3 released 4 submitted 5 paid 6 failed 7 reversed
    stage smallint NOT NULL CHECK (stage BETWEEN 1 AND 7),
    authorized_position bigint,
    reference bytea CHECK (octet_length(reference) = 16),
    amount_fen bigint CHECK (amount_fen > 0),
    witness_cities bigint,
    bank_transaction text NOT NULL,
    refunded_fen bigint NOT NULL CHECK (refunded_fen >= 0),
    -- The bank's numbers of what was paid back, a line each.
    refunds text NOT NULL,
    clawback_fen bigint NOT NULL CHECK (clawback_fen >= 0),
    generation integer NOT NULL CHECK (generation >= 0),
    barred boolean NOT NULL,
    CONSTRAINT payment_reference_once UNIQUE (reference),
    CONSTRAINT payment_whole CHECK (
        (authorized_position IS NULL) = (reference IS NULL) AND (reference IS NULL) = (amount_fen IS NULL)
        AND (stage = 1) = (reference IS NULL)),
    CONSTRAINT payment_refund_within CHECK (refunded_fen <= coalesce(amount_fen, 0))
);
CREATE INDEX payment_waiting ON payment (stage) WHERE stage IN (1, 2);

CREATE TABLE red_letter (
    -- The canonical key of one name of the invoice that was reversed.
    key bytea NOT NULL,
    number text COLLATE "C" NOT NULL,
    -- Who told it.
    city_code integer NOT NULL,
    position bigint NOT NULL,
    amount_fen bigint NOT NULL CHECK (amount_fen > 0),
    PRIMARY KEY (key, number, city_code)
);

-- The second guard: what authorised and paid claims hold. No two holders of one key at a time, no sum over its capacity.
CREATE TABLE authorized_key (
    key bytea NOT NULL,
    position bigint NOT NULL,
    holder bytea NOT NULL,
    service daterange,
    amount_fen bigint NOT NULL CHECK (amount_fen >= 0),
    PRIMARY KEY (key, position),
    CONSTRAINT authorized_key_one_holder EXCLUDE USING gist (key WITH =, holder WITH <>) WHERE (service IS NULL),
    CONSTRAINT authorized_key_no_overlap EXCLUDE USING gist (key WITH =, holder WITH <>, service WITH &&)
        WHERE (service IS NOT NULL)
);
CREATE INDEX authorized_key_claim ON authorized_key (position);

CREATE TABLE authorized_sum (
    key bytea PRIMARY KEY,
    total_fen bigint NOT NULL,
    capacity_fen bigint NOT NULL,
    CONSTRAINT authorized_sum_within CHECK (total_fen BETWEEN 0 AND capacity_fen)
);
