import Arbitration
import FederationWire
import PostgresClient
import Replication
import VoucherDomain

/// The end of the feed, as a city sends it; and what it says of the cities.
extension Recovery {
    /// How long the city that sends the feed may be silent before another one may send it, in milliseconds.
    private static let patience: UInt64 = 10_000

    /// Keeps a page of the feed beside the database's own, until it reaches the head that the city presented.
    ///
    /// - Returns: Why it is refused, once what this says of the city is kept.
    func stage(_ pages: [[UInt8]]) throws -> RegistryRefusal? {
        guard try wantsFeed() else { return nil }
        let presented = try session.execute(
            "SELECT feed_position, feed_hash FROM recovery_city WHERE city_code = $1", [code])
        let end = UInt64(presented.int(0, 0))
        var head = try stagedHead()
        var rows: [SealedFeedEntry] = []
        for bytes in pages {
            let sealed: SealedFeedEntry
            do {
                sealed = try FeedCoding.decode(bytes)
                _ = try sealed.entry.journalPlace()
            } catch { throw RegistryRefusal(.invalid, error.message) }
            if sealed.entry.position > end { break }
            if sealed.entry.position == head.position, sealed.hash != head.hash {
                try noteDiffers(at: head.position)
                return nil
            }
            if sealed.entry.position <= head.position { continue }
            guard sealed.entry.position == head.position + 1, sealed.entry.previousHash == head.hash else {
                throw RegistryRefusal(
                    .invalid, "feed entry \(sealed.entry.position) does not go on where the registry is")
            }
            head = (sealed.entry.position, sealed.hash)
            rows.append(sealed)
        }
        try session.insert(
            into: """
                recovery_feed (position, hash, bytes, city_code, sequence, incarnation, decision, received_at_ms,
                answers_hash)
                """, rows, Recovery.addFeed)
        try session.queue(
            "UPDATE registry SET recovery_sender = $1, recovery_sent_at_ms = $2", [code, .int8(Int64(now))])
        guard end == head.position else { return nil }
        try session.queue("UPDATE registry SET recovery_sender = NULL")
        if presented.bytes(0, 1) == head.hash.rawValue {
            do { try session.savepoint(adopt) } catch let refusal as RegistryRefusal where refusal.code == .diverged {
                try session.execute("DELETE FROM recovery_feed WHERE NOT adopted")
                try noteDiffers(at: try stagedHead().position)
            }
            return nil
        }
        try session.queue("DELETE FROM recovery_feed WHERE NOT adopted")
        try session.queue("UPDATE recovery_city SET sent_false_feed = true WHERE city_code = $1", [code])
        return RegistryRefusal(.invalid, "the feed that was sent does not end in the head that the registry sealed")
    }

    /// The city's feed has not the end of what is known. Where that is another city's, it is not yet worth more.
    private func noteDiffers(at position: UInt64) throws {
        let dropped = try session.execute("DELETE FROM recovery_feed WHERE NOT adopted RETURNING 1")
        guard dropped.count == 0 else { return }
        try session.queue(
            "UPDATE recovery_city SET differs_at = $2 WHERE city_code = $1", [code, .int8(Int64(position))])
    }

    private static func addFeed(_ sealed: SealedFeedEntry, to rows: inout CopyRows) throws {
        let place = try sealed.entry.journalPlace()
        rows.row(fields: 9)
        rows.int8(Int64(sealed.entry.position))
        rows.bytea(sealed.hash.rawValue)
        rows.bytea(sealed.bytes)
        rows.int4(Int32(place.city.rawValue))
        rows.int8(Int64(clamping: place.sequence))
        rows.int4(Int32(bitPattern: sealed.entry.incarnation))
        rows.int2(Int16(sealed.entry.decision.rawValue))
        if let time = place.receivedAt { rows.int8(time) } else { rows.null() }
        rows.bytea(place.hash.rawValue)
    }

    /// The chain leads to a hash that the registry sealed: every entry of it is the registry's own.
    private func adopt() throws {
        let acts = try session.execute(
            "SELECT position, bytes FROM recovery_feed WHERE NOT adopted AND city_code = 0 ORDER BY position")
        try session.queue("UPDATE recovery_feed SET adopted = true WHERE NOT adopted")
        try session.queue(
            """
            UPDATE registry SET untimed_through = greatest(untimed_through,
                (SELECT max(position) FROM recovery_feed WHERE received_at_ms IS NULL))
            """)
        for row in 0..<acts.count { try takeBack(registryEntryIn: acts.bytes(row, 1)) }
        try session.queue(
            """
            INSERT INTO recovery_city (city_code)
            SELECT city_code FROM city WHERE city_code <> 0 AND status = 'active' ON CONFLICT DO NOTHING
            """)
    }

