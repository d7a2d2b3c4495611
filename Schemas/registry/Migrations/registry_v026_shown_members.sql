-- Keys of cities that the database knows nothing of, and for which cities show the registry's own word.

-- In a recovery: a key that the city has shown, the epoch that was granted with it, and the key that the database had for the
-- city then. The city is heard under what it has shown until the registry's log tells of another key of it.
ALTER TABLE recovery_city
    ADD COLUMN shown_key bytea CHECK (octet_length(shown_key) = 32),
    ADD COLUMN shown_epoch bytea CHECK (octet_length(shown_epoch) = 16),
    ADD COLUMN shown_instead_of bytea,
    ADD CHECK ((shown_key IS NULL) = (shown_epoch IS NULL)),
    ADD CHECK ((shown_key IS NULL) = (shown_instead_of IS NULL));

-- Cities that have shown the registry's own word that they joined with a key, where nothing that it has tells of that key:
-- operators are to let them join again. One row a city, as nobody but the registry signs such words.
CREATE TABLE lost_member (
    city_code integer PRIMARY KEY,
    name text NOT NULL,
    public_key bytea NOT NULL CHECK (octet_length(public_key) = 32),
    -- Granted when it joined with that key: a newer key takes the place of an older one.
    epoch bytea NOT NULL CHECK (octet_length(epoch) = 16),
    -- When it showed this first.
    shown_at_ms bigint NOT NULL,
    -- Why the operators go on without it; NULL while they are to act.
    accepted_reason text
);
