-- Whether the registry opened the case by itself, because a refused claim was filed first.
ALTER TABLE city_case ADD COLUMN automatic INTEGER NOT NULL DEFAULT 0;
