import Arbitration
import FederationWire
import PostgresClient
import RegistrySchema
import Replication
import VoucherDomain

extension RegistryStore {
    /// Brings the database to this build's schema and makes the registry's first entries. Safe to repeat, from
    /// several processes at a time.
    ///
    /// - Parameters:
    ///   - policyDocument: Published as the first policy when there is none.
    ///   - now: Milliseconds since 1970.
    ///   - progress: Called now and then while a migration reads the whole journal, with the migration's id, the position
    ///     reached and the last one.
    /// - Returns: The ids of the migrations that were carried out.
    /// - Throws: ``RegistryRefusal`` when the database is of a newer build, or belongs to another signing key.
    @discardableResult
    package func migrate(
        policyDocument: [UInt8], now: UInt64,
        progress: @escaping @Sendable (_ id: String, _ position: Int64, _ last: Int64) -> Void = { _, _, _ in }
    ) async throws -> [String] {
        let (secrets, dialect) = (secrets, dialect)
        return try await pool.run { session in
            try session.run(script: "SELECT pg_advisory_lock(\(Locks.migration))")
            defer { try? session.run(script: "SELECT pg_advisory_unlock(\(Locks.migration))") }
            let done = try RegistryStore.migrateSchema(session, dialect, progress)
            try session.transaction {
                try RegistryStore.initialise(session, secrets, policyDocument: policyDocument, now: now)
            }
            return done
        }
    }

    private static func migrateSchema(
        _ session: PostgresSession, _ dialect: Dialect, _ progress: (String, Int64, Int64) -> Void
    ) throws -> [String] {
        try session.run(
            script: """
                CREATE TABLE IF NOT EXISTS schema_migration (
                    id text PRIMARY KEY, sha256 bytea NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())
                """)
        let applied = try appliedMigrations(session)
        let migrations = RegistrySchema.migrations
        var done: [String] = []
        if applied.count < migrations.count { try keepArbitersAway(session) }
        defer { _ = try? session.execute("SELECT pg_advisory_unlock(\(Locks.arbiter))") }
        for migration in migrations {
            let digest = Secret.stored(Array(migration.sql.utf8))
            if let recorded = applied[migration.id] {
                guard recorded == digest else {
                    throw RegistryRefusal(.invalid, "migration \(migration.id) was applied with another text")
                }
                continue
            }
            try session.transaction {
                try session.run(script: migration.sql)
                try fill(migration.id, session, dialect, progress)
                try session.execute(
                    "INSERT INTO schema_migration (id, sha256) VALUES ($1, $2)",
                    [.text(migration.id), .bytea(digest)])
            }
            done.append(migration.id)
        }
        return done
    }

    /// The digests of what was applied, by id.
    ///
    /// - Throws: ``RegistryRefusal`` when the database is of a newer build.
    static func appliedMigrations(_ session: PostgresSession) throws -> [String: [UInt8]] {
        let known = try session.execute("SELECT id, sha256 FROM schema_migration ORDER BY id")
        var applied: [String: [UInt8]] = [:]
        for row in 0..<known.count {
            let id = known.text(row, 0)
            guard RegistrySchema.migrations.contains(where: { $0.id == id }) else {
                throw RegistryRefusal(
                    .invalid, "the database has migration \(id) of a newer build: update this program")
            }
            applied[id] = known.bytes(row, 1)
        }
        return applied
    }

    /// Takes the arbiter's lock: a server of an earlier build would decide beside the tables that are filled here, and know
    /// nothing of them.
    private static func keepArbitersAway(_ session: PostgresSession) throws {
        guard try session.execute("SELECT pg_try_advisory_lock(\(Locks.arbiter))").bool(0, 0) else {
            throw RegistryRefusal(
                .invalid,
                "the database is of an earlier build, and a server of that build is deciding: stop all servers of this "
                    + "registry first")
        }
    }

    /// Fills what a migration has made from what is there.
    private static func fill(
        _ id: String, _ session: PostgresSession, _ dialect: Dialect, _ progress: (String, Int64, Int64) -> Void
    ) throws {
        let last = try session.execute("SELECT coalesce(max(position), 0) FROM feed").int(0, 0)
        func told(_ position: Int64) {
            if position.isMultiple(of: 10_000) { progress(id, position, last) }
        }
        switch id {
        case RegistrySchema.members: try seedMembers(session)
        case RegistrySchema.history: try ClaimHistory.seed(session, dialect, told)
        case RegistrySchema.questionPages: try CaseWriter.fillDeadlines(session, dialect, told)
        case RegistrySchema.appliedLetters: try PaymentWriter.fillApplied(session, dialect, told)
        case RegistrySchema.reports: try KeptTotals.fill(session)
        case RegistrySchema.keyLifetime: try dateKeys(session)
        default: break
        }
    }

