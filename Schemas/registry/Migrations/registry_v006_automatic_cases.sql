-- When a claim was filed: by its city's clock, between what the city knew by then and the receipt; milliseconds since 1970.
ALTER TABLE claim ADD COLUMN filed_at_ms bigint NOT NULL DEFAULT 0;
UPDATE claim SET filed_at_ms = received_at_ms;
ALTER TABLE claim ALTER COLUMN filed_at_ms DROP DEFAULT;

-- Set in a case that the registry opened by itself: how long it delays payments and waits for the refused claim's city at
-- most, in seconds of dwell.
ALTER TABLE conflict_case ADD COLUMN automatic_dwell_seconds bigint;
ALTER TABLE conflict_case ADD COLUMN contested boolean NOT NULL DEFAULT false;
CREATE INDEX conflict_case_automatic ON conflict_case (position)
    WHERE automatic_dwell_seconds IS NOT NULL AND state <> 'closed';
