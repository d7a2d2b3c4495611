import AsyncHTTPClient
import CityStore
import FederationHTTP
package import FederationWire
import Foundation
import NIOCore
import NIOFoundationCompat
import NIOHTTP1
import NIOPosix
import NIOSSL
package import Replication
package import VoucherDomain

/// The city's way to the registry: signed requests over TLS, answers as messages.
package struct RegistryClient: Sendable {
    /// An answer that is none of the protocol's messages.
    struct Refusal: Error {
        let status: UInt
        let kind: String
        let detail: String
        let retryAfter: Int?
    }

    /// No answer at all, in words for the officer.
    struct Unreachable: Error {
        let message: String

        init(_ url: String, _ error: any Error) {
            message =
                if Unreachable.isCertificateFault(error) {
                    "\(url) does not show the certificate that this node trusts: it is another server, or something "
                        + "stands between; ask the registry's operator"
                } else {
                    "the registry at \(url) is not reached (\(Unreachable.reason(error))): check the network, and that "
                        + "the registry runs"
                }
        }

        private static func isCertificateFault(_ error: any Error) -> Bool {
            switch error {
            case is NIOSSLError, is NIOSSLExtraError, is BoringSSLError: true
            case let error as NIOConnectionError: error.connectionErrors.contains { isCertificateFault($0.error) }
            default: false
            }
        }

        private static func reason(_ error: any Error) -> String {
            switch error {
            case let error as IOError: String(cString: strerror(error.errnoCode))
            case let error as NIOConnectionError:
                error.connectionErrors.first.map { reason($0.error) } ?? "\(error.host) has no address"
            case let error as HTTPClientError: error.shortDescription
            default: "\(type(of: error))"
            }
        }
    }

    private let client: HTTPClient
    private let baseURL: String
    private let city: CityCode
    private let key: SigningKey

    /// - Parameters:
    ///   - trustAnchor: The registry's private CA, DER; empty takes the system's trust.
    ///   - shown: Called at each new connection with the end of the certificate that the registry shows.
    package init(
        baseURL: String, city: CityCode, key: SigningKey, trustAnchor: [UInt8],
        shown: @escaping @Sendable (Expiry) -> Void = { _ in }
    ) throws {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.minimumTLSVersion = .tlsv12
        // A long poll is under way when the node is stopped; the registry's good-bye is not worth five seconds.
        tls.shutdownTimeout = .milliseconds(200)
        if !trustAnchor.isEmpty {
            tls.trustRoots = .certificates([try NIOSSLCertificate(bytes: trustAnchor, format: .der)])
        }
        var configuration = HTTPClient.Configuration(tlsConfiguration: tls)
        configuration.timeout.connect = .seconds(5)
        configuration.httpVersion = .http1Only
        configuration.connectionPool.idleTimeout = .seconds(50)
        configuration.http1_1ConnectionDebugInitializer = { channel in
            // What cannot be looked at is no reason to hang up.
            channel.nioSSL_peerCertificate().map { certificate -> Void in
                if let certificate { shown(Expiry(certificate)) }
            }.recover { _ in }
        }
        client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        self.baseURL = baseURL
        self.city = city
        self.key = key
    }

    package func shutdown() async { try? await client.shutdown() }

    func join(_ request: JoinRequest) async throws -> JoinAnswer {
        try await post("join", request, within: .seconds(20))
    }

    package func hello(_ hello: Hello) async throws -> HelloAnswer {
        var hello = hello
        hello.software = CityNodeCommand.version
        return try await post("hello", hello, within: .seconds(20))
    }

    package func push(_ batch: PushBatch) async throws -> PushAnswer {
        try await post("push", batch, within: .seconds(60))
    }

    func log(_ request: LogRequest) async throws -> LogPage { try await post("log", request, within: .seconds(60)) }

    func present(_ presentation: Presentation) async throws -> RecoveryStanding {
        try await post("present", presentation, within: .seconds(20))
    }

    func refill(_ page: RefillPage) async throws -> RecoveryStanding {
        try await post("refill", page, within: .seconds(60))
    }

    /// Waits as long as the request asks, and ten seconds more: a half-open connection is noticed by then.
    func feed(_ request: FeedRequest) async throws -> FeedAnswer {
        let wait = Int64(request.wait / .milliseconds(1))
        return try await post("feed", request, within: .milliseconds(wait + 10_000))
    }

    /// How long the registry's answers are waited for: somebody waits with the papers in hand, or for a file of many rows.
    static func longestCheck(of questions: Int) -> TimeAmount {
        .milliseconds(min(10_000, 1_000 + 10 * Int64(questions)))
    }

    /// Asks checks.
    ///
    /// - Parameters:
    ///   - body: ``CheckRequests`` as JSON.
    ///   - count: How many questions it has.
    /// - Returns: The answers as JSON, in the form of the question. Nothing of them is verified.
    func check(_ body: [UInt8], questions count: Int) async throws -> [UInt8] {
        try await send("check", body, as: .json, within: RegistryClient.longestCheck(of: count))
    }

    private func post<Answer: SyncMessage>(
        _ path: String, _ message: some SyncMessage, within limit: TimeAmount
    ) async throws -> Answer {
        try Answer(
            try await send(path, message.encoded(as: .protobuf), as: .protobuf, within: limit), as: .protobuf)
    }

    /// Signs a request and sends it.
    ///
    /// - Returns: The answer's body.
    /// - Throws: ``Refusal`` for every answer but 200, ``Unreachable`` for none.
    private func send(
        _ path: String, _ body: [UInt8], as format: BodyFormat, within limit: TimeAmount
    ) async throws -> [UInt8] {
        let url = "\(baseURL)/v1/sync/\(path)"
        var generator = SystemRandomNumberGenerator()
        let signature = RequestSignature(
            keyID: city.description, created: Int64(WallClock.now / 1_000),
            nonce: EntryID(using: &generator).text)
        let fields = try signature.sign(method: "POST", targetURI: url, body: body, key: key)
        var request = HTTPClientRequest(url: url)
        request.method = .POST
        request.headers.add(name: "Content-Type", value: format.contentType)
        request.headers.add(name: "Content-Digest", value: fields.contentDigest)
        request.headers.add(name: "Signature-Input", value: fields.signatureInput)
        request.headers.add(name: "Signature", value: fields.signature)
        request.body = .bytes(ByteBuffer(bytes: body))
        let response: HTTPClientResponse
        let bytes: [UInt8]
        do {
            response = try await client.execute(request, timeout: limit)
            bytes = Array(buffer: try await response.body.collect(upTo: FeedAnswer.maximumBytes))
        } catch let error where !(error is CancellationError) {
            throw Unreachable(baseURL, error)
        }
        guard response.status == .ok else {
            let problem = Problem.read(bytes)
            throw Refusal(
                status: response.status.code, kind: problem?.kind ?? "",
                detail: problem?.detail ?? "the registry answered \(response.status)",
                retryAfter: response.headers.first(name: "Retry-After").flatMap { Int($0) })
        }
        return bytes
    }
}
