-- What operators and auditors ask: claims as of any position, names, duplicates of a pair of cities.

-- What became of a claim after it was decided, a row for each change. Before the first, what its feed entry says holds.
CREATE TABLE claim_history (
    claim_position bigint NOT NULL,
    position bigint NOT NULL,
    state smallint NOT NULL,
    -- The stage of its payment, where that changed.
    stage smallint,
    PRIMARY KEY (claim_position, position)
);

-- Every name under which a company was written on a claim, with the first claim that bears it.
CREATE TABLE party_name (
    uscc text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    position bigint NOT NULL,
    PRIMARY KEY (uscc, name)
);

-- All pairs of neighbouring characters: a text that has another one in it has all of its pairs.
CREATE FUNCTION name_pairs(name text) RETURNS text[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
SELECT coalesce(array_agg(DISTINCT substr(lower(name), i, 2)), '{}') FROM generate_series(1, length(name) - 1) AS i
$$;
CREATE INDEX party_name_pairs ON party_name USING gin (name_pairs(name));

-- The city of the claim that the finding is on.
ALTER TABLE finding ADD COLUMN city_code integer;
UPDATE finding SET city_code = c.city_code FROM claim c WHERE c.position = finding.position;
ALTER TABLE finding ALTER COLUMN city_code SET NOT NULL;

-- Findings that are one duplicate: of one rule on one key, or, where a detector names no key, of one claim.
DROP INDEX finding_rule;
-- In the same order on every server.
ALTER TABLE finding ALTER COLUMN rule TYPE text COLLATE "C";
CREATE INDEX finding_rule ON finding (rule, (coalesce(key, int8send(position))), position);
CREATE INDEX finding_pair ON finding (least(city_code, blocking_city), greatest(city_code, blocking_city), position)
    WHERE blocking_city <> 0;

-- In the order of pages: a provider has many claims.
DROP INDEX claim_enterprise, claim_provider;
CREATE INDEX claim_enterprise ON claim (enterprise_uscc, position);
CREATE INDEX claim_provider ON claim (provider_uscc, position);
CREATE INDEX claim_contract ON claim (contract_no);
CREATE INDEX claim_voucher ON claim (voucher_no);
CREATE INDEX claim_amount ON claim (claimed_fen);
-- Most are reserved: those are found without an index.
CREATE INDEX claim_state_other ON claim (state, position) WHERE state <> 2;
-- Times of receipt rise with positions, nearly.
CREATE INDEX claim_received ON claim USING brin (received_at_ms) WITH (pages_per_range = 32);

ALTER TABLE api_token DROP CONSTRAINT api_token_role_check;
ALTER TABLE api_token ADD COLUMN city_code integer;
-- What an auditor's questions are for, unless a request says otherwise.
ALTER TABLE api_token ADD COLUMN purpose text NOT NULL DEFAULT '';
ALTER TABLE api_token ADD CONSTRAINT api_token_role CHECK (role IN ('operator', 'auditor', 'city'));
ALTER TABLE api_token ADD CONSTRAINT api_token_city CHECK ((role = 'city') = (city_code IS NOT NULL));
ALTER TABLE audit_event ADD COLUMN purpose text NOT NULL DEFAULT '';

-- What cities said that banks have paid: some of it may be what nobody authorised.
CREATE INDEX entry_bank_paid ON entry (city_code, sequence) WHERE kind = 7;
CREATE INDEX feed_refused ON feed (city_code, sequence) WHERE decision IN (3, 5);
CREATE INDEX claim_history_state ON claim_history (state, claim_position);

-- What the city's node and this registry have agreed to speak.
ALTER TABLE city ADD COLUMN protocol_version integer;
