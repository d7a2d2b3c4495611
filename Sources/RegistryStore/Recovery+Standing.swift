import FederationWire
import PostgresClient
import Replication
import VoucherDomain

/// Where a recovery stands: what is still waited for, and whether everything is back.
extension Recovery {
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
        try session.queue("UPDATE registry SET recovery_problem = $1", [.text(problem)])
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
