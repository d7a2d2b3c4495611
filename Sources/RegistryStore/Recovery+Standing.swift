import FederationWire
import PostgresClient
import Replication
import VoucherDomain

/// Where a recovery stands: what is still waited for, and whether everything is back.
extension Recovery {
    /// Begins to decide again once everything is back.
    func advance() throws {
        try dropKeysTold()
        let waiting = try session.execute(
            "SELECT 1 FROM (\(Recovery.cities)) AS c WHERE absence_reason IS NULL AND NOT complete LIMIT 1")
        if waiting.count > 0 { return try set(problem: conflict()) }
        let absent = try session.execute("SELECT count(*) FROM recovery_city WHERE absence_reason IS NOT NULL").int(
            0, 0)
        let witnesses = absent == 0 ? 0 : try fewestWitnesses()
        guard absent <= witnesses else {
            // A policy among what came back; nobody knew of it when their absence was accepted.
            return try set(
                problem:
                    "\(absent) cities are absent, and a policy of the lost time asks for \(witnesses) witness(es): "
                    + "one of those cities must come")
        }
        if let lost = try lostPayment() { return try set(problem: lost) }
        try set(problem: try RecoveryReplay(session: session, secrets: secrets).begin(now: now))
    }

    /// What a city that is waited for holds and the registry cannot take over, for the operators.
    private func conflict() throws -> String? {
        let result = try session.execute(
            """
            SELECT city_code, coalesce(differs_at, feed_position), sent_false_feed, differs_why FROM recovery_city
            WHERE absence_reason IS NULL AND (sent_false_feed OR differs_at IS NOT NULL) ORDER BY city_code LIMIT 1
            """)
        guard result.count == 1 else { return nil }
        return Recovery.conflict(
            of: try result.city(0, 0, in: "recovery_city"), at: result.int(0, 1), isFalse: result.bool(0, 2),
            why: result.isNull(0, 3) ? nil : result.text(0, 3))
    }

    /// - Parameters:
    ///   - isFalse: Whether the city has sent what the registry has not sealed.
    ///   - why: What was found; `nil` where no more is known than that the feeds differ.
    static func conflict(of city: CityCode, at position: Int64, isFalse: Bool, why: String?) -> String {
        if let why { return "city \(city): \(why)" }
        return isFalse
            ? "city \(city) has sent a feed that does not end in the head that the registry sealed: it is not asked again; "
                + "accept its absence if others hold what it holds"
            : "city \(city) holds a sealed feed that differs at position \(position): the database was written to "
                + "after it was restored, or two registries ran at a time, or the city missed an earlier recovery. Stop the "
                + "other one; if this database was written to, restore the backup once more; if the city was accepted as "
                + "absent before, accept it again"
    }

    private func set(problem: String?) throws {
        try session.queue("UPDATE registry SET recovery_problem = $1", [.text(problem)])
    }

    /// The incarnation and the position of the end of what is known of the feed. `r` is the registry's row. An open registry
    /// is above all that is of an incarnation before its own, though it may have decided nothing in its own yet.
    static let knownEnd = """
        (SELECT incarnation, position FROM (
            (SELECT incarnation, position FROM recovery_feed WHERE adopted ORDER BY position DESC LIMIT 1)
            UNION ALL SELECT coalesce(CASE WHEN r.recovery_phase IS NULL THEN (SELECT max(number) FROM incarnation)
                ELSE incarnation_at(r.feed_position) END, 0), r.feed_position) AS ends
        ORDER BY position DESC LIMIT 1)
        """

    /// Each city that is waited for, with what is known at the position that it presented; and whether what it presented
    /// is kept aside, on a branch that does not stand. One that is above all that is known would stand.
    static let cities = """
        SELECT rc.*, c.name, c.log_sequence AS log_has, coalesce(f.hash, rf.hash) AS known_hash,
            s.incarnation AS end_incarnation, s.position AS end_position, \(isAside) AS is_aside,
            coalesce(rc.promise >= r.recovery_incarnation AND rc.log_sequence <= c.log_sequence
                AND NOT EXISTS (
                    SELECT FROM recovery_feed a
                    WHERE a.adopted AND a.city_code = rc.city_code AND a.sequence > c.log_sequence)
                AND (rc.feed_position = 0 OR coalesce(f.hash, rf.hash) = rc.feed_hash OR \(isAside)), false) AS complete
        FROM registry r CROSS JOIN LATERAL \(knownEnd) AS s CROSS JOIN recovery_city rc JOIN city c USING (city_code)
        LEFT JOIN feed f ON f.position = rc.feed_position
        LEFT JOIN recovery_feed rf ON rf.position = rc.feed_position AND rf.adopted
        """

    private static let isAside = """
        coalesce((rc.feed_incarnation, rc.feed_position) <= (s.incarnation, s.position)
            AND EXISTS (SELECT FROM given_up_feed g WHERE g.hash = rc.feed_hash), false)
        """

    func standing() throws -> RecoveryStanding {
        let wantsFeed = try wantsFeed()
        let staged = wantsFeed ? try stagedHead(below: presentedPosition()) : nil
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
            feedHead: staged.map { registry.incarnations.head(position: $0.position, hash: $0.hash) } ?? .empty,
            wantsFeed: wantsFeed, isComplete: result.bool(0, 1) || registry.recovery != .collecting)
        standing.call = try RecoveryCall(
            city: city, incarnation: incarnation, recoveryID: registry.recoveryID
        ).signed(by: secrets.signingKey)
        return standing
    }

    /// The end of the feed that the city has shown; it is one of those that are noted.
    func presentedPosition() throws -> UInt64 {
        let result = try session.execute("SELECT feed_position FROM recovery_city WHERE city_code = $1", [code])
        return UInt64(result.int(0, 0))
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
