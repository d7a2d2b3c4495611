-- What a claim is looked for in: its numbers and its enterprise's name and code, as the normaliser folds them. Filled from
-- the claims by the program that runs this.
ALTER TABLE claim ADD COLUMN search_text TEXT NOT NULL DEFAULT '';
