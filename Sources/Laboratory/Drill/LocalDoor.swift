import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1

/// A back office's way to its city's node: the local API, as it is found in the node's directory.
struct LocalDoor: Sendable {
    /// What came back.
    struct Answer: Sendable {
        let status: Int
        let body: Data

        func value<T: Decodable>(_ type: T.Type) -> T? { try? JSONDecoder().decode(T.self, from: body) }

        /// What a problem document says.
        var detail: String {
            struct Problem: Decodable { let detail: String }
            return value(Problem.self)?.detail ?? String(decoding: body, as: UTF8.self)
        }
    }

    let client: HTTPClient
    /// The node's directory.
    let directory: String

    /// - Parameters:
    ///   - key: The Idempotency-Key, of a request that is repeated until it is answered.
    ///   - limit: How long to wait for an answer.
    /// - Returns: `nil` when nobody answered.
    func send(
        _ method: HTTPMethod, _ path: String, _ body: Data = Data(), key: String? = nil, limit: TimeAmount = .seconds(5)
    ) async -> Answer? {
        guard let url = read("serving-url"), let token = read("api-token") else { return nil }
        var request = HTTPClientRequest(url: url + path)
        request.method = method
        request.headers.add(name: "Authorization", value: "Bearer \(token)")
        if let key { request.headers.add(name: "Idempotency-Key", value: key) }
        if !body.isEmpty {
            request.headers.add(name: "Content-Type", value: "application/json")
            request.body = .bytes(body)
        }
        do {
            let response = try await client.execute(request, timeout: limit)
            let buffer = try await response.body.collect(upTo: 64 << 20)
            return Answer(status: Int(response.status.code), body: Data(buffer.readableBytesView))
        } catch { return nil }
    }

    private func read(_ file: String) -> String? {
        FileManager.default.contents(atPath: "\(directory)/\(file)").map {
            String(decoding: $0, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        }
    }
}
