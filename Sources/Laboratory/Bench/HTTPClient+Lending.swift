import AsyncHTTPClient

extension HTTPClient {
    /// Lends a client, and shuts it down however that went.
    static func with<Value>(
        _ configuration: Configuration = Configuration(), _ body: (HTTPClient) async throws -> Value
    ) async throws -> Value {
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        do {
            let value = try await body(client)
            try await client.shutdown()
            return value
        } catch {
            try await client.shutdown()
            throw error
        }
    }
}
