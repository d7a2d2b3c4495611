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
    /// - Parameter mayStand: Whether the registry collects: an open one goes on where it is, whatever comes.
    /// - Returns: Why it is refused, once what this says of the city is kept.
    func stage(_ pages: [[UInt8]], mayStand: Bool) throws -> RegistryRefusal? {
        guard try wantsFeed() else { return nil }
        let goal = try goal()
        let start = try stagedHead(below: goal.position)
        guard let rows = try follow(pages, from: start, through: goal.position) else {
            try noteDiffers(at: start, on: goal)
            return nil
        }
        try session.insert(
            into: """
                recovery_feed (position, hash, bytes, city_code, sequence, incarnation, decision, received_at_ms,
                answers_hash)
                """, rows, Recovery.addFeed)
        try noteSender()
        let head = rows.last.map { ($0.entry.position, $0.hash) } ?? (start.position, start.hash)
        guard goal.position == head.0 else { return nil }
        try session.queue("UPDATE registry SET recovery_sender = NULL, recovery_common = NULL")
        guard goal.hash == head.1.rawValue else {
            try session.queue("DELETE FROM recovery_feed WHERE NOT adopted")
            try session.queue("UPDATE recovery_city SET sent_false_feed = true WHERE city_code = $1", [code])
            return RegistryRefusal(
                .invalid, "the feed that was sent does not end in the head that the registry sealed")
        }
        let isToStand = mayStand && goal.stands
        if isToStand, let place = try placeUnlikeAdopted() {
            try session.execute("DELETE FROM recovery_feed WHERE NOT adopted")
            try noteDiffers(at: place, why: nil)
            return nil
        }
        do {
            try session.savepoint { try isToStand ? adopt() : keepAside(isLate: !mayStand) }
        } catch let refusal as RegistryRefusal where refusal.code == .diverged {
            try session.execute("DELETE FROM recovery_feed WHERE NOT adopted")
            try noteDiffers(at: goal.position, why: refusal.message)
        }
        return nil
    }

    /// The head that the city has presented.
    private struct Goal {
        let position: UInt64
        let hash: [UInt8]
        /// Whether the branch that leads to it stands, because it is above the end of what is known.
        let stands: Bool
    }

    private func goal() throws -> Goal {
        let result = try session.execute(
            """
            SELECT feed_position, feed_hash, (feed_incarnation, feed_position) > (end_incarnation, end_position)
            FROM (\(Recovery.cities)) AS c WHERE city_code = $1
            """, [code])
        return Goal(position: UInt64(result.int(0, 0)), hash: result.bytes(0, 1), stands: result.bool(0, 2))
    }

    /// The entries of pages that go on from a head.
    ///
    /// - Returns: `nil` where the sender has another entry at that head.
    private func follow(
        _ pages: [[UInt8]], from start: StagedHead, through end: UInt64
    ) throws -> [SealedFeedEntry]? {
        var head = (position: start.position, hash: start.hash)
        var rows: [SealedFeedEntry] = []
        for bytes in pages {
            let sealed: SealedFeedEntry
            do {
                sealed = try FeedCoding.decode(bytes)
                _ = try sealed.entry.journalPlace()
            } catch { throw RegistryRefusal(.invalid, error.message) }
            if sealed.entry.position > end { break }
            if sealed.entry.position == head.position, sealed.hash != head.hash { return nil }
            if sealed.entry.position <= head.position { continue }
            guard sealed.entry.position == head.position + 1, sealed.entry.previousHash == head.hash else {
                // It may have been sent before the registry asked from further back.
                if start.isFurtherBack, rows.isEmpty { return [] }
                throw RegistryRefusal(
                    .invalid, "feed entry \(sealed.entry.position) does not go on where the registry is")
            }
            head = (sealed.entry.position, sealed.hash)
            rows.append(sealed)
        }
        return rows
    }

    /// Where what was sent leaves the tail that was adopted, or what is before that: it cannot be adopted then.
    ///
    /// - Returns: `nil` where it goes on from that tail, or none was adopted.
    private func placeUnlikeAdopted() throws -> UInt64? {
        let result = try session.execute(
            """
            SELECT min(position) FROM (\(Recovery.sentAndNew)) AS r
            WHERE position <= (SELECT max(position) FROM recovery_feed WHERE adopted)
            """)
        return result.optionalInt(0, 0).map { UInt64($0) }
    }

    /// The city's feed has another entry where it was asked to go on: it is asked from further back, each time twice as far.
    private func noteDiffers(at start: StagedHead, on goal: Goal) throws {
        let dropped = try session.execute("DELETE FROM recovery_feed WHERE NOT adopted RETURNING 1")
        // Where that was another city's, it is not yet worth more.
        guard dropped.count == 0 else { return }
        if goal.stands, try session.execute("SELECT 1 FROM recovery_feed WHERE adopted LIMIT 1").count > 0 {
            // Longer than what was thought to be the longest, and not a part of it.
            return try noteDiffers(at: start.position, why: nil)
        }
        let distance = start.latest - start.position + 1
        try noteSender()
        try session.queue(
            "UPDATE registry SET recovery_common = $1", [.int8(Int64(start.position - min(start.position, distance)))])
    }

    /// - Parameter why: For the operators; `nil` where there is no more to say than that it differs.
    private func noteDiffers(at position: UInt64, why: String?) throws {
        try session.queue(
            "UPDATE recovery_city SET differs_at = $2, differs_why = $3 WHERE city_code = $1",
            [code, .int8(Int64(position)), .text(why)])
        if let why { try Recovery.note(session, "feed not given up", "city \(city): \(why)", now: now) }
    }

    /// The city sends from now on: from how far back another one was asked says nothing of its feed.
    private func noteSender() throws {
        try session.queue(
            """
            UPDATE registry SET recovery_common = CASE WHEN recovery_sender = $1 THEN recovery_common END,
                recovery_sender = $1, recovery_sent_at_ms = $2
            """, [code, .int8(Int64(now))])
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
        try giveUpOwnBranch()
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

    /// What an act of the registry's own log says of cities.
    ///
    /// - Parameter receivedAt: In milliseconds since 1970.
    func apply(_ act: RegistryAct, receivedAt: UInt64) throws {
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

    /// Whether this city is to send the feed: every city has shown what it holds, what this one holds is neither known nor
    /// given up, nobody holds more than this one and than what is known, and no other one is sending.
    func wantsFeed() throws -> Bool {
        let result = try session.execute(
            """
            SELECT 1 FROM registry r, (\(Recovery.cities)) AS c
            WHERE c.city_code = $1 AND c.absence_reason IS NULL AND NOT c.sent_false_feed
                AND c.differs_at IS NULL AND c.feed_position > 0 AND NOT c.is_aside
                AND c.known_hash IS DISTINCT FROM c.feed_hash
                AND NOT EXISTS (
                    SELECT FROM recovery_city o WHERE o.absence_reason IS NULL AND (o.feed_position IS NULL
                        OR NOT o.sent_false_feed
                            AND (o.feed_incarnation, o.feed_position) > (c.feed_incarnation, c.feed_position)
                            AND (o.feed_incarnation, o.feed_position) > (c.end_incarnation, c.end_position)))
                AND (r.recovery_sender IS NULL OR r.recovery_sender = $1 OR r.recovery_sent_at_ms < $2)
            """, [code, .int8(Int64(now - min(now, Recovery.patience)))])
        return result.count == 1
    }

    /// Where the feed is asked to go on.
    struct StagedHead {
        let position: UInt64
        let hash: Digest
        /// Whether this is below the first place that the feed was asked from.
        var isFurtherBack: Bool { position < latest }
        /// The first place that it was asked from.
        let latest: UInt64
    }

    /// The end of what was sent of the feed; before anything was, an entry that stands.
    ///
    /// - Parameter goal: The position that the sender has presented, from 1.
    func stagedHead(below goal: UInt64) throws -> StagedHead {
        guard goal > 0 else { throw PostgresError(code: .unexpectedResult, message: "no feed was presented") }
        let staged = try session.execute(
            "SELECT position, hash FROM recovery_feed WHERE NOT adopted ORDER BY position DESC LIMIT 1")
        if staged.count == 1, let hash = Digest(rawValue: staged.bytes(0, 1)) {
            let position = UInt64(staged.int(0, 0))
            return StagedHead(position: position, hash: hash, latest: position)
        }
        let asked = try session.execute(
            """
            SELECT least(s.position, $1),
                least(s.position, $1, CASE WHEN r.recovery_sender = $2 THEN r.recovery_common END)
            FROM registry r CROSS JOIN LATERAL \(Recovery.knownEnd) AS s
            """, [.int8(Int64(goal - 1)), code])
        let (latest, position) = (UInt64(asked.int(0, 0)), UInt64(asked.int(0, 1)))
        return StagedHead(position: position, hash: try standingHash(at: position), latest: latest)
    }

    /// The hash of an entry that stands: of the feed, or of the tail that was adopted.
    func standingHash(at position: UInt64) throws -> Digest {
        guard position > 0 else { return .zero }
        let result = try session.execute(
            """
            SELECT hash FROM feed WHERE position = $1
            UNION ALL SELECT hash FROM recovery_feed WHERE adopted AND position = $1
            """, [.int8(Int64(position))])
        guard result.count > 0, let hash = Digest(rawValue: result.bytes(0, 0)) else {
            throw PostgresError(code: .unexpectedResult, message: "feed entry \(position) is missing")
        }
        return hash
    }
}
