import Foundation
import NationalRegistry
package import PostgresClient
import Synchronization
import Terminal
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
        // No test cuts the power, and a disk that is waited for makes them ten times as slow.
        try session.run(script: "ALTER SYSTEM SET fsync = off")
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

    /// Makes an empty database of that name.
    ///
    /// - Returns: Its URL.
    package static func create(_ name: String) async throws -> String {
        try await operators.get().run { session in
            // A process with the same id may have been killed here before.
            try session.run(script: "DROP DATABASE IF EXISTS \(name) WITH (FORCE)")
            try session.run(script: "CREATE DATABASE \(name) TEMPLATE template0")
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

    /// The database that ``Trait/database`` has leased to the running test.
    package static var current: TestDatabase {
        guard let leased else { preconditionFailure("the suite lacks the trait .database") }
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
    package func copied() async throws -> TestDatabase {
        let name = "p_\(TestCluster.nextNumber())"
        let target = try await TestCluster.create(name)
        let file = "/tmp/vf-copy-\(getpid())-\(name)"
        defer { for path in [file, "\(file).out"] { unlink(path) } }
        for command in [
            ["pg_dump", "--format=custom", "--file", file, "--dbname", url],
            ["pg_restore", "--exit-on-error", "--dbname", target, file],
        ] {
            let program = try EmbeddedPostgres.program(command[0])
            try #require(try ChildProgram.run([program] + command.dropFirst(), output: "\(file).out") == 0)
        }
        return TestDatabase(name: name, url: target)
    }

    /// Lends a copy to `body`.
    package func copied(_ body: (TestDatabase) async throws -> Void) async throws {
        let copy = try await copied()
        try await body(copy)
        try await copy.drop()
    }

    package func drop() async throws { try await TestCluster.drop(name) }

    private init(name: String, url: String) {
        self.name = name
        self.url = url
        pool = PostgresPool(url: url, size: 4)
    }

    fileprivate static func lease(_ body: @concurrent @Sendable () async throws -> Void) async throws {
        try await TestCluster.leases.wait()
        defer { TestCluster.leases.signal() }
        let name = "p_\(TestCluster.nextNumber())"
        let url = try await TestCluster.create(name)
        try await TestDatabase.$leased.withValue(TestDatabase(name: name, url: url)) {
            try await body()
        }
        try await TestCluster.drop(name)
    }
}

/// Leases an empty database to each test of a suite, and drops it after the test.
package struct TestDatabaseTrait: TestTrait, SuiteTrait, TestScoping {
    package var isRecursive: Bool { true }

    @concurrent
    package func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @concurrent @Sendable () async throws -> Void
    ) async throws {
        try await TestDatabase.lease(function)
    }
}

extension Trait where Self == TestDatabaseTrait {
    package static var database: Self { TestDatabaseTrait() }
}
