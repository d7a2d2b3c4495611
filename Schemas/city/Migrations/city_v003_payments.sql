-- Payments of this city's claims, as it asks for them and as the feed tells of them; and what an idle city reports.

-- The feed position that the last received seal named, and when it was received.
ALTER TABLE node ADD COLUMN reported_position INTEGER NOT NULL DEFAULT 0;
ALTER TABLE node ADD COLUMN reported_at_ms INTEGER NOT NULL DEFAULT 0;
-- The last feed position at which a payment began to wait for this city's report.
ALTER TABLE node ADD COLUMN report_wanted INTEGER NOT NULL DEFAULT 0;

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
CREATE INDEX payment_last ON payment (last_sequence);

CREATE TABLE red_letter (
    number TEXT PRIMARY KEY,
    invoice TEXT NOT NULL,
    amount_fen INTEGER NOT NULL,
    issued_on INTEGER NOT NULL,
    sequence INTEGER NOT NULL UNIQUE REFERENCES log_entry,
    problem TEXT
) STRICT;

DROP VIEW v1_claims;
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
