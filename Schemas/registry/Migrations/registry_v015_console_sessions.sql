-- Sessions in the browser that were ended before their time, so that a copy of their cookie is of no use at any server.
-- A session itself is stored nowhere: its cookie holds all of it. What is over is deleted when another one is added.
CREATE TABLE ended_session (
    -- SHA-256 of what the cookie holds.
    digest bytea PRIMARY KEY CHECK (octet_length(digest) = 32),
    ends_at_ms bigint NOT NULL
);
