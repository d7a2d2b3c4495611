import Arbitration
import Failpoints
import FederationWire
import PostgresClient
import Replication
package import VoucherDomain

extension RegistryStore {
    /// What came of a look at the clock.
    package struct TickReport: Hashable, Sendable {
        /// Whether a tick was appended: the time that it counts is then used up.
        package var isAppended = false
        /// Cities that have sealed a feed head which is not on this feed.
        package var strangers: [CityCode] = []
    }

    /// Appends a tick to the registry's log when it would change something (a case is due, cities are
    /// still to be told of one, a payment's gate opens, an authorisation is released), and from time to time, so that
    /// the dwell of payments goes on.
    ///
    /// - Parameters:
    ///   - now: Milliseconds since 1970.
    ///   - sinceLast: Monotonic time since the last tick that this process has appended, in milliseconds; or since it
    ///     became the arbiter: silence counts only while the registry could be reached.
    package func tickIfDue(now: UInt64, sinceLast: Int64) async throws -> TickReport {
        let secrets = secrets
        let report = try await pool.transaction { session in
            guard try RegistryStore.mayTick(at: now, sinceLast, session) else { return TickReport() }
            // The lock on the registry's own log makes two of us take turns.
            _ = try CityRow.lock(.registry, session)
            guard try RegistryRow.read(session).recovery == nil else { return TickReport() }
            let seals = try NewSeals(session)
            let act = TickAct(
                wallMilliseconds: Int64(now), intervalMilliseconds: sinceLast, seals: seals.found.map(\.signed))
            var report = TickReport(strangers: seals.strangers)
            guard try RegistryStore.isRegular(sinceLast, session) || self.changesSomething(act, session, now: now)
            else { return report }
            try RegistryStore.append(.ticked(act), session, secrets, now: now)
            report.isAppended = true
            Failpoint.reach(.tickUncommitted)
            return report
        }
        Failpoint.reach(.tickCommitted, when: report.isAppended)
        return report
    }

    /// Whether anything waits for a tick, and none is under way.
    private static func mayTick(at now: UInt64, _ sinceLast: Int64, _ session: PostgresSession) throws -> Bool {
        let tick = Tick(wallMilliseconds: Int64(now))
        let due = try session.execute(
            """
            SELECT (EXISTS (SELECT 1 FROM conflict_case WHERE state = 'open' AND deadline < $1::text::date)
                    OR EXISTS (SELECT 1 FROM conflict_case WHERE untold IS NOT NULL)
                    OR EXISTS (
                        SELECT 1 FROM payment WHERE stage = 2 AND frozen_by = '' OR stage = 1 AND barred_by = '')
                    OR EXISTS (SELECT 1 FROM conflict_case WHERE automatic_dwell_seconds = 0 AND state <> 'closed'
                        AND NOT contested)
                    OR EXISTS (SELECT 1 FROM policy WHERE from_position IS NULL AND from_date <= $1::text::date)
                    OR \(isLongAgo))
                AND NOT EXISTS (
                    SELECT 1 FROM batch b JOIN entry e ON e.city_code = 0 AND e.kind = $2
                        AND e.sequence BETWEEN b.first_sequence AND b.last_sequence
                    WHERE NOT b.folded AND b.city_code = 0)
            """,
            [.text(tick.day.iso8601), .int4(Int32(EntryKind.ticked.rawValue)), .int8(sinceLast)])
        return due.bool(0, 0)
    }

    /// A regular tick comes twenty times in the shortest dwell that something waits for, at least every ten minutes and at
    /// most every second. `$3` is the time since the last one.
    private static let isLongAgo = """
        $3 >= greatest(1000, least(600000, (
            SELECT 50 * min(dwell_seconds) FROM policy y WHERE dwell_seconds > 0 AND EXISTS (
                SELECT 1 FROM payment p JOIN claim c ON c.position = p.claim_position
                WHERE p.stage = 1 AND p.barred_by = '' AND c.policy_version = y.version)), (
            SELECT 50 * min(automatic_dwell_seconds) FROM conflict_case
            WHERE automatic_dwell_seconds > 0 AND state <> 'closed' AND NOT contested)))
        """