    /// An entry of the registry's own log travels whole in the feed; what it says of cities is so at once.
    private func takeBack(registryEntryIn bytes: [UInt8]) throws {
        let row = try CityRow.lock(.registry, session)
        let told: FeedEntry
        let entry: Entry
        let act: RegistryAct?
        do {
            told = try FeedCoding.decode(bytes).entry
            entry = try EntryCoding.decode(told.registryEntry)
            act = try RegistryAct(membershipIn: entry)
        } catch { throw RegistryRefusal(.invalid, error.message) }
        // What the log has already was applied when it was written; others may have followed.
        guard entry.sequence > row.head.sequence else { return }
        guard entry.sequence == row.head.sequence + 1, entry.previousHash == row.head.hash else {
            throw RegistryRefusal(.diverged, "the registry's own log has another entry \(entry.sequence)")
        }
        let registry = try RegistryRow.read(session)
        let seal = Seal(city: .registry, head: entry.head, watermark: .zero, feedHead: entry.feedHead)
        let receivedAt = told.receivedAt == 0 ? entry.time.milliseconds : told.receivedAt
        try StoredBatch(
            city: .registry, entries: [(entry, nil)], seal: try seal.signed(by: secrets.signingKey),
            receivedAt: receivedAt
        ).insert(session, secrets, head: entry.head, time: entry.time, watermark: .zero, feedHead: registry.feedHead)
        if let act { try apply(act, receivedAt: receivedAt) }
    }

    /// - Parameter receivedAt: In milliseconds since 1970.
    private func apply(_ act: RegistryAct, receivedAt: UInt64) throws {
        func set(_ assignments: String, _ city: CityCode, _ values: [PostgresParameter]) throws {
            try session.queue(
                "UPDATE city SET \(assignments) WHERE city_code = $1", [.int4(Int32(city.rawValue))] + values)
        }
        switch act {
        case .enrolled(let city, let name):
            try session.queue(
                """
                INSERT INTO city (city_code, name, status, log_hash) VALUES ($1, $2, 'enrolled', $3)
                ON CONFLICT DO NOTHING
                """, [.int4(Int32(city.rawValue)), .text(name), .bytea(Digest.zero.rawValue)])
        case .joined(let city, let key):
            try set(
                "status = 'active', public_key = $2, key_since_ms = $3", city,
                [.bytea(key.bytes), .int8(Int64(clamping: receivedAt))])
            // The token that it came with, or one that was voided for it: neither is in any log.
            try session.queue(
                "UPDATE join_token SET used_at_ms = $2 WHERE city_code = $1 AND used_at_ms IS NULL",
                [.int4(Int32(city.rawValue)), .int8(Int64(now))])
        case .suspended(let city, _): try set("status = 'suspended'", city, [])
        case .reinstated(let city, _): try set("status = 'active'", city, [])
        case .epochGranted(let city, let epoch, let holder): try noteGrant(epoch, to: city, heldBy: holder)
        default: break
        }
    }

    /// Whether this city is to send the feed: every city has shown what it holds, nobody holds more than this one, it is
    /// more than is known, and no other one is sending.
    func wantsFeed() throws -> Bool {
        let result = try session.execute(
            """
            SELECT 1 FROM registry r, recovery_city rc
            WHERE rc.city_code = $1 AND rc.absence_reason IS NULL AND NOT rc.sent_false_feed
                AND rc.differs_at IS NULL
                AND rc.feed_position > greatest(r.feed_position,
                    (SELECT coalesce(max(position), 0) FROM recovery_feed WHERE adopted))
                AND NOT EXISTS (
                    SELECT FROM recovery_city o WHERE o.absence_reason IS NULL AND (o.feed_position IS NULL
                        OR NOT o.sent_false_feed
                            AND (o.feed_incarnation, o.feed_position) > (rc.feed_incarnation, rc.feed_position)))
                AND (r.recovery_sender IS NULL OR r.recovery_sender = $1 OR r.recovery_sent_at_ms < $2)
            """, [code, .int8(Int64(now - min(now, Recovery.patience)))])
        return result.count == 1
    }

    /// The end of what is known of the feed, or was sent of it.
    func stagedHead() throws -> (position: UInt64, hash: Digest) {
        let result = try session.execute(
            "SELECT position, hash FROM recovery_feed ORDER BY position DESC LIMIT 1")
        guard result.count == 1, let hash = Digest(rawValue: result.bytes(0, 1)) else {
            let head = try RegistryRow.read(session).feedHead
            return (head.position, head.hash)
        }
        return (UInt64(result.int(0, 0)), hash)
    }
}
