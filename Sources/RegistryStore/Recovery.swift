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

    var code: PostgresParameter { .int4(Int32(city.rawValue)) }

    // MARK: Beginning

    /// Begins, also anew: what another recovery has collected or planned is not so any more.
    ///
    /// - Parameter incarnation: An incarnation that was seen; the new one is above it.
    static func begin(
        _ session: PostgresSession, _ secrets: RegistrySecrets, _ registry: RegistryRow, above incarnation: UInt32,
        reason: String, now: UInt64
    ) throws {
        // Who is appending to the registry's own log comes to an end first; who comes after sees the mode.
        _ = try CityRow.lock(.registry, session)
        try session.queue(
            "DELETE FROM incarnation WHERE first_position > $1", [.int8(Int64(registry.feedHead.position) + 1)])
        try Recovery(session: session, secrets: secrets, city: .registry, now: now).keepAdopted(registry)
        try session.queue("DELETE FROM recovery_feed")
        try session.queue("DELETE FROM recovery_city")
        try session.queue(
            "INSERT INTO recovery_city (city_code) SELECT city_code FROM city WHERE city_code <> 0 AND status = 'active'"
        )
        var generator = SystemRandomNumberGenerator()
        try session.queue(
            """
            UPDATE registry SET recovery_phase = 'collecting', recovery_reason = $1,
                recovery_incarnation = 1 + greatest(recovery_incarnation, $2), recovery_id = $3,
                recovery_sender = NULL, recovery_sent_at_ms = NULL, recovery_problem = NULL, recovery_common = NULL
            """,
            [
                .text(reason), .int4(Int32(bitPattern: max(registry.incarnation, incarnation))),
                .bytea(EntryID(using: &generator).rawValue),
            ])
        try note(session, "recovery begun", reason, now: now)
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
        let receipt: Receipt?
        /// The city accepts nothing of an incarnation below this one.
        let promise: UInt32
        /// The recovery that it has promised this to; empty when it has promised nothing.
        let recoveryID: [UInt8]

        /// The highest incarnation that is shown to have begun, or to have been about to.
        var incarnation: UInt32 { max(begun, promise) }

        /// The highest incarnation of which the city holds something.
        var begun: UInt32 { max(feedHead.incarnation, receipt?.leastIncarnation ?? 0) }

        init(_ presentation: Presentation, _ secrets: RegistrySecrets) throws {
            let key = secrets.signingKey.publicKey
            do {
                let receipt = try presentation.receipt.map { try Receipt($0, by: key) }
                let call = try presentation.call.map { try RecoveryCall($0, by: key) }
                guard receipt?.city ?? presentation.city == presentation.city,
                    call?.city ?? presentation.city == presentation.city
                else { throw WireFault("the receipt or the call is another city's") }
                feedHead = try presentation.feedSeal.map { try FeedSeal($0, by: key).head } ?? .empty
                self.receipt = receipt
                promise = call?.incarnation ?? 0
                recoveryID = call?.recoveryID ?? []
            } catch let fault as WireFault { throw RegistryRefusal(.invalid, fault.message) }
        }
    }

    /// What a presentation shows that the database does not know, though the registry signed it; `nil` when nothing.
    static func news(
        _ shown: Shown, _ row: CityRow, _ registry: RegistryRow, _ session: PostgresSession
    ) throws -> String? {
        let isForeign = shown.promise == registry.incarnation && shown.recoveryID != registry.recoveryID
        if shown.promise > registry.incarnation || isForeign {
            return "city \(row.code) was called by a registry that recovers as incarnation \(shown.promise): a second "
                + "server with these keys ran on another database; stop it"
        }
        return try newsOfFeed(shown.feedHead, row, registry, session) ?? newsOfLog(shown.receipt, row, registry)
    }

    /// Whether what was signed in an incarnation must be known here. If not, a recovery has ended since without the city: what
    /// it alone holds comes too late to change what was decided.
    private static func isCurrent(_ incarnation: UInt32, _ registry: RegistryRow) -> Bool {
        registry.incarnation == 1 || incarnation >= registry.incarnation
    }

    private static func newsOfFeed(
        _ head: FeedHead, _ row: CityRow, _ registry: RegistryRow, _ session: PostgresSession
    ) throws -> String? {
        guard isCurrent(head.incarnation, registry) else { return nil }
        if head.position > registry.feedHead.position {
            return "city \(row.code) holds the sealed feed up to \(head.position), this database ends at "
                + "\(registry.feedHead.position)"
        }
        guard head.position > 0, try hash(at: head.position, session) != head.hash else { return nil }
        return "city \(row.code) holds another sealed feed at position \(head.position)"
    }

    /// By the receipt's own incarnation: the city may have pushed to this one, and not yet read anything of its feed.
    private static func newsOfLog(_ receipt: Receipt?, _ row: CityRow, _ registry: RegistryRow) -> String? {
        guard let receipt, isCurrent(receipt.leastIncarnation, registry),
            receipt.through.sequence > row.head.sequence
        else { return nil }
        return "city \(row.code) has a receipt for entry \(receipt.through.sequence), this database has its log up to "
            + "\(row.head.sequence)"
    }

    // MARK: Collecting

    /// Keeps what the city presents; its promise counts when it was made to this recovery, and of the incarnation that is
    /// to begin.
    func note(_ shown: Shown, _ registry: RegistryRow) throws {
        let isOurs = shown.recoveryID == registry.recoveryID
        // A second restore must outrank what the first one began, and another server's call.
        let outranked = max(shown.begun, isOurs ? 0 : shown.promise)
        try session.queue(
            "UPDATE registry SET recovery_incarnation = greatest(recovery_incarnation, $1, $2)",
            [
                .int4(Int32(bitPattern: outranked + 1)), .int4(Int32(bitPattern: isOurs ? shown.promise : 0)),
            ])
        // An absence that was accepted before the city came is over; one that was accepted of a city that was there stays.
        try session.queue(
            """
            INSERT INTO recovery_city (city_code, promise, log_sequence, feed_incarnation, feed_position, feed_hash)
            VALUES ($1, nullif($2, 0), $3, $4, $5, $6)
            ON CONFLICT (city_code) DO UPDATE SET promise = excluded.promise, log_sequence = excluded.log_sequence,
                feed_incarnation = excluded.feed_incarnation, feed_position = excluded.feed_position,
                feed_hash = excluded.feed_hash, absence_reason = CASE WHEN recovery_city.feed_position IS NOT NULL
                    THEN recovery_city.absence_reason END
            """,
            [
                code, .int4(Int32(bitPattern: isOurs ? shown.promise : 0)),
                .int8(Int64(clamping: shown.receipt?.through.sequence ?? 0)),
                .int4(Int32(bitPattern: shown.feedHead.incarnation)),
                .int8(Int64(clamping: shown.feedHead.position)), .bytea(shown.feedHead.hash.rawValue),
            ])
    }

    /// Takes a page of a city that has promised.
    ///
    /// - Returns: The receipt for entries that came without one, and what is to be refused after all of this is kept.
    func take(_ page: RefillPage, _ row: CityRow) throws -> (receipt: SignedBytes?, refusal: RegistryRefusal?) {
        let promised = try session.execute(
            """
            SELECT absence_reason IS NULL FROM recovery_city, registry
            WHERE city_code = $1 AND promise = $2 AND promise >= recovery_incarnation
            """, [code, .int4(Int32(bitPattern: min(page.promise, UInt32(Int32.max))))])
        guard promised.count == 1 else { throw RegistryRefusal(.recovering, "present what you hold first") }
        guard promised.bool(0, 0) else { throw RegistryRefusal(.recovering, "the registry goes on without this city") }
        let refusal = page.feed.isEmpty ? nil : try stage(page.feed, mayStand: true)
        return (page.entries.isEmpty ? nil : try receive(page, row), refusal)
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
            city: city, isSuspended: false, publicKey: try Recovery.shownKey(of: city, session) ?? known.publicKey,
            grantedEpoch: epoch, head: known.head, time: known.time, watermark: known.watermark)
        let hashes = try RegistryStore.askHashes(batch, city, session)
        let ids = try RegistryStore.askIDs(batch, session)
        let (knownHashes, usedIDs) = try (hashes.get(), ids.get())
        let accepted = try PushReview.review(
            batch, standing: standing, incarnation: epoch.incarnation, knownHash: { knownHashes[$0] },
            isKnownID: usedIDs.contains, now: now
        ).get()
        guard !accepted.appended.isEmpty else { return nil }
        try expectAnswered(accepted.appended.map(\.entry))
        if original == nil { try expectWholeFeed() }
        if let original, original.city != city || original.through != accepted.head {
            throw RegistryRefusal(.invalid, "the receipt is not for the last entry of the page")
        }
        let receipt = try StoredBatch(
            city: city, entries: accepted.appended, seal: signedSeal, receivedAt: original?.receivedAt ?? now,
            receipt: original == nil ? nil : page.receipt
        ).insert(
            session, secrets, head: accepted.head, time: accepted.time, watermark: accepted.watermark,
            feedHead: try RegistryRow.read(session).feedHead)
        try noteGrant(writtenUnder: epoch)
        return original == nil ? receipt : nil
    }

    /// The feed names the entries that it answers: others in their place are of another branch, or made up.
    private func expectAnswered(_ entries: [Entry]) throws {
        let others = try session.execute(
            """
            SELECT min(r.sequence) FROM recovery_feed r
            JOIN unnest($2::bigint[], $3::bytea[]) AS e(sequence, hash) USING (sequence)
            WHERE r.adopted AND r.city_code = $1 AND r.answers_hash <> e.hash HAVING count(*) > 0
            """,
            [
                code, .int8Array(entries.map { Int64(clamping: $0.sequence) }),
                .byteaArray(entries.map(\.hash.rawValue)),
            ])
        if others.count > 0 { throw PushReview.Fault.diverged(sequence: UInt64(others.int(0, 0))) }
    }

    /// What no receipt vouches for is only taken once the feed can say which entries it answers.
    private func expectWholeFeed() throws {
        let missing = try session.execute(
            """
            SELECT 1 FROM (\(Recovery.cities)) AS c
            WHERE absence_reason IS NULL AND (feed_position IS NULL
                OR feed_position > 0 AND known_hash IS NULL AND NOT is_aside) LIMIT 1
            """)
        if missing.count > 0 {
            throw RegistryRefusal(.recovering, "the feed comes first, then entries without a receipt")
        }
    }

    func acceptAbsence(reason: String) throws {
        let others = try session.execute(
            """
            SELECT count(*) FILTER (WHERE city_code <> $1 AND absence_reason IS NOT NULL),
                count(*) FILTER (WHERE city_code <> $1 AND absence_reason IS NULL),
                count(*) FILTER (WHERE city_code = $1)
            FROM recovery_city
            """, [code])
        guard others.int(0, 2) == 1 else { throw RegistryRefusal(.notFound, "city \(city) is not waited for") }
        let witnesses = try fewestWitnesses()
        guard others.int(0, 0) < witnesses else {
            throw RegistryRefusal(
                .invalid,
                "an authorisation has \(witnesses) witness(es): with one more city missing, payments that were "
                    + "released could be unknown; bring back city \(city) or one of those that are absent")
        }
        guard others.int(0, 1) > 0 else {
            throw RegistryRefusal(
                .invalid, "no city would be left that could say what was lost, or which cities have joined since")
        }
        try session.queue(
            "UPDATE recovery_city SET absence_reason = $2 WHERE city_code = $1", [code, .text(reason)])
        try session.queue("UPDATE registry SET recovery_sender = NULL WHERE recovery_sender = $1", [code])
        try Recovery.note(session, "absence accepted", "city \(city): \(reason)", now: now)
    }

    /// The fewest witnesses of an authorisation under any policy that is known, in force or not: a claim is paid under the
    /// policy that it was decided by.
    func fewestWitnesses() throws -> Int64 {
        let rows = try session.execute(
            "SELECT bytes FROM entry WHERE city_code = 0 AND kind = $1",
            [.int4(Int32(EntryKind.policyPublished.rawValue))])
        return try (0..<rows.count).map { row in
            do {
                let entry = try EntryCoding.decode(rows.bytes(row, 0))
                return try PolicyCoding.decode(PayloadCoding.policyDocument(entry.payload)).payments.witnessCities
            } catch {
                throw PostgresError(code: .unexpectedResult, message: "a damaged policy in entry: \(error)")
            }
        }.min() ?? 1
    }
}
