import AsyncHTTPClient
import FederationHTTP
import Foundation
import NIOCore
import NIOHTTP1

/// The little of a running node's local API that the benches use.
struct NodeAPI {
    private let client: HTTPClient
    private let url: String
    private let token: String

    /// - Parameter directory: The node's.
    init(client: HTTPClient, directory: String) throws {
        self.client = client
        url = try String(contentsOfFile: "\(directory)/serving-url", encoding: .utf8)
        token = try String(contentsOfFile: "\(directory)/api-token", encoding: .utf8)
    }

    func get(_ path: String) async throws { try await send(.GET, path, body: nil) }

    func post(_ path: String, _ value: some Encodable) async throws {
        try await send(.POST, path, body: try JSONBody.encode(value))
    }

    private func send(_ method: HTTPMethod, _ path: String, body: [UInt8]?) async throws {
        var request = HTTPClientRequest(url: url + path)
        request.method = method
        if let body { request.body = .bytes(ByteBuffer(bytes: body)) }
        request.headers.add(name: "Authorization", value: "Bearer \(token)")
        let response = try await client.execute(request, timeout: .seconds(20))
        let text = String(buffer: try await response.body.collect(upTo: 16 << 20))
        guard (200..<300).contains(response.status.code) else { throw Sample.Failure(message: text) }
    }
}