    private static func isRegular(_ sinceLast: Int64, _ session: PostgresSession) throws -> Bool {
        let sql = "SELECT \(isLongAgo.replacing("$3", with: "$1"))"
        return try session.execute(sql, [.int8(sinceLast)]).bool(0, 0)
    }

    /// Whether the fold, on the state as it is, would do more than take note of the tick.
    private func changesSomething(_ act: TickAct, _ session: PostgresSession, now: UInt64) throws -> Bool {
        let entry = JournalEntry(
            position: Int64(clamping: try RegistryRow.read(session).feedHead.position) + 1, city: .registry,
            id: [UInt8](repeating: 0, count: 16), content: .ticked(try act.tick), receivedAt: Int64(now))
        var fold = Fold(
            ledger: try LedgerLoader(session: session).load(Needs([entry]), try policies.standing(session)))
        let before = fold.ledger.policy
        let outcome = fold.apply(entry)
        return !outcome.effects.isEmpty || !outcome.cases.isEmpty || fold.ledger.policy != before
    }
}

/// What cities have sealed since the last tick, as far as all that it covers is decided.
struct NewSeals {
    struct Found {
        let signed: SignedBytes
        let seal: Seal
    }

    /// One a city at most, in the order of the cities.
    private(set) var found: [Found] = []
    private(set) var strangers: [CityCode] = []

    init(_ session: PostgresSession) throws {
        let members = try session.execute("SELECT city_code, watermark_ms, feed_position FROM member WHERE active")
        var known: [CityCode: (watermark: Int64, feed: Int64)] = [:]
        for row in 0..<members.count {
            guard let city = CityCode(rawValue: UInt32(members.int(row, 0))) else { continue }
            known[city] = (members.int(row, 1), members.int(row, 2))
        }
        for (city, candidate) in try NewSeals.latest(session).sorted(by: { $0.key < $1.key }) {
            guard let standing = known[city] else { continue }
            let isNew =
                Int64(clamping: candidate.seal.watermark.milliseconds) > standing.watermark
                || Int64(clamping: candidate.seal.feedHead.position) > standing.feed
            guard isNew else { continue }
            if try NewSeals.isOurs(candidate.seal.feedHead, session) {
                found.append(candidate)
            } else if try Recovery.wayBack(from: candidate.seal.feedHead, session) == nil {
                // A city that was on a branch which was given up seals what stands once it is greeted.
                strangers.append(city)
            }
        }
    }

    /// The latest seal of each city whose entries are all decided: of a batch, or one without entries.
    static func latest(_ session: PostgresSession) throws -> [CityCode: Found] {
        let result = try session.execute(
            """
            SELECT b.seal_body, b.seal_signature FROM member m CROSS JOIN LATERAL (
                SELECT seal_body, seal_signature FROM batch WHERE city_code = m.city_code AND folded
                ORDER BY last_sequence DESC LIMIT 1) AS b
            WHERE m.active
            UNION ALL
            SELECT r.seal_body, r.seal_signature FROM city_report r LEFT JOIN fold_cursor c USING (city_code)
            WHERE r.log_sequence <= coalesce(c.folded_sequence, 0)
            """)
        var latest: [CityCode: Found] = [:]
        for row in 0..<result.count {
            let signed = SignedBytes(body: result.bytes(row, 0), signature: result.bytes(row, 1))
            let seal = try Seal(signed)
            if let other = latest[seal.city]?.seal, !seal.isLater(than: other) { continue }
            latest[seal.city] = Found(signed: signed, seal: seal)
        }
        return latest
    }

    static func isOurs(_ head: FeedHead, _ session: PostgresSession) throws -> Bool {
        guard head.position > 0 else { return true }
        let result = try session.execute(
            "SELECT 1 FROM feed WHERE position = $1 AND hash = $2 AND incarnation_at(position) = $3",
            [
                .int8(Int64(clamping: head.position)), .bytea(head.hash.rawValue),
                .int4(Int32(bitPattern: head.incarnation)),
            ])
        return result.count > 0
    }
}

extension Seal {
    fileprivate func isLater(than other: Seal) -> Bool {
        // The watermark comes last: a clock that was ahead once does not outrank what the city says since.
        (head.sequence, feedHead.position, watermark) > (other.head.sequence, other.feedHead.position, other.watermark)
    }
}
