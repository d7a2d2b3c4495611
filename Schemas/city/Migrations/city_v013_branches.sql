-- What this store had applied of branches of the feed that do not stand: two registries went on deciding, and one of both
-- was given up. Nothing is derived from it.
CREATE TABLE given_up_feed (
    hash BLOB PRIMARY KEY CHECK (length(hash) = 32),
    position INTEGER NOT NULL CHECK (position > 0),
    bytes BLOB NOT NULL
) STRICT;
