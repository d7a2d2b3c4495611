-- What happened in the case that its cities were not told yet, for want of room in the feed entry: a kind of event.
ALTER TABLE conflict_case ADD COLUMN untold smallint;
CREATE INDEX conflict_case_untold ON conflict_case (position) WHERE untold IS NOT NULL;
