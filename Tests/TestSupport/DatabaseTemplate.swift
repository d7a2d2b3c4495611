package import PostgresClient

/// A database that is filled once in this process and copied by the server for each test that begins with what is in it.
package struct DatabaseTemplate: Sendable {
    let name: String

    /// Makes a database and lets `fill` put into it what its copies are to have.
    ///
    /// - Parameter source: What it begins with; `nil` for an empty one.
    package init(
        copying source: DatabaseTemplate? = nil, fill: (PostgresPool) async throws -> Void
    ) async throws {
        name = "t_\(TestCluster.nextNumber())"
        let pool = PostgresPool(url: try await TestCluster.create(name, copying: source?.name), size: 4)
        try await fill(pool)
        pool.closeIdle()
    }
}
