import AsyncHTTPClient
import CityStore
import FederationHTTP
import FederationWire
import Foundation
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import NIOHTTP1
import Terminal

/// A command's way to the node: over HTTP to the running `serve`, or straight to the same routes when none runs.
///
/// There is one door to the store. While a `serve` holds the directory's lock a command must go through it, so
/// that one process alone writes; without one the command takes the lock itself.
struct NodeConnection {
    private enum Way {
        case served(url: String, token: String, client: HTTPClient)
        case direct(any HTTPResponder<NodeContext>, NodeDirectory.Lock)
    }

    private let way: Way
    private let logger = Logger(label: "city-node", factory: { _ in SwiftLogNoOpLogHandler() })

    /// Opens the node's directory, waiting for another command to finish for at most half a minute.
    static func open(_ directory: NodeDirectory) async throws -> NodeConnection {
        try directory.requireStore()
        for _ in 0..<300 {
            if let lock = try directory.lock() {
                let store = try CityStore(directory: directory.path)
                guard let identity = try store.identity() else {
                    throw StoreRefusal(.notJoined, "this node has not joined: run city-node join TOKEN")
                }
                let routes = NodeRoutes(
                    store: store, identity: identity, key: try directory.signingKey(), status: NodeStatus(),
                    registry: nil, token: nil, ring: {})
                return NodeConnection(way: .direct(routes.makeRouter().buildResponder(), lock))
            }
            if let url = directory.servingURL {
                let client = HTTPClient(eventLoopGroupProvider: .singleton)
                return NodeConnection(way: .served(url: url, token: try directory.apiToken(), client: client))
            }
            try await Task.sleep(for: .milliseconds(100))
        }
        throw NodeDirectory.Failure(
            message: "another program holds \(directory.path): wait for it to end, and try again")
    }

    private init(way: Way) { self.way = way }

    func close() async {
        if case .served(_, _, let client) = way { try? await client.shutdown() }
    }

    /// An answer: its status and body.
    struct Answer {
        let status: Int
        let body: [UInt8]

        /// The body of a success; a problem document becomes an error.
        func value<T: Decodable>(_ type: T.Type) throws -> T {
            try JSONDecoder().decode(T.self, from: Data(try success()))
        }

        func success() throws -> [UInt8] {
            guard (200..<300).contains(status) else {
                throw NodeDirectory.Failure(message: Problem.read(body)?.detail ?? "the node answered \(status)")
            }
            return body
        }
    }

    func get(_ path: String) async throws -> Answer { try await send("GET", path, []) }

    func post(_ path: String, _ value: some Encodable) async throws -> Answer {
        try await send("POST", path, try JSONBody.encode(value))
    }

    func send(_ method: String, _ path: String, _ body: [UInt8]) async throws -> Answer {
        switch way {
        case .direct(let responder, _):
            let head = HTTPRequest(
                method: .init(method) ?? .get, scheme: "http", authority: "localhost", path: path)
            let request = Request(head: head, body: .init(buffer: ByteBuffer(bytes: body)))
            do {
                let response = try await responder.respond(to: request, context: NodeContext(commandLine: logger))
                return Answer(status: response.status.code, body: try await response.collected())
            } catch let problem as Problem {
                return Answer(status: problem.status.code, body: problem.body)
            }
        case .served(let url, let token, let client):
            var request = HTTPClientRequest(url: url + path)
            request.method = .init(rawValue: method)
            request.headers.add(name: "Authorization", value: "Bearer \(token)")
            if !body.isEmpty {
                request.headers.add(name: "Content-Type", value: "application/json")
                request.body = .bytes(ByteBuffer(bytes: body))
            }
            let response = try await client.execute(request, timeout: .seconds(60))
            return Answer(
                status: Int(response.status.code), body: Array(buffer: try await response.body.collect(upTo: 64 << 20)))
        }
    }
}
