package import FederationWire
package import PostgresClient
package import Replication
package import VoucherDomain

/// Recovery mode: what a registry does whose database was restored to an earlier point. The design is in
/// `Schemas/protocol/recovery.md`.
extension RegistryStore {
    /// Enters recovery mode; a recovery that is under way begins anew.
    ///
    /// - Parameters:
    ///   - reason: For the operators: what showed that the database was restored.
    ///   - incarnation: The highest one that was seen of it.
    package func beginRecovery(reason: String, above incarnation: UInt32 = 0, now: UInt64) async throws {
        let secrets = secrets
        try await pool.transaction { session in
            try RegistryStore.beginRecovery(session, secrets, reason: reason, above: incarnation, now: now)
        }
    }

    private static func beginRecovery(
        _ session: PostgresSession, _ secrets: RegistrySecrets, reason: String, above incarnation: UInt32, now: UInt64
    ) throws {
        let registry = try RegistryRow.lock(session)
        try Recovery.begin(session, secrets, registry, above: incarnation, reason: reason, now: now)
        // Without cities there is nobody to wait for.
        try Recovery(session: session, secrets: secrets, city: .registry, now: now).advance()
    }

    /// Looks at what a city holds. A seal or a receipt of the registry's own that the database knows nothing of begins
    /// recovery mode.
    ///
    /// - Throws: ``RegistryRefusal`` when a seal or a receipt is not the registry's.
    package func present(_ presentation: Presentation, now: UInt64) async throws -> RecoveryStanding {
        let secrets = secrets
        return try await pool.transaction { session in
            var registry = try RegistryRow.lock(session)
            let row = try CityRow.lock(presentation.city, session)
            let shown = try Recovery.Shown(presentation, secrets)
            let recovery = Recovery(session: session, secrets: secrets, city: presentation.city, now: now)
            if registry.recovery == nil {
                guard let reason = try Recovery.news(shown, row, registry, session) else {
                    return try recovery.openStanding(shown, registry)
                }
                try Recovery.begin(
                    session, secrets, registry, above: shown.incarnation, reason: reason, now: now)
                registry = try RegistryRow.lock(session)
            }
            if registry.recovery == .collecting {
                try recovery.note(shown, registry)
                try recovery.advance()
            }
            return try recovery.standing()
        }
    }

    /// Takes back a part of what a city holds. The same page again changes nothing.
    ///
    /// - Throws: ``PushReview/Fault`` or ``RegistryRefusal`` when the page does not go on where the registry is.
    package func refill(_ page: RefillPage, from city: CityCode, now: UInt64) async throws -> RecoveryStanding {
        let secrets = secrets
        let (standing, refusal): (RecoveryStanding, RegistryRefusal?) = try await pool.transaction { session in
            let registry = try RegistryRow.lock(session)
            let row = try CityRow.lock(city, session)
            let recovery = Recovery(session: session, secrets: secrets, city: city, now: now)
            guard let phase = registry.recovery else { return try recovery.takeTail(page, registry) }
            guard phase == .collecting else { return (try recovery.standing(), nil) }
            let (receipt, refusal) = try recovery.take(page, row)
            try recovery.advance()
            var standing = try recovery.standing()
            standing.receipt = receipt
            return (standing, refusal)
        }
        if let refusal { throw refusal }
        return standing
    }

    /// Goes on without a city that does not come: the operator knows that its node is lost, or that it has applied nothing
    /// that others have not. Or without one of which nothing tells any more (``lostMembers()``), recovery or not.
    ///
    /// - Throws: ``RegistryRefusal`` when more cities would be missing than an authorisation has witnesses.
    package func acceptAbsence(of city: CityCode, reason: String, now: UInt64) async throws {
        let secrets = secrets
        try await pool.transaction { session in
            let registry = try RegistryRow.lock(session)
            if try Recovery.acceptLoss(of: city, reason: reason, session, now: now) { return }
            guard registry.recovery == .collecting else {
                throw RegistryRefusal(.invalid, "the registry waits for no city")
            }
            let recovery = Recovery(session: session, secrets: secrets, city: city, now: now)
            try recovery.acceptAbsence(reason: reason)
            try recovery.advance()
        }
    }

    /// What an operator sees of a recovery.
    package struct RecoveryReport: Hashable, Sendable {
        /// A city that is waited for, or was.
        package struct City: Hashable, Sendable {
            package let code: CityCode
            package let name: String
            /// Whether it has promised to accept nothing older.
            package let hasPromised: Bool
            package let logHas: UInt64
            package let logWants: UInt64?
            package let feedWants: UInt64?
            package let absenceReason: String?
            package let isComplete: Bool
        }

        /// `collecting`, `rewinding` or `replaying`.
        package let phase: String
        package let reason: String
        package let problem: String?
        package let incarnation: UInt32
        package let feedHas: UInt64
        package let cities: [City]
    }

    /// - Returns: `nil` while the registry is not recovering.
    package func recoveryReport() async throws -> RecoveryReport? {
        try await pool.run { session in try session.transaction(isSnapshot: true) { try Recovery.report(session) } }
    }

