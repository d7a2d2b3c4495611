import Arbitration
import FederationWire
import PostgresClient
import Replication
import VoucherDomain

/// The collecting half of a recovery, inside a transaction that holds the registry's row and the city's.
struct Recovery {
    let session: PostgresSession
    let secrets: RegistrySecrets
    let city: CityCode
    /// Milliseconds since 1970.
    let now: UInt64

    /// How long the city that sends the feed may be silent before another one may send it, in milliseconds.
    private static let patience: UInt64 = 10_000

    private var code: PostgresParameter { .int4(Int32(city.rawValue)) }

    // MARK: Beginning

    /// - Parameter incarnation: An incarnation that was presented; the new one is above it.
    static func begin(
        _ session: PostgresSession, _ registry: RegistryRow, above incarnation: UInt32, reason: String, now: UInt64
    ) throws {
        // Who is appending to the registry's own log comes to an end first; who comes after sees the mode.
        _ = try CityRow.lock(.registry, session)
        try session.queue("DELETE FROM recovery_feed")
        try session.queue("DELETE FROM recovery_city")
        try session.queue(
            "INSERT INTO recovery_city (city_code) SELECT city_code FROM city WHERE city_code <> 0 AND status = 'active'"
        )
        try session.queue(
            """
            UPDATE registry SET recovery_phase = 'collecting', recovery_reason = $1, recovery_incarnation = $2,
                recovery_sender = NULL, recovery_sent_at_ms = NULL, recovery_problem = NULL
            """, [.text(reason), .int4(Int32(bitPattern: max(registry.incarnation, incarnation) + 1))])
        try note(session, "recovery begun", reason, now: now)
        // The arbiter ends it when nobody is waited for.
        try session.execute("SELECT pg_notify('\(RegistryStore.inboxChannel)', '')")
    }

    static func note(_ session: PostgresSession, _ action: String, _ detail: String, now: UInt64) throws {
        try session.queue(
            "INSERT INTO audit_event (at_ms, actor, action, detail) VALUES ($1, 'registry', $2, $3)",
            [.int8(Int64(now)), .text(action), .text(detail)])
    }

    /// What a city presents, each signature the registry's own.
    struct Shown {
        let feedHead: FeedHead
        /// What the city has a receipt for. More than that, and than what the feed answers, is not waited for: a city may say
        /// whatever it likes of the rest.
        let received: LogHead?
        /// The city accepts nothing of an incarnation below this one.
        let promise: UInt32

        /// The highest incarnation that is shown to have begun, or to have been about to.
        var incarnation: UInt32 { max(feedHead.incarnation, promise) }

        init(_ presentation: Presentation, _ secrets: RegistrySecrets) throws {
            let key = secrets.signingKey.publicKey
            do {
                let receipt = try presentation.receipt.map { try Receipt($0, by: key) }
                let call = try presentation.call.map { try RecoveryCall($0, by: key) }
                guard receipt?.city ?? presentation.city == presentation.city,
                    call?.city ?? presentation.city == presentation.city
                else { throw WireFault("the receipt or the call is another city's") }
                feedHead = try presentation.feedSeal.map { try FeedSeal($0, by: key).head } ?? .empty
                received = receipt?.through
                promise = call?.incarnation ?? 0
            } catch let fault as WireFault { throw RegistryRefusal(.invalid, fault.message) }
        }
    }

    /// What a presentation shows that the database does not know, though the registry signed it; `nil` when nothing.
    static func news(
        _ shown: Shown, _ row: CityRow, _ registry: RegistryRow, _ session: PostgresSession
    ) throws -> String? {
        if shown.promise > registry.incarnation {
            return "city \(row.code) was called by a registry that recovers as incarnation \(shown.promise): a second "
                + "server with these keys ran on another database; stop it"
        }
        // A recovery has ended since, without this city: what it alone holds comes too late to change what was decided.
        let isCurrent = registry.incarnation == 1 || shown.feedHead.incarnation >= registry.incarnation
        let (feedHead, received) = (shown.feedHead, shown.received)
        guard isCurrent else { return nil }
        if feedHead.position > registry.feedHead.position {
            return "city \(row.code) holds the sealed feed up to \(feedHead.position), this database ends at "
                + "\(registry.feedHead.position)"
        }
        if feedHead.position > 0, try hash(at: feedHead.position, session) != feedHead.hash {
            return "city \(row.code) holds another sealed feed at position \(feedHead.position)"
        }
        if let received, received.sequence > row.head.sequence {
            return "city \(row.code) has a receipt for entry \(received.sequence), this database has its log up to "
                + "\(row.head.sequence)"
        }
        return nil
    }

