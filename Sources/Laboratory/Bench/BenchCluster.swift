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
    private let cluster: EmbeddedPostgres

    init() throws {
        directory = "/tmp/federation-bench-\(getpid())"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        chmod(directory, 0o777)
        cluster = try EmbeddedPostgres(directory: "\(directory)/postgres")
    }

    func remove() {
        cluster.stop()
        try? FileManager.default.removeItem(atPath: directory)
    }

    /// Makes a database with a registry in it.
    func makeStore(database: String) async throws -> RegistryStore {
        try await BenchCluster.makeStore(cluster, database: database)
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
            let url = cluster.url.replacing("/postgres?", with: "/\(name)?", maxReplacements: 1)
            return RegistryStore(pool: PostgresPool(url: url, size: 24), secrets: store.secrets)
        }
        return (open(source), open(database))
    }

    /// Makes a database with a registry in it, on a cluster that runs.
    static func makeStore(_ cluster: EmbeddedPostgres, database: String) async throws -> RegistryStore {
        try await PostgresPool(url: cluster.url, size: 1).run { try $0.run(script: "CREATE DATABASE \(database)") }
        let url = cluster.url.replacing("/postgres?", with: "/\(database)?", maxReplacements: 1)
        let secrets = RegistrySecrets(
            signingKey: SigningKey(), keyEpoch: 1, federationSecret: PrivateFile.random(),
            detailMaster: PrivateFile.random())
        let store = RegistryStore(pool: PostgresPool(url: url, size: 24), secrets: secrets)
        try await store.migrate(policyDocument: DefaultPolicy.document, now: WallClock.now)
        return store
    }
}