    /// Fills `member` from what was decided before there was such a table, as the fold would have.
    private static func seedMembers(_ session: PostgresSession) throws {
        let result = try session.execute(
            """
            SELECT e.bytes, b.received_at_ms, f.decision
            FROM feed f JOIN entry e ON e.city_code = f.city_code AND e.sequence = f.sequence
            CROSS JOIN LATERAL (
                SELECT received_at_ms FROM batch b
                WHERE b.city_code = e.city_code AND b.last_sequence >= e.sequence
                ORDER BY b.last_sequence LIMIT 1) AS b
            WHERE e.city_code = 0 AND e.kind BETWEEN 101 AND 103 OR f.decision = $1 ORDER BY f.position
            """, [.int4(Int32(Outcome.Decision.unsupported.rawValue))])
        var ledger = Ledger()
        for row in 0..<result.count {
            let entry = try EntryCoding.decode(result.bytes(row, 0))
            let isUnsupported = result.int(row, 2) == Int64(Outcome.Decision.unsupported.rawValue)
            let journalEntry = JournalEntry(
                position: Int64(row) + 1, city: entry.city, id: entry.id.rawValue,
                content: isUnsupported ? .unsupported : PayloadCoding.content(of: entry),
                receivedAt: result.int(row, 1), writtenAt: Int64(clamping: entry.time.milliseconds))
            ledger.apply(Outcome(decision: .noted, policyVersion: 0), of: journalEntry)
        }
        for (city, member) in ledger.members.cities {
            try session.queue(
                "INSERT INTO member VALUES ($1, $2, $3, $4, $5)",
                [
                    .int4(Int32(city.rawValue)), .bool(member.isActive), .int8(member.watermark),
                    .int8(member.feedPosition), .int8(member.unsupportedSince),
                ])
        }
    }

    /// The registry's row, its own log, and the first policy as that log's first entry.
    private static func initialise(
        _ session: PostgresSession, _ secrets: RegistrySecrets, policyDocument: [UInt8], now: UInt64
    ) throws {
        let publicKey = secrets.signingKey.publicKey.bytes
        if try RegistryStore.isInitialised(session) { return try checkSecrets(session, secrets) }
        try session.execute(
            """
            WITH first AS (INSERT INTO incarnation (number, first_position) VALUES (1, 1))
            INSERT INTO registry (feed_position, feed_hash, signing_key, secrets_digest) VALUES (0, $1, $2, $3)
            """, [.bytea(Digest.zero.rawValue), .bytea(publicKey), .bytea(secrets.digest)])
        var generator = SystemRandomNumberGenerator()
        let epoch = Epoch(incarnation: 1, counter: 1, nonce: generator.next())
        try session.execute(
            """
            INSERT INTO city (city_code, name, status, public_key, granted_epoch, log_hash)
            VALUES (0, '国家登记中心', 'active', $1, $2, $3)
            """, [.bytea(publicKey), .bytea(epoch.bytes), .bytea(Digest.zero.rawValue)])
        let policy: RegistryAct
        do {
            policy = .policyPublished(
                version: try PolicyCoding.decode(policyDocument).version, document: policyDocument)
        } catch { throw RegistryRefusal(.invalid, error.message) }
        try append(policy, session, secrets, now: now)
    }
}

extension RegistryStore {
    private static func isInitialised(_ session: PostgresSession) throws -> Bool {
        try session.execute("SELECT 1 FROM registry").count > 0
    }

    private static func checkSecrets(_ session: PostgresSession, _ secrets: RegistrySecrets) throws {
        let recorded = try session.execute("SELECT secrets_digest FROM registry")
        guard recorded.count == 1 else {
            throw RegistryRefusal(.notInitialised, "the database has no registry: run national-registry migrate")
        }
        guard recorded.bytes(0, 0) == secrets.digest else {
            throw RegistryRefusal(
                .invalid,
                "this database belongs to a registry with other keys than those of --state: name its own directory, or "
                    + "restore the missing files from their backup; the database is as it was")
        }
    }

    /// Whether the database has a registry's tables, of whichever build.
    package func hasSchema() async throws -> Bool {
        try await pool.run { try $0.execute("SELECT to_regclass('registry') IS NOT NULL").bool(0, 0) }
    }

    /// What the server calls the database that this store is on: a URL may leave it to libpq's environment.
    package func databaseName() async throws -> String {
        try await pool.run { try $0.execute("SELECT current_database()").text(0, 0) }
    }

    /// Makes sure that the database has a registry and that these are its keys.
    package func checkKeys() async throws {
        let secrets = secrets
        try await pool.run { try RegistryStore.checkSecrets($0, secrets) }
    }
}

/// Numbers of the advisory locks, apart from anything else in the database.
enum Locks {
    static let migration = 7_226_001
    static let arbiter = 7_226_002
}
