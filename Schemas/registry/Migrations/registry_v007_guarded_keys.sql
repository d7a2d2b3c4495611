-- The second guard keeps who holds a key also where the policy lets several hold it, and says which it was: a policy that
-- guards the key later meets no row without a holder. Rows from before have none where they are not guarded.
ALTER TABLE authorized_key ADD COLUMN guarded boolean NOT NULL DEFAULT true;
UPDATE authorized_key SET guarded = holder <> '';
ALTER TABLE authorized_key ALTER COLUMN guarded DROP DEFAULT;
ALTER TABLE authorized_key DROP CONSTRAINT authorized_key_one_holder;
ALTER TABLE authorized_key DROP CONSTRAINT authorized_key_no_overlap;
ALTER TABLE authorized_key ADD CONSTRAINT authorized_key_one_holder
    EXCLUDE USING gist (key WITH =, holder WITH <>) WHERE (guarded AND service IS NULL);
ALTER TABLE authorized_key ADD CONSTRAINT authorized_key_no_overlap
    EXCLUDE USING gist (key WITH =, holder WITH <>, service WITH &&) WHERE (guarded AND service IS NOT NULL);
