import Arbitration
import DefaultPolicy
import FederationWire
import PostgresClient
import RegistrySchema
import Replication
import TestSupport
import Testing
import VoucherDomain

@testable import RegistryStore

@Suite("Migration", .database)
struct MigrationTests {
    private let store = RegistryStore(pool: TestDatabase.current.pool, secrets: .test)

    private func migrate(_ store: RegistryStore, _ policy: [UInt8] = DefaultPolicy.document) async throws -> [String] {
        try await store.migrate(policyDocument: policy, now: .noon)
    }

    @Test("an empty database gets every migration, a registry and its first policy; again, nothing")
    func twice() async throws {
        let registry = TestRegistry(opening: TestDatabase.current.pool)

        #expect(try await migrate(store) == RegistrySchema.migrations.map(\.id))
        let before = try await registry.receivedState()
        #expect(try await migrate(store) == [])
        #expect(try await migrate(store, CappedPolicy.document(version: 2, yearCap: .yuan(1))) == [])
        #expect(try await registry.receivedState() == before)
        #expect(try await registry.log(of: .registry).map(\.kind) == [.policyPublished])
        try await registry.decide()
        #expect(try await store.policyDocuments().first?.document == DefaultPolicy.document)
    }

    @Test("processes that migrate at the same time make one registry")
    func atOnce() async throws {
        let store = store
        let done = try await withThrowingTaskGroup(of: [String].self) { group in
            for _ in 0..<4 {
                group.addTask { try await store.migrate(policyDocument: DefaultPolicy.document, now: .noon) }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }

        #expect(done == RegistrySchema.migrations.map(\.id))
        let registry = TestRegistry(opening: TestDatabase.current.pool)
        #expect(try await registry.log(of: .registry).count == 1)
    }

    @Test("a database that is not migrated says so")
    func notInitialised() async throws {
        try await store.pool.run { session in
            for migration in RegistrySchema.migrations { try session.run(script: migration.sql) }
        }

        let refusal = await #expect(throws: RegistryRefusal.self) { try await store.feedHead() }
        #expect(refusal?.code == .notInitialised)
    }

    @Test("a recovery that was under way when the program was exchanged begins anew")
    func recovering() async throws {
        try await store.pool.run { session in
            for migration in RegistrySchema.migrations.prefix(while: { $0.id != "registry_v009_recovery_tail" }) {
                try session.run(script: migration.sql)
            }
            try session.run(
                script: """
                    INSERT INTO registry (feed_position, feed_hash, signing_key, secrets_digest, recovery_phase,
                        recovery_reason, recovery_incarnation)
                    VALUES (2, sha256('2'), sha256('key'), sha256('secrets'), 'replaying', 'test', 2);
                    INSERT INTO incarnation VALUES (1, 1), (2, 5);
                    INSERT INTO recovery_feed (position, hash, bytes, city_code, sequence)
                    VALUES (3, sha256('3'), '', 0, 3), (4, sha256('4'), '', 0, 4);
                    """)
            for migration in RegistrySchema.migrations.drop(while: { $0.id != "registry_v009_recovery_tail" }) {
                try session.run(script: migration.sql)
            }
        }

        let registry = TestRegistry(opening: TestDatabase.current.pool)
        #expect(try await registry.texts("SELECT recovery_phase FROM registry") == ["collecting"])
        #expect(try await registry.numbers("SELECT recovery_incarnation::bigint FROM registry")[0] > 2)
        #expect(try await registry.numbers("SELECT octet_length(recovery_id)::bigint FROM registry") == [16])
        #expect(try await registry.numbers("SELECT untimed_through FROM registry") == [2])
        #expect(try await registry.numbers("SELECT number::bigint FROM incarnation") == [1])
        #expect(try await registry.numbers("SELECT count(*) FROM recovery_feed") == [0])
    }

    @Test("a database of an earlier build is left alone while a server of that build decides")
    func oldArbiter() async throws {
        try await store.pool.run { session in
            for migration in RegistrySchema.migrations.dropLast() { try session.run(script: migration.sql) }
            try session.run(
                script: "CREATE TABLE schema_migration (id text PRIMARY KEY, sha256 bytea, applied_at timestamptz)")
            for migration in RegistrySchema.migrations.dropLast() {
                try session.execute(
                    "INSERT INTO schema_migration VALUES ($1, $2, now())",
                    [.text(migration.id), .bytea(Secret.stored(Array(migration.sql.utf8)))])
            }
        }
        let arbiter = store.pool.dedicated()
        _ = try await arbiter.run { try $0.execute("SELECT pg_advisory_lock(\(Locks.arbiter))").count }.get()

        let refusal = await #expect(throws: RegistryRefusal.self) { try await migrate(store) }
        #expect(refusal?.message.contains("stop all servers") == true)

        _ = try await arbiter.run { try $0.execute("SELECT pg_advisory_unlock(\(Locks.arbiter))").count }.get()
        #expect(try await migrate(store) == RegistrySchema.migrations.suffix(1).map(\.id))
        // The lock is given back: somebody may decide.
        let isFree = try await arbiter.run {
            try $0.execute("SELECT pg_try_advisory_lock(\(Locks.arbiter))").bool(0, 0)
        }.get()
        #expect(isFree)
    }

    @Test("a registry of another signing key is left alone")
    func otherKey() async throws {
        _ = try await migrate(store)
        let other = RegistryStore(
            pool: TestDatabase.current.pool,
            secrets: RegistrySecrets(
                signingKey: SigningKey(), keyEpoch: 2, federationSecret: .sixteen(1), detailMaster: .sixteen(1)))
        let before = try await TestRegistry(opening: TestDatabase.current.pool).receivedState()

        let refusal = await #expect(throws: RegistryRefusal.self) { try await migrate(other) }
        #expect(refusal?.code == .invalid)
        #expect(try await TestRegistry(opening: TestDatabase.current.pool).receivedState() == before)
    }

    @Test(
        "a database of a newer build, or with another text of a migration, is left alone",
        arguments: [
            "INSERT INTO schema_migration (id, sha256) VALUES ('registry_v999_future', '\\x00')",
            "UPDATE schema_migration SET sha256 = '\\x00'",
        ])
    func otherBuild(sql: String) async throws {
        _ = try await migrate(store)
        try await store.pool.run { try $0.run(script: sql) }

        let refusal = await #expect(throws: RegistryRefusal.self) { try await migrate(store) }
        #expect(refusal?.code == .invalid)
    }

    @Test("a server that was overlooked at an update decides nothing, and leaves it to those that know all tables")
    func overlooked() async throws {
        _ = try await migrate(store)
        let future = "registry_v999_future"
        try await store.pool.run { session in
            try session.run(script: "INSERT INTO schema_migration (id, sha256) VALUES ('\(future)', '\\x00')")
        }
        let arbiter = Arbiter(store: store)

        let refusal = await #expect(throws: RegistryRefusal.self) { try await arbiter.acquire() }

        #expect(refusal?.code == .invalid)
        try await store.pool.run { try $0.run(script: "DELETE FROM schema_migration WHERE id = '\(future)'") }
        #expect(try await Arbiter(store: store).acquire())
    }

    @Test("a policy that cannot be used is not published, and a good one can follow")
    func badPolicy() async throws {
        let refusal = await #expect(throws: RegistryRefusal.self) { try await migrate(store, Array("{}".utf8)) }
        #expect(refusal?.code == .invalid)
        let notInitialised = await #expect(throws: RegistryRefusal.self) { try await store.checkReady() }
        #expect(notInitialised?.code == .notInitialised)

        _ = try await migrate(store)
        try await store.checkReady()
    }

    @Test("without a decided policy a check is answered unknown")
    func unknown() async throws {
        _ = try await migrate(store)
        let claim = Claim.sample("C1", invoices: [.serial(1)])
        let question = PreCheck(
            enterprise: claim.enterprise, provider: claim.provider, contract: claim.contract,
            invoices: claim.invoices.map(\.number), city: nil)
        #expect(try await store.check(question).answer == .unknown)
        try await TestRegistry(opening: TestDatabase.current.pool).decide()

        #expect(try await store.check(question).answer == .clear)
    }
}
