-- The national registry. One row in `registry`; one row a city; the logs; the feed; and the fold's state.

-- The registry itself. The row is locked by every arbiter transaction; the feed's positions are counted here.
CREATE TABLE registry (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    incarnation integer NOT NULL CHECK (incarnation > 0),
    feed_position bigint NOT NULL CHECK (feed_position >= 0),
    feed_hash bytea NOT NULL CHECK (octet_length(feed_hash) = 32),
    signing_key bytea NOT NULL CHECK (octet_length(signing_key) = 32),
    -- A digest over all secrets of the state directory: a process with others must not write here.
    secrets_digest bytea NOT NULL CHECK (octet_length(secrets_digest) = 32),
    advertised_url text,
    trust_anchor bytea
);

-- City 0 is the registry's own log.
CREATE TABLE city (
    city_code integer PRIMARY KEY CHECK (city_code BETWEEN 0 AND 999999),
    name text NOT NULL,
    status text NOT NULL CHECK (status IN ('enrolled', 'active', 'suspended')),
    public_key bytea CHECK (octet_length(public_key) = 32),
    granted_epoch bytea CHECK (octet_length(granted_epoch) = 16),
    process_nonce bytea CHECK (octet_length(process_nonce) = 16),
    log_epoch bytea CHECK (octet_length(log_epoch) = 16),
    log_sequence bigint NOT NULL DEFAULT 0 CHECK (log_sequence >= 0),
    log_hash bytea NOT NULL CHECK (octet_length(log_hash) = 32),
    log_time bigint NOT NULL DEFAULT 0,
    watermark bigint NOT NULL DEFAULT 0
);

-- When each city was last heard, and how far it has applied the feed. Apart from `city`, so that reading the feed
-- never waits for a batch that is being received; written without waiting for the disk.
CREATE TABLE city_contact (
    city_code integer PRIMARY KEY REFERENCES city,
    feed_applied bigint NOT NULL,
    last_contact_ms bigint NOT NULL
);

-- How far the fold has come in each log. Apart from `city`, whose rows the receiving transactions lock, so that
-- the arbiter never waits for a city.
CREATE TABLE fold_cursor (
    city_code integer PRIMARY KEY,
    folded_sequence bigint NOT NULL CHECK (folded_sequence > 0)
);

CREATE TABLE join_token (
    secret_hash bytea PRIMARY KEY CHECK (octet_length(secret_hash) = 32),
    city_code integer NOT NULL REFERENCES city,
    expires_at_ms bigint NOT NULL,
    used_at_ms bigint
);

-- Every log, entry by entry, exactly as its origin wrote it. Never deleted; of an undecided entry that the fold's
-- tables cannot take, `fault` is set before it is decided. Nothing else is ever updated.
CREATE TABLE entry (
    city_code integer NOT NULL,
    sequence bigint NOT NULL CHECK (sequence > 0),
    -- NULL only for an entry whose id was already taken; `fault` then says so.
    entry_id bytea CHECK (octet_length(entry_id) = 16),
    kind integer NOT NULL,
    hash bytea NOT NULL CHECK (octet_length(hash) = 32),
    bytes bytea NOT NULL,
    fault text,
    PRIMARY KEY (city_code, sequence),
    CONSTRAINT entry_id_once UNIQUE (entry_id)
);

-- Each sealed batch as it was received, with the receipt that was given for it. The fold takes batches in the
-- order of their ids; `folded` only spares it from looking at the old ones.
CREATE TABLE batch (
    batch_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    city_code integer NOT NULL REFERENCES city,
    first_sequence bigint NOT NULL,
    last_sequence bigint NOT NULL CHECK (last_sequence >= first_sequence),
    -- The size of its entries: how much of the backlog one transaction of the fold takes.
    entry_bytes bigint NOT NULL,
    seal_body bytea NOT NULL,
    seal_signature bytea NOT NULL,
    receipt_body bytea NOT NULL,
    receipt_signature bytea NOT NULL,
    received_at_ms bigint NOT NULL,
    folded boolean NOT NULL DEFAULT false
);
-- Finds the batch, and so the seal and the receipt, that covers an entry.
CREATE UNIQUE INDEX batch_of_entry ON batch (city_code, last_sequence);
CREATE INDEX batch_waiting ON batch (batch_id) WHERE NOT folded;

-- The national feed: gapless positions from the counter in `registry`, one for each entry of any log.
CREATE TABLE feed (
    position bigint PRIMARY KEY CHECK (position > 0),
    city_code integer NOT NULL,
    sequence bigint NOT NULL,
    decision smallint NOT NULL,
    hash bytea NOT NULL CHECK (octet_length(hash) = 32),
    bytes bytea NOT NULL
);