    // MARK: Collecting

    /// Keeps what the city presents; its promise counts when it is of the incarnation that is to begin.
    func note(_ shown: Shown) throws {
        // A second restore must outrank what the first one began, and another server's call.
        try session.queue(
            """
            UPDATE registry SET recovery_incarnation = greatest(recovery_incarnation, $1,
                CASE WHEN $2 > recovery_incarnation THEN $2 + 1 END)
            """,
            [
                .int4(Int32(bitPattern: shown.feedHead.incarnation + 1)), .int4(Int32(bitPattern: shown.promise)),
            ])
        try session.queue(
            """
            INSERT INTO recovery_city (city_code, promise, log_sequence, feed_position, feed_hash, presented_at_ms)
            VALUES ($1, nullif($2, 0), $3, $4, $5, $6)
            ON CONFLICT (city_code) DO UPDATE SET promise = excluded.promise, log_sequence = excluded.log_sequence,
                feed_position = excluded.feed_position, feed_hash = excluded.feed_hash,
                presented_at_ms = excluded.presented_at_ms, absence_reason = NULL
            """,
            [
                code, .int4(Int32(bitPattern: shown.promise)),
                .int8(Int64(clamping: shown.received?.sequence ?? 0)),
                .int8(Int64(clamping: shown.feedHead.position)), .bytea(shown.feedHead.hash.rawValue),
                .int8(Int64(now)),
            ])
    }

    /// Takes a page of a city that has promised.
    ///
    /// - Returns: The receipt for entries that came without one.
    func take(_ page: RefillPage, _ row: CityRow) throws -> SignedBytes? {
        let promised = try session.execute(
            """
            SELECT 1 FROM recovery_city, registry
            WHERE city_code = $1 AND promise = $2 AND promise >= recovery_incarnation
            """, [code, .int4(Int32(bitPattern: min(page.promise, UInt32(Int32.max))))])
        guard promised.count == 1 else { throw RegistryRefusal(.recovering, "present what you hold first") }
        if !page.feed.isEmpty { try stage(page.feed) }
        return page.entries.isEmpty ? nil : try receive(page, row)
    }

    private func receive(_ page: RefillPage, _ row: CityRow) throws -> SignedBytes? {
        guard let known = row.standing, let signedSeal = page.seal else {
            throw RegistryRefusal(.invalid, "entries come with a seal")
        }
        let key = secrets.signingKey.publicKey
        let batch: PushBatch
        let original: Receipt?
        // A grant may be among what is lost: the entries' own epochs count.
        let epoch = page.entries.map(\.epoch).reduce(known.grantedEpoch, max)
        do {
            batch = PushBatch(
                sessionEpoch: epoch, entries: page.entries, seal: try Seal(signedSeal), signedSeal: signedSeal)
            original = try page.receipt.map { try Receipt($0, by: key) }
        } catch let fault as WireFault { throw RegistryRefusal(.invalid, fault.message) }
        let standing = CityStanding(
            city: city, isSuspended: false, publicKey: known.publicKey, grantedEpoch: epoch, head: known.head,
            time: known.time, watermark: known.watermark)
        let hashes = try RegistryStore.askHashes(batch, city, session)
        let ids = try RegistryStore.askIDs(batch, session)
        let (knownHashes, usedIDs) = try (hashes.get(), ids.get())
        let accepted = try PushReview.review(
            batch, standing: standing, knownHash: { knownHashes[$0] }, isKnownID: usedIDs.contains, now: now
        ).get()
        guard !accepted.appended.isEmpty else { return nil }
        if let original, original.city != city || original.through != accepted.head {
            throw RegistryRefusal(.invalid, "the receipt is not for the last entry of the page")
        }
        let receipt = try StoredBatch(
            city: city, entries: accepted.appended, seal: signedSeal, receivedAt: original?.receivedAt ?? now,
            receipt: original == nil ? nil : page.receipt
        ).insert(
            session, secrets, head: accepted.head, time: accepted.time, watermark: accepted.watermark,
            feedHead: try RegistryRow.read(session).feedHead)
        return original == nil ? receipt : nil
    }

