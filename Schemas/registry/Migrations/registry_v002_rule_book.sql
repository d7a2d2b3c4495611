-- What detectors ask of a claim besides its keys.
ALTER TABLE claim ADD COLUMN programme text COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE claim ADD COLUMN received_at_ms bigint NOT NULL DEFAULT 0;
-- What it left in `trace` and `price_class`; taken back with the claim.
ALTER TABLE claim ADD COLUMN traces bigint[] NOT NULL DEFAULT '{}';
ALTER TABLE claim ADD COLUMN resource_class text COLLATE "C";
ALTER TABLE claim ADD COLUMN price_class bigint;

-- Blocking keys: under what detectors find a claim that is live, or was refused for cause.
CREATE TABLE trace (
    key bigint NOT NULL,
    position bigint NOT NULL,
    PRIMARY KEY (key, position)
);

-- How many claims paid a price of each class, for one kind of accelerator.
CREATE TABLE price_class (
    resource_class text COLLATE "C" NOT NULL,
    price_class bigint NOT NULL,
    claims bigint NOT NULL CHECK (claims >= 0),
    PRIMARY KEY (resource_class, price_class)
);

-- The ownership file, newest row of each company; what could name a person is a keyed hash.
CREATE TABLE company (
    uscc text COLLATE "C" PRIMARY KEY,
    position bigint NOT NULL,
    name text COLLATE "C" NOT NULL,
    head_office text COLLATE "C",
    legal_representative bytea,
    controller bytea,
    address bytea,
    phone bytea,
    bank_account bytea
);
CREATE INDEX company_account ON company (bank_account);

-- The national list of compute providers, newest row of each.
CREATE TABLE provider (
    uscc text COLLATE "C" PRIMARY KEY,
    position bigint NOT NULL,
    name text COLLATE "C" NOT NULL,
    listed_from date NOT NULL,
    listed_until date,
    state_run boolean NOT NULL
);

-- Cases are ruled on: where each stands, and who of its claims is still in it.
ALTER TABLE conflict_case DROP CONSTRAINT conflict_case_state_check;
ALTER TABLE conflict_case ADD CONSTRAINT conflict_case_state CHECK (state IN ('open', 'escalated', 'closed'));
-- The last day on which cities answer.
ALTER TABLE conflict_case ADD COLUMN deadline date NOT NULL DEFAULT '1970-01-01';
ALTER TABLE conflict_case ADD COLUMN is_appealed boolean NOT NULL DEFAULT false;
-- The payload of the ruling that waits for a second person, or empty.
ALTER TABLE conflict_case ADD COLUMN proposal bytea NOT NULL DEFAULT '';
-- Whether the first claim waits for more than the others of the case.
ALTER TABLE conflict_case ADD COLUMN stands_alone boolean NOT NULL DEFAULT false;
CREATE INDEX conflict_case_due ON conflict_case (deadline) WHERE state = 'open';
-- 0 for the claim whose filing opened the case.
ALTER TABLE conflict_case_claim ADD COLUMN place integer NOT NULL DEFAULT 0;
ALTER TABLE conflict_case_claim ADD COLUMN live boolean NOT NULL DEFAULT true;
CREATE INDEX conflict_case_claim_name ON conflict_case_claim (city_code, claim_no);
UPDATE conflict_case_claim p SET live = c.state IN (2, 4), place = (c.position <> k.position)::int
FROM conflict_case k, claim c
WHERE k.case_id = p.case_id AND c.city_code = p.city_code AND c.claim_no = p.claim_no;

-- What happened in each case, in the order of the journal.
CREATE TABLE case_event (
    case_id text NOT NULL,
    position bigint NOT NULL,
    -- 1 opened 2 answered 3 proposed 4 ruled 5 reopened 6 escalated 7 settled 8 left
    kind smallint NOT NULL,
    city_code integer,
    answer smallint,
    code smallint,
    operator text NOT NULL,
    text text NOT NULL,
    PRIMARY KEY (case_id, position, kind)
);
