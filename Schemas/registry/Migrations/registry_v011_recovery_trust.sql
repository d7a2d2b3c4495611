-- What a recovery keeps of itself, and of who sends the feed's tail.

ALTER TABLE registry
    -- Drawn when a recovery begins and kept after it: two of them that chose the same number are told apart.
    ADD COLUMN recovery_id bytea CHECK (octet_length(recovery_id) = 16),
    -- The feed up to here does not say when its entries were received, and is never composed otherwise.
    ADD COLUMN untimed_through bigint NOT NULL DEFAULT 0;
UPDATE registry SET untimed_through = feed_position;

-- What a recovery under way has collected lacks what follows: it begins anew, under the next number.
DELETE FROM recovery_feed;
UPDATE recovery_city SET promise = NULL, log_sequence = NULL, feed_position = NULL, feed_hash = NULL;
DELETE FROM incarnation WHERE first_position > (SELECT feed_position + 1 FROM registry WHERE recovery_phase IS NOT NULL);
UPDATE registry SET recovery_phase = 'collecting', recovery_incarnation = recovery_incarnation + 1,
    recovery_id = uuid_send(gen_random_uuid())
WHERE recovery_phase IS NOT NULL;

ALTER TABLE recovery_feed
    -- When the entry that it answers was received, where it says so.
    ADD COLUMN received_at_ms bigint,
    ADD COLUMN answers_hash bytea NOT NULL CHECK (octet_length(answers_hash) = 32);

ALTER TABLE recovery_city
    ADD COLUMN feed_incarnation integer,
    -- Where the feed that it holds differs from what is known.
    ADD COLUMN differs_at bigint,
    -- Whether it has sent a feed that does not end in the head that it presented.
    ADD COLUMN sent_false_feed boolean NOT NULL DEFAULT false;