    /// Keeps a page of the feed beside the database's own, until it reaches the head that the city presented.
    private func stage(_ pages: [[UInt8]]) throws {
        guard try wantsFeed() else { return }
        var head = try stagedHead()
        var rows: [(sealed: SealedFeedEntry, adopted: Bool)] = []
        for bytes in pages {
            let sealed: SealedFeedEntry
            do { sealed = try FeedCoding.decode(bytes) } catch { throw RegistryRefusal(.invalid, error.message) }
            if sealed.entry.position <= head.position { continue }
            guard sealed.entry.position == head.position + 1, sealed.entry.previousHash == head.hash else {
                throw RegistryRefusal(
                    .invalid, "feed entry \(sealed.entry.position) does not go on where the registry is")
            }
            head = (sealed.entry.position, sealed.hash)
            rows.append((sealed, false))
        }
        try session.insert(into: "recovery_feed (position, hash, bytes, city_code, sequence)", rows) { row, copy in
            copy.row(fields: 5)
            copy.int8(Int64(row.sealed.entry.position))
            copy.bytea(row.sealed.hash.rawValue)
            copy.bytea(row.sealed.bytes)
            copy.int4(Int32(row.sealed.entry.city.rawValue))
            copy.int8(Int64(clamping: row.sealed.entry.answers.sequence))
        }
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

    func acceptAbsence(reason: String) throws {
        let missing = try session.execute(
            """
            SELECT (SELECT count(*) FROM recovery_city WHERE absence_reason IS NOT NULL AND city_code <> $1),
                coalesce((SELECT witness_cities FROM policy ORDER BY version DESC LIMIT 1), 1),
                (SELECT count(*) FROM recovery_city WHERE city_code = $1)
            """, [code])
        guard missing.int(0, 2) == 1 else { throw RegistryRefusal(.notFound, "city \(city) is not waited for") }
        guard missing.int(0, 0) < missing.int(0, 1) else {
            throw RegistryRefusal(
                .invalid,
                "an authorisation has \(missing.int(0, 1)) witness(es): with one more city missing, payments that were "
                    + "released could be unknown; bring back city \(city) or one of those that are absent")
        }
        try session.queue(
            "UPDATE recovery_city SET absence_reason = $2 WHERE city_code = $1", [code, .text(reason)])
        try Recovery.note(session, "absence accepted", "city \(city): \(reason)", now: now)
    }

    // MARK: Where it stands

    /// Begins to decide again once everything is back.
    func advance() throws {
        let waiting = try session.execute(
            "SELECT 1 FROM (\(Recovery.cities)) AS c WHERE absence_reason IS NULL AND NOT complete LIMIT 1")
        if waiting.count > 0 {
            let conflict = try session.execute(
                """
                SELECT city_code, feed_position FROM (\(Recovery.cities)) AS c
                WHERE known_hash IS NOT NULL AND known_hash <> feed_hash ORDER BY city_code LIMIT 1
                """)
            let problem =
                conflict.count == 0
                ? nil
                : "city \(conflict.int(0, 0)) holds a sealed feed that differs at position \(conflict.int(0, 1)): the "
                    + "database went on deciding after it was restored, or two registries ran at a time. Stop the other "
                    + "one; if this database decided anything after its restore, restore the backup once more"
            return try set(problem: problem)
        }
        try set(problem: try RecoveryReplay(session: session, secrets: secrets).begin(now: now))
    }

    private func set(problem: String?) throws {
        try session.queue("UPDATE registry SET recovery_problem = $1", [problem.map { .text($0) } ?? .text(nil)])
    }

    /// Each city that is waited for, with what is known at the position that it presented.
    static let cities = """
        SELECT rc.*, c.name, c.log_sequence AS log_has, coalesce(f.hash, rf.hash) AS known_hash,
            coalesce(rc.promise >= r.recovery_incarnation AND rc.log_sequence <= c.log_sequence
                AND NOT EXISTS (
                    SELECT FROM recovery_feed a
                    WHERE a.adopted AND a.city_code = rc.city_code AND a.sequence > c.log_sequence)
                AND (rc.feed_position = 0 OR coalesce(f.hash, rf.hash) = rc.feed_hash), false) AS complete
        FROM registry r, recovery_city rc JOIN city c USING (city_code)
        LEFT JOIN feed f ON f.position = rc.feed_position
        LEFT JOIN recovery_feed rf ON rf.position = rc.feed_position AND rf.adopted
        """

    /// Whether this city is to send the feed: it has more than is known, and no other one is sending.
    private func wantsFeed() throws -> Bool {
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
    private func stagedHead() throws -> (position: UInt64, hash: Digest) {
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

    func standing() throws -> RecoveryStanding {
        let wantsFeed = try wantsFeed()
        let staged = wantsFeed ? try stagedHead() : (0, Digest.zero)
        let registry = try RegistryRow.read(session)
        let row = try CityRow.lock(city, session)
        let result = try session.execute(
            """
            SELECT r.recovery_incarnation, coalesce(c.complete, false) FROM registry r
            LEFT JOIN (\(Recovery.cities)) AS c ON c.city_code = $1
            """, [code])
        let incarnation = UInt32(result.int(0, 0))
        var standing = RecoveryStanding(
            incarnation: incarnation, logHead: row.head,
            feedHead: registry.incarnations.head(position: staged.0, hash: staged.1), wantsFeed: wantsFeed,
            isComplete: result.bool(0, 1) || registry.recovery == .replaying)
        standing.call = try RecoveryCall(city: city, incarnation: incarnation).signed(by: secrets.signingKey)
        return standing
    }

    static func replaying(
        _ row: CityRow, _ registry: RegistryRow, _ session: PostgresSession
    ) throws -> RecoveryStanding {
        let result = try session.execute("SELECT recovery_incarnation FROM registry")
        return RecoveryStanding(
            incarnation: UInt32(result.int(0, 0)), logHead: row.head, feedHead: registry.feedHead, wantsFeed: false,
            isComplete: true)
    }

    static func hash(at position: UInt64, _ session: PostgresSession) throws -> Digest? {
        let result = try session.execute(
            "SELECT hash FROM feed WHERE position = $1", [.int8(Int64(clamping: position))])
        return result.count == 1 ? Digest(rawValue: result.bytes(0, 0)) : nil
    }

    static func report(_ session: PostgresSession) throws -> RegistryStore.RecoveryReport? {
        let head = try session.execute(
            """
            SELECT recovery_phase, recovery_reason, recovery_problem, recovery_incarnation,
                greatest(feed_position, (SELECT coalesce(max(position), 0) FROM recovery_feed WHERE adopted))
            FROM registry WHERE recovery_phase IS NOT NULL
            """)
        guard head.count == 1 else { return nil }
        let rows = try session.execute(
            """
            SELECT city_code, name, coalesce(promise >= (SELECT recovery_incarnation FROM registry), false), log_has,
                log_sequence, feed_position, absence_reason, complete FROM (\(cities)) AS c ORDER BY city_code
            """)
        let cities: [RegistryStore.RecoveryReport.City] = (0..<rows.count).compactMap { row in
            CityCode(rawValue: UInt32(rows.int(row, 0))).map {
                .init(
                    code: $0, name: rows.text(row, 1), hasPromised: rows.bool(row, 2),
                    logHas: UInt64(rows.int(row, 3)), logWants: rows.optionalInt(row, 4).map { UInt64($0) },
                    feedWants: rows.optionalInt(row, 5).map { UInt64($0) },
                    absenceReason: rows.isNull(row, 6) ? nil : rows.text(row, 6), isComplete: rows.bool(row, 7))
            }
        }
        return .init(
            phase: head.text(0, 0), reason: head.text(0, 1), problem: head.isNull(0, 2) ? nil : head.text(0, 2),
            incarnation: UInt32(head.int(0, 3)), feedHas: UInt64(head.int(0, 4)), cities: cities)
    }
}
