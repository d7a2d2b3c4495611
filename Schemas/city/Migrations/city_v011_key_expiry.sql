-- When this city's key is to have been replaced, as the registry said at the last hello; NULL until it has said so.
ALTER TABLE node ADD COLUMN key_until_ms INTEGER;
