-- Entries that were answered `unsupported` and not decided since: a build that reads their kind decides them.
CREATE TABLE unread_entry (
    city_code integer,
    sequence bigint,
    -- Where it was answered.
    position bigint NOT NULL,
    kind integer NOT NULL,
    PRIMARY KEY (city_code, sequence)
);
INSERT INTO unread_entry (city_code, sequence, position, kind)
SELECT f.city_code, f.sequence, f.position, e.kind
FROM feed f JOIN entry e ON e.city_code = f.city_code AND e.sequence = f.sequence WHERE f.decision = 8;
CREATE INDEX unread_entry_answered ON unread_entry (position);
