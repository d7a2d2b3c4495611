CREATE VIEW v1_claims AS
SELECT
    c.claim_no AS claim_no,
    CASE
        WHEN c.sequence IS NULL THEN 'invalid'
        WHEN c.withdrawn = 1 THEN 'withdrawn'
        WHEN c.effect = 2 THEN 'reserved'
        WHEN c.effect = 3 THEN 'refused'
        WHEN c.effect = 10 THEN 'authorized'
        WHEN c.effect = 11 THEN 'paid'
        WHEN c.effect = 12 THEN 'reversed'
        WHEN e.decision = 2 THEN 'reserved'
        WHEN e.decision = 3 THEN 'refused'
        WHEN e.decision = 4 THEN 'held'
        WHEN e.decision = 5 THEN 'invalid'
        WHEN c.sequence <= n.received_through THEN 'received'
        ELSE 'recorded'
    END AS state,
    c.fields ->> 'voucher_no' AS voucher_no,
    c.fields ->> 'enterprise_uscc' AS enterprise_uscc,
    c.fields ->> 'enterprise_name' AS enterprise_name,
    c.fields ->> 'provider_uscc' AS provider_uscc,
    c.fields ->> 'provider_name' AS provider_name,
    c.fields ->> 'contract_no' AS contract_no,
    c.fields ->> 'contract_amount_yuan' AS contract_amount_yuan,
    c.fields ->> 'service_from' AS service_from,
    c.fields ->> 'service_until' AS service_until,
    c.fields ->> 'resource_class' AS resource_class,
    c.fields ->> 'card_hours' AS card_hours,
    c.fields ->> 'invoice_numbers' AS invoice_numbers,
    c.fields ->> 'invoice_amounts_yuan' AS invoice_amounts_yuan,
    c.fields ->> 'claimed_yuan' AS claimed_yuan,
    c.fields ->> 'cofunding_group' AS cofunding_group,
    c.fields ->> 'filed_at' AS filed_at,
    c.case_id AS case_id,
    c.decided_position AS position,
    c.sequence AS log_sequence,
    c.id AS id
FROM claim c CROSS JOIN node n LEFT JOIN log_entry e ON e.sequence = c.sequence;

CREATE VIEW v1_payments AS
SELECT
    c.claim_no AS claim_no,
    CASE p.stage
        WHEN 1 THEN 'requested'
        WHEN 2 THEN 'authorized'
        WHEN 3 THEN 'released'
        WHEN 4 THEN 'submitted'
        WHEN 5 THEN 'paid'
        WHEN 6 THEN 'failed'
        WHEN 7 THEN 'reversed'
        ELSE CASE WHEN p.problem IS NULL THEN 'asked' ELSE 'refused' END
    END AS stage,
    lower(hex(p.reference)) AS reference,
    p.amount_fen AS amount_fen,
    p.refunded_fen AS refunded_fen,
    p.clawback_fen AS clawback_fen,
    p.stopped AS stopped,
    -- Whether the registry holds the word that the instruction goes to the bank: only then the bank is called.
    coalesce(p.submitted_sequence <= n.received_through, 0) AS submission_received,
    p.problem AS problem,
    c.id AS id
FROM payment p JOIN claim c ON c.id = p.claim_id CROSS JOIN node n;

CREATE VIEW v1_sync AS
SELECT
    n.city_code AS city_code,
    n.city_name AS city_name,
    n.log_sequence AS log_head,
    n.received_through AS received_through,
    n.feed_position AS feed_position,
    n.log_sequence - n.received_through AS unsent,
    (SELECT count(*) FROM log_entry WHERE decision IS NULL) AS undecided,
    n.policy_version AS policy_version,
    n.last_contact_ms AS last_contact_ms
FROM node n;

CREATE VIEW v1_vouchers AS
SELECT
    v.voucher_no AS voucher_no,
    CASE
        WHEN e.decision = 3 THEN 'refused'
        WHEN e.decision = 5 THEN 'invalid'
        WHEN e.decision IS NOT NULL THEN 'registered'
        WHEN v.sequence <= n.received_through THEN 'received'
        ELSE 'recorded'
    END AS state,
    v.fields ->> 'programme' AS programme,
    v.fields ->> 'enterprise_uscc' AS enterprise_uscc,
    v.fields ->> 'enterprise_name' AS enterprise_name,
    v.fields ->> 'face_value_yuan' AS face_value_yuan,
    v.fields ->> 'issued_on' AS issued_on,
    v.fields ->> 'valid_from' AS valid_from,
    v.fields ->> 'valid_until' AS valid_until,
    v.id AS id
