-- What pages of questions are read by at ten million claims, and what a case's deadline was.

-- The newest claims that a rule found come from here, without looking at those before.
CREATE INDEX finding_rule_position ON finding (rule, position);

-- The last day to answer as this event left it; NULL only while a migration fills it.
ALTER TABLE case_event ADD COLUMN deadline date;

-- What a city's node calls itself when it greets the registry, such as `city-node 1.4`.
ALTER TABLE city ADD COLUMN software text NOT NULL DEFAULT '';

-- What operators see added up, kept with every decision: nobody counts ten million claims for a page. Each can be made
-- again from the tables that it sums up, and an audit compares it. The migration fills them.

-- Claims of one city, received on one day in China (days since 1970), that stand in one state.
CREATE TABLE claim_total (
    city_code integer NOT NULL,
    day integer NOT NULL,
    state smallint NOT NULL,
    claims bigint NOT NULL,
    claimed_fen numeric NOT NULL,
    PRIMARY KEY (city_code, day, state)
);

-- Claims that a rule stopped or held. A claim that met several rules counts under each.
CREATE TABLE rule_total (
    rule text COLLATE "C" PRIMARY KEY,
    claims bigint NOT NULL,
    claimed_fen numeric NOT NULL
);

-- The same by the cities that met, the lower code first.
CREATE TABLE rule_pair_total (
    rule text COLLATE "C" NOT NULL,
    city_code integer NOT NULL,
    other_city_code integer NOT NULL,
    claims bigint NOT NULL,
    claimed_fen numeric NOT NULL,
    PRIMARY KEY (rule, city_code, other_city_code)
);

-- A name is found however wide its letters were typed, and in either case (Unicode NFKC; case of ASCII letters).
CREATE FUNCTION folded_name(name text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
SELECT lower(normalize(name, NFKC) COLLATE "C")
$$;
DROP INDEX party_name_pairs;
-- Calls no function of ours: an index is restored from a backup where no schema is searched.
CREATE OR REPLACE FUNCTION name_pairs(name text) RETURNS text[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
SELECT coalesce(array_agg(DISTINCT substr(folded, i, 2)), '{}')
FROM (SELECT lower(normalize(name, NFKC) COLLATE "C")) AS f(folded), generate_series(1, length(folded) - 1) AS i
$$;
CREATE INDEX party_name_pairs ON party_name USING gin (name_pairs(name));
