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
    func stage(_ pages: [[UInt8]]) throws {
        guard try wantsFeed() else { return }
        var head = try stagedHead()
        var rows: [SealedFeedEntry] = []
        for bytes in pages {
            let sealed: SealedFeedEntry
            do {
                sealed = try FeedCoding.decode(bytes)
                _ = try sealed.entry.journalPlace()
            } catch { throw RegistryRefusal(.invalid, error.message) }
            if sealed.entry.position <= head.position { continue }
            guard sealed.entry.position == head.position + 1, sealed.entry.previousHash == head.hash else {
                throw RegistryRefusal(
                    .invalid, "feed entry \(sealed.entry.position) does not go on where the registry is")
            }
            head = (sealed.entry.position, sealed.hash)
            rows.append(sealed)
        }
        try session.insert(
            into: "recovery_feed (position, hash, bytes, city_code, sequence, incarnation, decision)", rows,
            Recovery.addFeed)
        try session.queue(
            "UPDATE registry SET recovery_sender = $1, recovery_sent_at_ms = $2", [code, .int8(Int64(now))])
        let presented = try session.execute(
            "SELECT feed_position, feed_hash FROM recovery_city WHERE city_code = $1", [code])
        guard presented.count == 1, UInt64(presented.int(0, 0)) == head.position else { return }
        guard presented.bytes(0, 1) == head.hash.rawValue else {
            try session.execute("DELETE FROM recovery_feed WHERE NOT adopted")
            throw RegistryRefusal(.invalid, "the feed that was sent does not end in the head that the registry sealed")
        }
        try adopt()
    }

    private static func addFeed(_ sealed: SealedFeedEntry, to rows: inout CopyRows) throws {
        let place = try sealed.entry.journalPlace()
        rows.row(fields: 7)
        rows.int8(Int64(sealed.entry.position))
        rows.bytea(sealed.hash.rawValue)
        rows.bytea(sealed.bytes)
        rows.int4(Int32(place.city.rawValue))
        rows.int8(Int64(clamping: place.sequence))
        rows.int4(Int32(bitPattern: sealed.entry.incarnation))
        rows.int2(Int16(sealed.entry.decision.rawValue))
    }

    /// The chain leads to a hash that the registry sealed: every entry of it is the registry's own.
    private func adopt() throws {
        let acts = try session.execute(
            "SELECT position, bytes FROM recovery_feed WHERE NOT adopted AND city_code = 0 ORDER BY position")
        try session.queue("UPDATE recovery_feed SET adopted = true WHERE NOT adopted")
        try session.queue("UPDATE registry SET recovery_sender = NULL")
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
        let entry: Entry
        let act: RegistryAct?
        do {
            entry = try EntryCoding.decode(try FeedCoding.decode(bytes).entry.registryEntry)
            act = try RegistryAct(membershipIn: entry)
        } catch { throw RegistryRefusal(.invalid, error.message) }
        if entry.sequence > row.head.sequence {
            guard entry.sequence == row.head.sequence + 1, entry.previousHash == row.head.hash else {
                throw RegistryRefusal(.diverged, "the registry's own log has another entry \(entry.sequence)")
            }
            let registry = try RegistryRow.read(session)
            let seal = Seal(city: .registry, head: entry.head, watermark: .zero, feedHead: entry.feedHead)
            try StoredBatch(
                city: .registry, entries: [(entry, nil)], seal: try seal.signed(by: secrets.signingKey),
                receivedAt: entry.time.milliseconds
            ).insert(
                session, secrets, head: entry.head, time: entry.time, watermark: .zero, feedHead: registry.feedHead)
        }
        if let act { try apply(act) }
    }

    private func apply(_ act: RegistryAct) throws {
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
        case .joined(let city, let key): try set("status = 'active', public_key = $2", city, [.bytea(key.bytes)])
        case .suspended(let city, _): try set("status = 'suspended'", city, [])
        case .reinstated(let city, _): try set("status = 'active'", city, [])
        case .epochGranted(let city, let epoch):
            try set("granted_epoch = $2, process_nonce = NULL", city, [.bytea(epoch.bytes)])
        default: break
        }
    }

    /// Whether this city is to send the feed: it has more than is known, and no other one is sending.
    func wantsFeed() throws -> Bool {
        let result = try session.execute(
            """
            SELECT rc.feed_position > greatest(r.feed_position,
                    (SELECT coalesce(max(position), 0) FROM recovery_feed WHERE adopted)),
                r.recovery_sender IS NULL OR r.recovery_sender = $1 OR r.recovery_sent_at_ms < $2
            FROM registry r, recovery_city rc WHERE rc.city_code = $1
            """, [code, .int8(Int64(now - min(now, Recovery.patience)))])
        return result.count == 1 && result.bool(0, 0) && result.bool(0, 1)
    }

    /// The end of what is known of the feed. What another city left unfinished is dropped.
    func stagedHead() throws -> (position: UInt64, hash: Digest) {
        try session.queue(
            """
            DELETE FROM recovery_feed WHERE NOT adopted
                AND (SELECT recovery_sender FROM registry) IS DISTINCT FROM $1
            """, [code])
        let result = try session.execute(
            "SELECT position, hash FROM recovery_feed ORDER BY position DESC LIMIT 1")
        guard result.count == 1, let hash = Digest(rawValue: result.bytes(0, 1)) else {
            let head = try RegistryRow.read(session).feedHead
            return (head.position, head.hash)
        }
        return (UInt64(result.int(0, 0)), hash)
    }
}
