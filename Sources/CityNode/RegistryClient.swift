import AsyncHTTPClient
import CityStore
import FederationHTTP
import FederationWire
import Foundation
import NIOCore
import NIOFoundationCompat
import NIOHTTP1
import NIOSSL
import Replication
import VoucherDomain

/// The city's way to the registry: signed requests over TLS, answers as messages.
struct RegistryClient: Sendable {
    /// An answer that is none of the protocol's messages.
    struct Refusal: Error {
        let status: UInt
        let kind: String
        let detail: String
        let retryAfter: Int?
    }

    private let client: HTTPClient
    private let baseURL: String
    private let city: CityCode
    private let key: SigningKey

    /// - Parameter trustAnchor: The registry's private CA, DER; empty takes the system's trust.
    init(baseURL: String, city: CityCode, key: SigningKey, trustAnchor: [UInt8]) throws {
        var tls = TLSConfiguration.makeClientConfiguration()
        if !trustAnchor.isEmpty {
            tls.trustRoots = .certificates([try NIOSSLCertificate(bytes: trustAnchor, format: .der)])
        }
        var configuration = HTTPClient.Configuration(tlsConfiguration: tls)
        configuration.timeout.connect = .seconds(5)
        configuration.httpVersion = .http1Only
        configuration.connectionPool.idleTimeout = .seconds(50)
        client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        self.baseURL = baseURL
        self.city = city
        self.key = key
    }

    func shutdown() async { try? await client.shutdown() }

    func join(_ request: JoinRequest) async throws -> JoinAnswer { try await post("join", request, within: .seconds(20)) }

    func hello(_ hello: Hello) async throws -> HelloAnswer { try await post("hello", hello, within: .seconds(20)) }

    func push(_ batch: PushBatch) async throws -> PushAnswer { try await post("push", batch, within: .seconds(60)) }

    /// Waits as long as the request asks, and ten seconds more: a half-open connection is noticed by then.
    func feed(_ request: FeedRequest) async throws -> FeedAnswer {
        let wait = Int64(request.wait / .milliseconds(1))
        return try await post("feed", request, within: .milliseconds(wait + 10_000))
    }

    private func post<Answer: SyncMessage>(
        _ path: String, _ message: some SyncMessage, within limit: TimeAmount
    ) async throws -> Answer {
        let url = "\(baseURL)/v1/sync/\(path)"
        let body = message.encoded(as: .protobuf)
        var generator = SystemRandomNumberGenerator()
        let signature = RequestSignature(
            keyID: city.description, created: Int64(WallClock.now / 1_000),
            nonce: EntryID(using: &generator).text)
        let fields = try signature.sign(method: "POST", targetURI: url, body: body, key: key)
        var request = HTTPClientRequest(url: url)
        request.method = .POST
        request.headers.add(name: "Content-Type", value: BodyFormat.protobuf.contentType)
        request.headers.add(name: "Content-Digest", value: fields.contentDigest)
        request.headers.add(name: "Signature-Input", value: fields.signatureInput)
        request.headers.add(name: "Signature", value: fields.signature)
        request.body = .bytes(ByteBuffer(bytes: body))
        let response = try await client.execute(request, timeout: limit)
        let bytes = Array(buffer: try await response.body.collect(upTo: 64 << 20))
        guard response.status == .ok else {
            let problem = Problem.read(bytes)
            throw Refusal(
                status: response.status.code, kind: problem?.kind ?? "",
                detail: problem?.detail ?? "the registry answered \(response.status)",
                retryAfter: response.headers.first(name: "Retry-After").flatMap { Int($0) })
        }
        return try Answer(bytes, as: .protobuf)
    }
}
