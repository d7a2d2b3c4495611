-- What a recovery keeps of the feed's tail.

-- What a recovery under way has collected lacks what follows: it begins anew, under the next number.
DELETE FROM recovery_feed;
UPDATE recovery_city SET promise = NULL, log_sequence = NULL, feed_position = NULL, feed_hash = NULL;
DELETE FROM incarnation WHERE first_position > (SELECT feed_position + 1 FROM registry WHERE recovery_phase IS NOT NULL);
UPDATE registry SET recovery_phase = 'collecting', recovery_incarnation = recovery_incarnation + 1
WHERE recovery_phase IS NOT NULL;

ALTER TABLE recovery_feed
    ADD COLUMN incarnation integer NOT NULL,
    ADD COLUMN decision smallint NOT NULL;

ALTER TABLE recovery_city DROP COLUMN presented_at_ms;