FROM voucher v CROSS JOIN node n JOIN log_entry e ON e.sequence = v.sequence;

CREATE TABLE bank_movement (
    sequence INTEGER PRIMARY KEY REFERENCES log_entry,
    paid_back INTEGER NOT NULL CHECK (paid_back IN (0, 1)),
    amount_fen INTEGER NOT NULL,
    -- The bank's day, in days since 1970-01-01.
    day INTEGER NOT NULL
) STRICT;

CREATE TABLE city_case (
    case_id TEXT PRIMARY KEY,
    -- The feed position at which it was first told.
    position INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('open', 'escalated', 'closed')),
    -- The last day to answer, in days since 1970-01-01.
    deadline INTEGER NOT NULL,
    -- All claims of the case, the one whose filing opened it first.
    parties TEXT NOT NULL CHECK (json_valid(parties)),
    reasons BLOB NOT NULL DEFAULT x'',
    -- This city's last answer, and what the registry says is wrong with it.
    answer_sequence INTEGER REFERENCES log_entry,
    answer_problem TEXT
, automatic INTEGER NOT NULL DEFAULT 0) STRICT;

CREATE TABLE city_case_step (
    case_id TEXT NOT NULL REFERENCES city_case,
    position INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    city_code INTEGER,
    answer INTEGER,
    code INTEGER,
    text TEXT NOT NULL,
    PRIMARY KEY (case_id, position, kind)
) STRICT;

CREATE TABLE claim (
    id INTEGER PRIMARY KEY,
    claim_no TEXT NOT NULL UNIQUE,
    -- NULL for a row that failed validation here and is no entry.
    sequence INTEGER UNIQUE REFERENCES log_entry,
    fields TEXT NOT NULL CHECK (json_valid(fields)),
    -- What was wrong or repaired, by column; and the row of the file it came from.
    problems TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(problems)),
    repairs TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(repairs)),
    source_row INTEGER,
    reasons BLOB NOT NULL DEFAULT x'',
    case_id TEXT,
    decided_incarnation INTEGER,
    decided_position INTEGER,
    decided_hash BLOB,
    withdrawal_sequence INTEGER REFERENCES log_entry,
    withdrawn INTEGER NOT NULL DEFAULT 0 CHECK (withdrawn IN (0, 1)), effect INTEGER, search_text TEXT NOT NULL DEFAULT '',
    CHECK ((sequence IS NULL) = (problems <> '[]'))
) STRICT;

