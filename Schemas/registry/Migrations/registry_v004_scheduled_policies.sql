-- Policies may be published ahead of their time: from where on each binds. NULL while a date is waited for; a version that
-- a newer one has overtaken never binds.
ALTER TABLE policy ADD COLUMN from_position bigint;
ALTER TABLE policy ADD COLUMN from_date date;
UPDATE policy SET from_position = position + 1;
