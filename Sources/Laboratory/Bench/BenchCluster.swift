import DefaultPolicy
import FederationHTTP
import Foundation
import NationalRegistry
import PostgresClient
import RegistryStore
import Replication

/// A private PostgreSQL for benchmarks, with a database for each part.
struct BenchCluster {
    let directory: String
    private let isKept: Bool
    private let cluster: EmbeddedPostgres

    /// - Parameter kept: Where it is to stay for the next run; `nil` for a place of this run's own.
    init(kept: String? = nil) throws {
        try self.init(kept ?? "/tmp/federation-bench-\(getpid())", isKept: kept != nil)
    }

    /// A second server for this run alone, in a directory of another one's.
    init(beside other: BenchCluster) throws {
        let directory = "\(other.directory)/beside"
        // What a run that was killed has left.
        try? FileManager.default.removeItem(atPath: directory)
        try self.init(directory, isKept: false)
    }

    private init(_ directory: String, isKept: Bool) throws {
        self.directory = directory
        self.isKept = isKept
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        chmod(directory, 0o777)
        cluster = try EmbeddedPostgres(directory: "\(directory)/postgres")
    }

    func remove() {
        cluster.stop()
        if isKept { return }
        try? FileManager.default.removeItem(atPath: directory)
    }

    /// Makes a database with a registry in it.
    ///
    /// - Parameter state: Where its keys are kept, for a server that is to run on it; `nil` for keys of this run alone.
    func makeStore(database: String, state: String? = nil) async throws -> RegistryStore {
        let secrets = try state.map { try RegistryState(directory: $0).secrets }
        return try await BenchCluster.makeStore(cluster, database: database, secrets: secrets)
    }

    /// A registry that an earlier run has left in a database, brought up to this build.
    func openStore(database: String, state: String) async throws -> RegistryStore {
        let store = BenchCluster.store(url(of: database), try RegistryState(directory: state).secrets)
        try await store.migrate(policyDocument: DefaultPolicy.document, now: WallClock.now)
        return store
    }

    func url(of database: String) -> String { BenchCluster.url(of: database, cluster) }

    private static func store(_ url: String, _ secrets: RegistrySecrets) -> RegistryStore {
        RegistryStore(pool: PostgresPool(url: url, size: 24), secrets: secrets)
    }

    private static func url(of database: String, _ cluster: EmbeddedPostgres) -> String {
        cluster.url.replacing("/postgres?", with: "/\(database)?", maxReplacements: 1)
    }

    /// Copies a registry's database, as it is, which nobody may be using at this moment. The store that it was opened with
    /// is used up.
    ///
    /// - Returns: The registry on a new store, and its copy.
    func copied(
        _ store: RegistryStore, to database: String
    ) async throws -> (original: RegistryStore, copy: RegistryStore) {
        let source = try await store.pool.run { try $0.execute("SELECT current_database()").text(0, 0) }
        try await PostgresPool(url: cluster.url, size: 1).run { session in
            // A database that somebody is connected to cannot be copied; the pool's connections are idle.
            try session.execute(
                "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = $1", [.text(source)])
            try session.run(script: "CREATE DATABASE \(database) TEMPLATE \(source)")
        }
        func open(_ name: String) -> RegistryStore {
            BenchCluster.store(url(of: name), store.secrets)
        }
        return (open(source), open(database))
    }

    /// Makes a database with a registry in it, on a cluster that runs.
    static func makeStore(
        _ cluster: EmbeddedPostgres, database: String, secrets: RegistrySecrets? = nil
    ) async throws -> RegistryStore {
        try await PostgresPool(url: cluster.url, size: 1).run { try $0.run(script: "CREATE DATABASE \(database)") }
        let secrets =
            secrets
            ?? RegistrySecrets(
                signingKey: SigningKey(), keyEpoch: 1, federationSecret: PrivateFile.random(),
                detailMaster: PrivateFile.random())
        let store = store(url(of: database, cluster), secrets)
        try await store.migrate(policyDocument: DefaultPolicy.document, now: WallClock.now)
        return store
    }
}
