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
