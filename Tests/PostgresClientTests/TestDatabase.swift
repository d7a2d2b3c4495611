import Foundation
import NationalRegistry
import PostgresClient
import Synchronization
import Testing

/// The private PostgreSQL cluster of this test process, started when the first test asks for it.
///
/// The directory is named by the process, so that the targets of one test process share one server: each holds
/// the cluster's own lock, and the last one out stops it and removes the directory.
enum TestCluster {
    private static let directory = "/tmp/vf-tests-\(getpid())"
    private static let server = Result { try start() }
    private static let counter = Mutex(0)
    /// Six databases of at most eight connections are in use at a time; the server has room for a hundred.
    static let leases = AsyncSemaphore(6)

    private static func start() throws -> EmbeddedPostgres {
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
        atexit { TestCluster.stop() }
        return try EmbeddedPostgres(directory: directory)
    }

    private static func stop() {
        try? server.get().stop()
        if !FileManager.default.fileExists(atPath: "\(directory)/data/postmaster.pid") {
            try? FileManager.default.removeItem(atPath: directory)
        }
    }

    /// The pool from which databases are made and dropped.
    static let operators = server.map { PostgresPool(url: $0.url, size: 1) }

    /// Makes an empty database of that name.
    ///
    /// - Returns: Its URL.
    static func create(_ name: String) async throws -> String {
        try await operators.get().run { session in
            // A process with the same id may have been killed here before.
            try session.run(script: "DROP DATABASE IF EXISTS \(name) WITH (FORCE)")
            try session.run(script: "CREATE DATABASE \(name) TEMPLATE template0")
        }
        return try server.get().url.replacingOccurrences(of: ":///postgres?", with: ":///\(name)?")
    }

    static func drop(_ name: String) async throws {
        try await operators.get().run { try $0.run(script: "DROP DATABASE IF EXISTS \(name) WITH (FORCE)") }
    }

    static func nextNumber() -> Int {
        counter.withLock { counter in
            counter += 1
            return counter
        }
    }
}

/// A database of a test's own.
struct TestDatabase: Sendable {
    let url: String
    let pool: PostgresPool

    @TaskLocal private static var leased: TestDatabase?

    /// The database that ``Trait/database`` has leased to the running test.
    static var current: TestDatabase {
        guard let leased else { preconditionFailure("the suite lacks the trait .database") }
        return leased
    }

    /// Ends a connection of this database from outside, and returns once it is gone.
    func terminate(_ backend: Int64) async throws {
        let isGone = try await TestCluster.operators.get().run { session in
            try session.execute("SELECT pg_terminate_backend($1::int8::int4, 20000)", [.int8(backend)]).bool(0, 0)
        }
        try #require(isGone)
    }

    fileprivate static func lease(_ body: @Sendable () async throws -> Void) async throws {
        try await TestCluster.leases.wait()
        defer { TestCluster.leases.signal() }
        let name = "p_\(TestCluster.nextNumber())"
        let url = try await TestCluster.create(name)
        try await TestDatabase.$leased.withValue(TestDatabase(url: url, pool: PostgresPool(url: url, size: 4))) {
            try await body()
        }
        try await TestCluster.drop(name)
    }
}

/// Leases an empty database to each test of a suite, and drops it after the test.
struct TestDatabaseTrait: TestTrait, SuiteTrait, TestScoping {
    var isRecursive: Bool { true }

    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        try await TestDatabase.lease(function)
    }
}

extension Trait where Self == TestDatabaseTrait {
    static var database: Self { TestDatabaseTrait() }
}