    /// A city that came after a recovery with a feed of its own, which an open registry does not keep: the city stands still.
    package struct RefusedFeed: Hashable, Sendable {
        package let city: CityCode
        package let name: String
        /// What it is about, and what operators are to do.
        package let message: String
    }

    /// By code; none while the registry recovers, for its report names them.
    package func refusedFeeds() async throws -> [RefusedFeed] {
        try await pool.run { try Recovery.refusedFeeds($0) }
    }

    /// Keeps for the operators why a recovery does not come to its end.
    package func note(recoveryProblem: String) async throws {
        try await pool.run {
            try $0.execute(
                "UPDATE registry SET recovery_problem = $1 WHERE recovery_phase IS NOT NULL", [.text(recoveryProblem)])
        }
    }

    package func isRecovering() async throws -> Bool { try await pool.run { try RegistryRow.read($0).recovery != nil } }

    /// - Throws: ``RegistryRefusal`` `.recovering` while the registry is in recovery mode.
    package func requireOpen() async throws { try await pool.run { try RegistryRow.read($0).requireOpen() } }

    /// What tells one database from a copy of it, and one moment of it from a later one.
    package struct DatabaseState: Hashable, Sendable {
        package let systemIdentifier: String
        package let timeline: String
        /// The timeline on which a server has last found that nothing is missing; empty before the first one has looked.
        package let knownTimeline: String
        /// Whether a commit is acknowledged, and seen by others, only once a standby has it on its disk.
        package let isSynchronous: Bool
        package let incarnation: UInt32
        package let head: FeedHead
        /// The incarnation that begins when the recovery under way ends; `nil` when there is none.
        package let recovery: UInt32?
        /// Whether a server has kept its state outside the database before.
        package let isWitnessed: Bool
        /// The head at the position that was asked for, if the feed is so long.
        package let known: FeedHead?

        /// - Throws: ``PostgresError/standby`` where nothing can be written.
        fileprivate init(_ session: PostgresSession, knownAt position: UInt64) throws {
            let result = try session.execute(
                """
                SELECT system_identifier::text,
                    CASE WHEN NOT pg_is_in_recovery() THEN substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) END,
                    witnessed, recovery_incarnation, timeline, current_setting('synchronous_standby_names') <> ''
                        AND current_setting('synchronous_commit') IN ('on', 'remote_apply')
                FROM pg_control_system(), registry
                """)
            let registry = try RegistryRow.read(session)
            guard !result.isNull(0, 1) else { throw PostgresError.standby }
            systemIdentifier = result.text(0, 0)
            timeline = result.text(0, 1)
            knownTimeline = result.text(0, 4)
            isSynchronous = result.bool(0, 5)
            incarnation = registry.incarnation
            head = registry.feedHead
            recovery = result.optionalInt(0, 3).map { UInt32($0) }
            isWitnessed = result.bool(0, 2)
            known = try Recovery.hash(at: position, session).map {
                registry.incarnations.head(position: position, hash: $0)
            }
        }
    }

    /// Looks at a database, on one of its connections, and begins recovery mode where it is not what was seen of it.
    ///
    /// - Parameters:
    ///   - position: The position of a head that was seen before.
    ///   - incarnation: The highest incarnation that was seen.
    ///   - mismatch: What does not fit in a state; `nil` when all is well.
    /// - Returns: The state, and what does not fit.
    package static func compare(
        _ session: PostgresSession, _ secrets: RegistrySecrets, knownAt position: UInt64, above incarnation: UInt32,
        now: UInt64, mismatch: (DatabaseState) -> String?
    ) throws -> (state: DatabaseState, reason: String?) {
        let state = try DatabaseState(session, knownAt: position)
        guard mismatch(state) != nil else { return (state, nil) }
        return try session.transaction {
            // Another connection may have found the same.
            _ = try RegistryRow.lock(session)
            let state = try DatabaseState(session, knownAt: position)
            let reason = mismatch(state)
            if let reason {
                try beginRecovery(session, secrets, reason: reason, above: incarnation, now: now)
            }
            return (try DatabaseState(session, knownAt: position), reason)
        }
    }

    /// - Parameter position: The position of a head that was seen before.
    package func databaseState(knownAt position: UInt64) async throws -> DatabaseState {
        try await pool.run { try DatabaseState($0, knownAt: position) }
    }

    /// Commits what nobody reads: it comes back once a standby that commits wait for has all from before it.
    package func awaitStandby() async throws {
        try await pool.run { try $0.execute("SELECT pg_logical_emit_message(true, 'registry', '')") }
    }

    /// Notes that a server has kept the database's state outside it, and has found that nothing is missing.
    ///
    /// - Parameter timeline: Where it has found it.
    package func noteWitness(timeline: String) async throws {
        try await pool.run {
            try $0.execute(
                "UPDATE registry SET witnessed = true, timeline = $1 WHERE NOT witnessed OR timeline <> $1",
                [.text(timeline)])
        }
    }
}
