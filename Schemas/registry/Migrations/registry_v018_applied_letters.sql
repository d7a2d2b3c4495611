-- Whether the claims on the invoice have answered for a red letter: a city that told it had a live claim there when it,
-- or another letter on the invoice, was decided. The migration fills it.
ALTER TABLE red_letter ADD COLUMN applied boolean NOT NULL DEFAULT false;
