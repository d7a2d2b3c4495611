-- Cases of this city's claims, as the feed tells of them; and what became of claims after their own decision.

-- A decision of the feed; NULL while the claim's own stands.
ALTER TABLE claim ADD COLUMN effect INTEGER;
CREATE INDEX claim_decided ON claim (decided_position);

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
) STRICT;

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

DROP VIEW v1_claims;
CREATE VIEW v1_claims AS
SELECT
    c.claim_no AS claim_no,
    CASE
        WHEN c.sequence IS NULL THEN 'invalid'
        WHEN c.withdrawn = 1 THEN 'withdrawn'
        WHEN c.effect = 2 THEN 'reserved'
        WHEN c.effect = 3 THEN 'refused'
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
