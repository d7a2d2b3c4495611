import PostgresClient
import RegistryStore
import Simulation
import TestSupport

/// A database of a run, which is copied as it stands: a backup, and what is restored from it.
///
/// It is copied by the server, not by `pg_dump`, which takes ten times as long.
struct RunDatabase: Sendable {
    private let name: String
    let url: String

    private static let first = Task {
        let name = "recovery_\(TestCluster.nextNumber())"
        let database = RunDatabase(name: name, url: try await TestCluster.create(name))
        let store = RegistryStore(pool: PostgresPool(url: database.url, size: 1), secrets: RunSecrets.registry)
        try await store.migrate(policyDocument: SmallPolicy.document(version: 1), now: Federation.start)
        return database
    }

    /// A registry in which nothing has happened.
    static func fresh() async throws -> RunDatabase { try await first.value.copy() }

    /// - Precondition: Nobody goes on with a connection that is open now: all of them are cut.
    func copy() async throws -> RunDatabase {
        let copy = "recovery_\(TestCluster.nextNumber())"
        return RunDatabase(name: copy, url: try await TestCluster.create(copy, copying: name))
    }

    func drop() async throws { try await TestCluster.drop(name) }
}
