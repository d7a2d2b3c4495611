-- Since when each city's key is used, and for how long it is meant to be. Nothing is refused when that is over.

ALTER TABLE city
    -- When the city joined with its key; NULL before that. Filled from the registry's own log by the program that runs this.
    ADD COLUMN key_since_ms bigint;

ALTER TABLE registry
    ADD COLUMN key_lifetime_days integer NOT NULL DEFAULT 730 CHECK (key_lifetime_days BETWEEN 1 AND 36500),
    -- Until when the operators' own certificate is valid with which a server was started last; NULL where servers make theirs.
    ADD COLUMN certificate_until_ms bigint;
