-- Where the claims received on one day in China (days since 1970) stand: questions about a period look between these
-- positions alone. Kept with every decision; the migration fills it.
CREATE TABLE received_day (
    day integer PRIMARY KEY,
    first_position bigint NOT NULL,
    last_position bigint NOT NULL
);
-- Was read whole for every period, and rows newer than the last vacuum with it.
DROP INDEX claim_received;

-- How many findings a pair of cities has: a planner that takes them for a handful reads and sorts them all for one page.
CREATE STATISTICS finding_pair_cities ON least(city_code, blocking_city), greatest(city_code, blocking_city) FROM finding;
ANALYZE finding;
