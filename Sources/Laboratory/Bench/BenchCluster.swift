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
