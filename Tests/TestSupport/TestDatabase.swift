import Foundation
import NationalRegistry
package import PostgresClient
import Synchronization
package import Testing

/// The private PostgreSQL cluster of this test process, started when the first test asks for it.
///
/// The directory is named by the process, so that the targets of one test process share one server: each holds
/// the cluster's own lock, and the last one out stops it and removes the directory.
package enum TestCluster {
    private static let directory = "/tmp/vf-tests-\(getpid())"
    private static let server = Result { try start() }
    private static let counter = Mutex(0)
    /// Six databases of at most eight connections are in use at a time; the server has room for a hundred.
    package static let leases = AsyncSemaphore(6)

    private static func start() throws -> EmbeddedPostgres {
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
        atexit { TestCluster.stop() }
        let server = try EmbeddedPostgres(directory: directory)
        let session = try PostgresSession(url: server.url)
        // No test cuts the power, and a disk that is waited for makes them ten times as slow. Nor is there a torn page to
        // mend: every database that is dropped ends with a checkpoint, after which each page would be logged whole again.
        try session.run(script: "ALTER SYSTEM SET fsync = off")
        try session.run(script: "ALTER SYSTEM SET full_page_writes = off")
        try session.run(script: "SELECT pg_reload_conf()")
        return server
    }

    private static func stop() {
        try? server.get().stop()
        if !FileManager.default.fileExists(atPath: "\(directory)/data/postmaster.pid") {
            try? FileManager.default.removeItem(atPath: directory)
        }
    }

    /// The pool from which databases are made and dropped.
    package static let operators = server.map { PostgresPool(url: $0.url, size: 1) }

    /// Makes a database of that name, in place of the one that there may be.
    ///
    /// - Parameter source: The database that it is a copy of, which the server makes: whoever is connected to that one is
    ///   cut off. `nil` for an empty one.
    /// - Returns: Its URL.
    package static func create(_ name: String, copying source: String? = nil) async throws -> String {
        try await operators.get().run { session in
            // A process with the same id may have been killed here before.
            try session.run(script: "DROP DATABASE IF EXISTS \(name) WITH (FORCE)")
            if let source {
                try session.execute(
                    "SELECT pg_terminate_backend(pid, 20000) FROM pg_stat_activity WHERE datname = $1", [.text(source)])
            }
            try session.run(script: "CREATE DATABASE \(name) TEMPLATE \(source ?? "template0")")
        }
        return try server.get().url.replacingOccurrences(of: ":///postgres?", with: ":///\(name)?")
    }

    package static func drop(_ name: String) async throws {
        try await operators.get().run { try $0.run(script: "DROP DATABASE IF EXISTS \(name) WITH (FORCE)") }
    }

    package static func nextNumber() -> Int {
        counter.withLock { counter in
            counter += 1
            return counter
        }
    }
}

/// A database of a test's own.
package struct TestDatabase: Sendable {
    private let name: String
    package let url: String
    package let pool: PostgresPool

    @TaskLocal private static var leased: TestDatabase?

    /// The database that a ``TestDatabaseTrait`` has leased to the running test.
    package static var current: TestDatabase {
        guard let leased else { preconditionFailure("the suite lacks a trait that leases a database") }
        return leased
    }

    /// Ends a connection of this database from outside, and returns once it is gone.
    package func terminate(_ backend: Int64) async throws {
        let isGone = try await TestCluster.operators.get().run { session in
            try session.execute("SELECT pg_terminate_backend($1::int8::int4, 20000)", [.int8(backend)]).bool(0, 0)
        }
        try #require(isGone)
    }

    /// Puts this database as it stands into a new one, as a backup that is restored does; ``drop()`` ends it.
    ///
    /// The server copies it, which takes a tenth of what `pg_dump` and `pg_restore` take. That these lose nothing is held
    /// by the tests of `backup` and `restore`.
    /// - Precondition: Nobody goes on with a connection that is open now, but by ``pool``, which makes new ones.
    package func copied() async throws -> TestDatabase {
        pool.closeIdle()
        let copy = "p_\(TestCluster.nextNumber())"
        return TestDatabase(name: copy, url: try await TestCluster.create(copy, copying: name))
    }

    /// Lends a copy to `body`.
    package func copied(_ body: (TestDatabase) async throws -> Void) async throws {
        let copy = try await copied()
        try await body(copy)
        try await copy.drop()
    }

    package func drop() async throws { try await TestCluster.drop(name) }

    /// Puts a copy of a template in the place of all that is in here.
    package func fill(from template: DatabaseTemplate) async throws {
        pool.closeIdle()
        _ = try await TestCluster.create(name, copying: template.name)
    }

    private init(name: String, url: String) {
        self.name = name
        self.url = url
        pool = PostgresPool(url: url, size: 4)
    }

    /// - Parameter template: What the database is a copy of; `nil` for an empty one.
    fileprivate static func lease(
        _ template: DatabaseTemplate?, _ body: @concurrent @Sendable () async throws -> Void
    ) async throws {
        try await TestCluster.leases.wait()
        defer { TestCluster.leases.signal() }
        let name = "p_\(TestCluster.nextNumber())"
        let url = try await TestCluster.create(name, copying: template?.name)
        try await TestDatabase.$leased.withValue(TestDatabase(name: name, url: url)) {
            try await body()
        }
        try await TestCluster.drop(name)
    }
}

/// Leases a database to each test of a suite, and drops it after the test.
package struct TestDatabaseTrait: TestTrait, SuiteTrait, TestScoping {
    private let template: (@Sendable () async throws -> DatabaseTemplate)?

    /// - Parameter template: What each database is a copy of; `nil` for an empty one.
    package init(copying template: (@Sendable () async throws -> DatabaseTemplate)? = nil) { self.template = template }

    package var isRecursive: Bool { true }

    @concurrent
    package func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @concurrent @Sendable () async throws -> Void
    ) async throws {
        try await TestDatabase.lease(template?(), function)
    }
}

extension Trait where Self == TestDatabaseTrait {
    /// An empty database.
    package static var database: Self { TestDatabaseTrait() }
}
