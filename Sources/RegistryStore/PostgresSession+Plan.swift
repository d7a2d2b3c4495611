import PostgresClient

extension PostgresSession {
    /// How PostgreSQL goes about a query, in its own words: for benchmarks.
    func plan(of sql: String, _ parameters: [PostgresParameter]) throws -> String {
        let result = try execute("EXPLAIN " + sql, parameters)
        return (0..<result.count).map { result.text($0, 0) }.joined(separator: "\n")
    }
}
