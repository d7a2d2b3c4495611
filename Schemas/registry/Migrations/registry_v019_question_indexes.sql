-- Lists of duplicates and of a city's claims, read from the page that is asked for.

-- In the order of duplicates, and of what is none (most findings are mere flags) nothing.
CREATE INDEX finding_duplicate ON finding (rule, (coalesce(key, int8send(position))), position)
    WHERE blocking_city <> 0 AND outcome <> 'flag';
DROP INDEX finding_rule;

-- A small city's claims lie far apart. Of an expression: a planner that knows nothing of the table yet would take an index
-- of the column for claims by their number, and look through all of the city's.
CREATE INDEX claim_city ON claim ((city_code::bigint), position);
