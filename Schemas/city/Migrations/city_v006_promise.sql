-- The registry's seal over the newest feed head that was applied: what a restored registry is shown.
ALTER TABLE node ADD COLUMN feed_seal_body BLOB;
ALTER TABLE node ADD COLUMN feed_seal_signature BLOB;
-- The city accepts no grant of an incarnation of the registry below this one; and the registry's call that it has kept so.
ALTER TABLE node ADD COLUMN recovery_call_body BLOB;
ALTER TABLE node ADD COLUMN recovery_call_signature BLOB;
ALTER TABLE node ADD COLUMN promised_incarnation INTEGER NOT NULL DEFAULT 0;