CREATE TABLE earlier_receipt (
    through_sequence INTEGER NOT NULL CHECK (through_sequence > 0),
    body BLOB NOT NULL PRIMARY KEY,
    signature BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE feed_entry (
    position INTEGER PRIMARY KEY CHECK (position > 0),
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    bytes BLOB NOT NULL
) STRICT;

CREATE TABLE given_up_feed (
    hash BLOB PRIMARY KEY CHECK (length(hash) = 32),
    position INTEGER NOT NULL CHECK (position > 0),
    bytes BLOB NOT NULL
) STRICT;

CREATE TABLE idempotency_key (
    key TEXT PRIMARY KEY,
    request_sha256 BLOB NOT NULL,
    status INTEGER NOT NULL,
    body BLOB NOT NULL,
    created_at_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE key_index (
    hash BLOB NOT NULL,
    -- The position at which the holding claim was decided.
    position INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    city_code INTEGER NOT NULL,
    tag BLOB NOT NULL,
    PRIMARY KEY (hash, position)
) STRICT, WITHOUT ROWID;

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

CREATE TABLE log_entry (
    sequence INTEGER PRIMARY KEY CHECK (sequence > 0),
    entry_id BLOB NOT NULL UNIQUE CHECK (length(entry_id) = 16),
    kind INTEGER NOT NULL,
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    bytes BLOB NOT NULL,
    -- The registry's answer: a decision of the feed, NULL until it is applied here.
    decision INTEGER
) STRICT;

CREATE TABLE node (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    city_code INTEGER NOT NULL CHECK (city_code BETWEEN 1 AND 999999),
    city_name TEXT NOT NULL,
    registry_url TEXT NOT NULL,
    registry_key BLOB NOT NULL CHECK (length(registry_key) = 32),
    trust_anchor BLOB NOT NULL,
    key_epoch INTEGER NOT NULL,
    federation_secret BLOB NOT NULL CHECK (length(federation_secret) = 32),
    detail_key BLOB NOT NULL CHECK (length(detail_key) = 32),
    -- The epoch granted last; entries are written under it.
    epoch BLOB NOT NULL CHECK (length(epoch) = 16),
    -- Every nonce this store has said hello with since it last stored a grant, 16 bytes each, oldest first.
    hello_nonces BLOB NOT NULL CHECK (length(hello_nonces) % 16 = 0),
    log_epoch BLOB CHECK (length(log_epoch) = 16),
    log_sequence INTEGER NOT NULL DEFAULT 0 CHECK (log_sequence >= 0),
    log_hash BLOB NOT NULL CHECK (length(log_hash) = 32),
    log_time INTEGER NOT NULL DEFAULT 0,
    -- The last entry covered by a receipt.
    received_through INTEGER NOT NULL DEFAULT 0 CHECK (received_through <= log_sequence),
    feed_incarnation INTEGER NOT NULL DEFAULT 0,
    feed_position INTEGER NOT NULL DEFAULT 0,
    feed_hash BLOB NOT NULL CHECK (length(feed_hash) = 32),
    policy_version INTEGER NOT NULL DEFAULT 0,
    -- Why replication has stopped; the node is read-only until it is greeted again. NULL while all is well.
    alarm TEXT,
    -- When the registry was last heard, by this node's clock; NULL before the first time.
    last_contact_ms INTEGER
, reported_position INTEGER NOT NULL DEFAULT 0, reported_at_ms INTEGER NOT NULL DEFAULT 0, report_wanted INTEGER NOT NULL DEFAULT 0, restored INTEGER NOT NULL DEFAULT 0 CHECK (restored IN (0, 1)), feed_seal_body BLOB, feed_seal_signature BLOB, recovery_call_body BLOB, recovery_call_signature BLOB, promised_incarnation INTEGER NOT NULL DEFAULT 0, unread_kind INTEGER, key_until_ms INTEGER, membership_body BLOB, membership_signature BLOB) STRICT;

CREATE TABLE payment (
    claim_id INTEGER PRIMARY KEY REFERENCES claim,
    -- 1 requested 2 authorized 3 released 4 submitted 5 paid 6 failed 7 reversed; NULL while the registry has not said.
    stage INTEGER CHECK (stage BETWEEN 1 AND 7),
    reference BLOB CHECK (length(reference) = 16),
    amount_fen INTEGER NOT NULL DEFAULT 0,
    refunded_fen INTEGER NOT NULL DEFAULT 0,
    clawback_fen INTEGER NOT NULL DEFAULT 0,
    stopped INTEGER NOT NULL DEFAULT 0 CHECK (stopped IN (0, 1)),
    -- What this city said last of it, and where it said that the instruction goes to the bank.
    last_sequence INTEGER NOT NULL REFERENCES log_entry,
    submitted_sequence INTEGER REFERENCES log_entry,
    -- What the registry says is wrong with what was said last.
    problem TEXT
) STRICT;

CREATE TABLE receipt (
    through_sequence INTEGER PRIMARY KEY REFERENCES log_entry,
    body BLOB NOT NULL,
    signature BLOB NOT NULL
) STRICT;

CREATE TABLE red_letter (
    number TEXT PRIMARY KEY,
    invoice TEXT NOT NULL,
    amount_fen INTEGER NOT NULL,
    issued_on INTEGER NOT NULL,
    sequence INTEGER NOT NULL UNIQUE REFERENCES log_entry,
    problem TEXT
) STRICT;

CREATE TABLE voucher (
    id INTEGER PRIMARY KEY,
    voucher_no TEXT NOT NULL UNIQUE,
    sequence INTEGER NOT NULL UNIQUE REFERENCES log_entry,
    fields TEXT NOT NULL CHECK (json_valid(fields)),
    reasons BLOB NOT NULL DEFAULT x''
) STRICT;

CREATE INDEX city_case_answer ON city_case (answer_sequence) WHERE answer_sequence IS NOT NULL;

CREATE INDEX claim_decided ON claim (decided_position);

CREATE INDEX claim_withdrawal ON claim (withdrawal_sequence) WHERE withdrawal_sequence IS NOT NULL;

CREATE INDEX log_entry_undecided ON log_entry (sequence) WHERE decision IS NULL;

CREATE INDEX log_entry_unread ON log_entry (sequence) WHERE decision = 8;

CREATE INDEX payment_last ON payment (last_sequence);

CREATE INDEX payment_submitted ON payment (submitted_sequence) WHERE submitted_sequence IS NOT NULL;