CREATE TABLE policy (
    version integer PRIMARY KEY CHECK (version > 0),
    position bigint NOT NULL,
    document bytea NOT NULL
);

CREATE TABLE voucher (
    -- The canonical key: city and serial.
    key bytea PRIMARY KEY,
    position bigint NOT NULL,
    city_code integer NOT NULL,
    voucher_no text COLLATE "C" NOT NULL,
    programme text NOT NULL,
    enterprise_uscc text COLLATE "C" NOT NULL,
    enterprise_name text NOT NULL,
    face_value_fen bigint NOT NULL CHECK (face_value_fen > 0),
    valid_from date NOT NULL,
    valid_until date NOT NULL CHECK (valid_until > valid_from)
);

-- Every claim the fold has decided, known by the position of the decision.
CREATE TABLE claim (
    position bigint PRIMARY KEY,
    city_code integer NOT NULL,
    sequence bigint NOT NULL,
    claim_no text COLLATE "C" NOT NULL,
    -- 2 reserved, 3 refused, 4 held, 6 withdrawn: the decisions of the feed.
    state smallint NOT NULL CHECK (state IN (2, 3, 4, 6)),
    policy_version integer NOT NULL,
    voucher_no text COLLATE "C" NOT NULL,
    enterprise_uscc text COLLATE "C" NOT NULL,
    provider_uscc text COLLATE "C" NOT NULL,
    contract_no text COLLATE "C" NOT NULL,
    claimed_fen bigint NOT NULL CHECK (claimed_fen > 0),
    service_from date NOT NULL,
    service_until date NOT NULL CHECK (service_until > service_from),
    case_id text,
    reasons bytea NOT NULL,
    withdrawn_position bigint,
    CONSTRAINT claim_number_once UNIQUE (city_code, claim_no)
);
CREATE INDEX claim_enterprise ON claim (enterprise_uscc);
CREATE INDEX claim_provider ON claim (provider_uscc);

-- Every key of every decided claim; `live` where the claim holds it.
CREATE TABLE claim_key (
    key bytea NOT NULL,
    position bigint NOT NULL,
    live boolean NOT NULL,
    -- Set where the claim alone may hold the key: a blocking holder rule and no co-funding group.
    exclusive boolean NOT NULL,
    holder bytea NOT NULL,
    cofunding_group text COLLATE "C" NOT NULL,
    item bytea NOT NULL,
    amount_fen bigint NOT NULL CHECK (amount_fen >= 0),
    capacity_fen bigint NOT NULL CHECK (capacity_fen >= 0),
    service_from date,
    service_until date
);
CREATE INDEX claim_key_lookup ON claim_key (key, live);
CREATE INDEX claim_key_claim ON claim_key (position);
-- The second guard, below all code: no two such holders.
CREATE UNIQUE INDEX claim_key_one_holder ON claim_key (key) WHERE live AND exclusive;

-- One row for each claim that stood in another's way, as found when the later one was decided.
CREATE TABLE finding (
    position bigint NOT NULL,
    rule text NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('block', 'hold', 'flag')),
    key bytea,
    -- Zero for a rule that the claim broke alone.
    blocking_city integer NOT NULL,
    blocking_claim_no text COLLATE "C" NOT NULL
);
CREATE INDEX finding_claim ON finding (position);
CREATE INDEX finding_rule ON finding (rule, key);

CREATE TABLE conflict_case (
    case_id text PRIMARY KEY,
    position bigint NOT NULL UNIQUE,
    rules text[] NOT NULL,
    state text NOT NULL CHECK (state IN ('open', 'closed'))
);

CREATE TABLE conflict_case_claim (
    case_id text NOT NULL REFERENCES conflict_case,
    city_code integer NOT NULL,
    claim_no text COLLATE "C" NOT NULL,
    PRIMARY KEY (case_id, city_code, claim_no)
);

CREATE TABLE api_token (
    token_hash bytea PRIMARY KEY CHECK (octet_length(token_hash) = 32),
    role text NOT NULL CHECK (role IN ('operator', 'auditor')),
    label text NOT NULL,
    created_at_ms bigint NOT NULL,
    expires_at_ms bigint,
    revoked_at_ms bigint
);

-- What was refused or asked, by whom: signed requests that failed, tokens made, auditors' queries.
CREATE TABLE audit_event (
    event_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at_ms bigint NOT NULL,
    actor text NOT NULL,
    action text NOT NULL,
    detail text NOT NULL
);
