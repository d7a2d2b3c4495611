-- Receipts that stopped counting when the registry began anew without what they are for: that was sent again. They are the
-- registry's own word all the same, and are never deleted.
CREATE TABLE earlier_receipt (
    through_sequence INTEGER NOT NULL CHECK (through_sequence > 0),
    body BLOB NOT NULL PRIMARY KEY,
    signature BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- The registry's word that this city has joined with its key; NULL where it joined before there was one. It is shown to a
-- registry that has lost what it wrote of it.
ALTER TABLE node ADD COLUMN membership_body BLOB;
ALTER TABLE node ADD COLUMN membership_signature BLOB;
