package import FederationWire
import PostgresClient
package import Replication
package import VoucherDomain

/// Recovery mode: what a registry does whose database was restored to an earlier point. The design is in
/// `Schemas/protocol/recovery.md`.
extension RegistryStore {
    /// Enters recovery mode, unless the registry is in it.
    ///
    /// - Parameter reason: For the operators: what showed that the database was restored.
    package func beginRecovery(reason: String, now: UInt64) async throws {
        let secrets = secrets
        try await pool.transaction { session in
            let registry = try RegistryRow.lock(session)
            guard registry.recovery == nil else { return }
            try Recovery.begin(session, registry, above: 0, reason: reason, now: now)
            // Without cities there is nobody to wait for.
            try Recovery(session: session, secrets: secrets, city: .registry, now: now).advance()
        }
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
            if registry.recovery == nil {
                guard let reason = try Recovery.news(shown, row, registry, session) else {
                    return .open(row.head, registry.feedHead)
                }
                try Recovery.begin(session, registry, above: shown.incarnation, reason: reason, now: now)
                registry = try RegistryRow.lock(session)
            }
            let recovery = Recovery(session: session, secrets: secrets, city: presentation.city, now: now)
            if registry.recovery == .collecting {
                try recovery.note(shown)
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
        return try await pool.transaction { session in
            let registry = try RegistryRow.lock(session)
            let row = try CityRow.lock(city, session)
            guard let phase = registry.recovery else { return .open(row.head, registry.feedHead) }
            let recovery = Recovery(session: session, secrets: secrets, city: city, now: now)
            guard phase == .collecting else { return try recovery.standing() }
            let receipt = try recovery.take(page, row)
            try recovery.advance()
            var standing = try recovery.standing()
            standing.receipt = receipt
            return standing
        }
    }

    /// Goes on without a city that does not come: the operator knows that its node is lost, or that it has applied nothing
    /// that others have not.
    ///
    /// - Throws: ``RegistryRefusal`` when more cities would be missing than an authorisation has witnesses.
    package func acceptAbsence(of city: CityCode, reason: String, now: UInt64) async throws {
        let secrets = secrets
        try await pool.transaction { session in
            let registry = try RegistryRow.lock(session)
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

        /// `collecting` or `replaying`.
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

    /// Keeps for the operators why a recovery does not come to its end.
    package func note(recoveryProblem: String) async throws {
        try await pool.run {
            try $0.execute(
                "UPDATE registry SET recovery_problem = $1 WHERE recovery_phase IS NOT NULL", [.text(recoveryProblem)])
        }
    }

    /// - Throws: ``RegistryRefusal`` `.recovering` while the registry is in recovery mode.
    package func requireOpen() async throws { try await pool.run { try RegistryRow.read($0).requireOpen() } }

    /// What tells one database from a copy of it, and one moment of it from a later one.
    package struct DatabaseState: Hashable, Sendable {
        package let systemIdentifier: String
        package let timeline: String
        package let head: FeedHead
        package let isRecovering: Bool
        /// Whether a server has kept its state outside the database before.
        package let isWitnessed: Bool
    }

    /// - Parameter position: The position of a head that was seen before.
    /// - Returns: The database's state, and the head that it has at that position, if it has one.
    package func databaseState(
        knownAt position: UInt64
    ) async throws -> (state: DatabaseState, known: FeedHead?) {
        try await pool.run { session in
            let result = try session.execute(
                """
                SELECT system_identifier::text, substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8), witnessed
                FROM pg_control_system(), registry
                """)
            let registry = try RegistryRow.read(session)
            let state = DatabaseState(
                systemIdentifier: result.text(0, 0), timeline: result.text(0, 1), head: registry.feedHead,
                isRecovering: registry.recovery != nil, isWitnessed: result.bool(0, 2))
            let hash = try Recovery.hash(at: position, session)
            return (state, hash.map { registry.incarnations.head(position: position, hash: $0) })
        }
    }

    /// Notes that a server has kept the database's state outside it.
    package func noteWitness() async throws {
        try await pool.run { try $0.execute("UPDATE registry SET witnessed = true WHERE NOT witnessed") }
    }
}
