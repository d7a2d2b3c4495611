import Crypto
import FederationHTTP
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTLS
import Logging
import NIOCore
import NIOSSL
import NationalRegistry
import ServiceLifecycle
import Synchronization

/// An OpenID Connect provider over HTTPS on the loopback, with an authority of its own.
///
/// It is `localhost` to everybody, while the registry is `127.0.0.1`: to a browser these are two sites.
final class FakeProvider: Sendable {
    /// What is wrong with what it publishes.
    enum Fault: Sendable {
        case none
        /// It answers that it cannot.
        case isDown
        /// It gives itself another name than the one that it was asked by.
        case hasOtherName
        /// Its keys are not behind TLS.
        case hasPlainKeys
        /// Its keys come with a megabyte of nothing.
        case hasLongKeys
        /// Where its keys should be is something else.
        case hasNoKeys
    }

    private struct State {
        var issuer = ""
        var keys: [ProviderKey]
        var fault: Fault
        var asked = 0
        /// What it says of whoever signs in.
        var person: [String: String] = [:]
        var grants: [String: Grant] = [:]
    }

    /// What somebody has come with who signs in.
    private struct Grant {
        let redirect: String
        let challenge: String
        let nonce: String
    }

    /// The registry as its client, and what it proves it by.
    static let client = "console"
    static let secret = "to be+encoded/%"

    /// PEM file of its authority.
    let authority: String
    private let state: Mutex<State>

    private init(_ keys: [ProviderKey], _ fault: Fault, authority: String) {
        self.authority = authority
        state = Mutex(State(keys: keys, fault: fault))
    }

    var issuer: String { state.withLock(\.issuer) }

    /// How often it was asked for its configuration.
    var asked: Int { state.withLock(\.asked) }

    /// Whoever signs in from now on is that one: claims beside those of ``ProviderKey/claims(of:_:)``.
    func expect(_ person: [String: String]) { state.withLock { $0.person = person } }

    func publish(_ keys: [ProviderKey]) { state.withLock { $0.keys = keys } }

    func set(_ fault: Fault) { state.withLock { $0.fault = fault } }

    /// Lends a running provider to `body`.
    ///
    /// - Parameter directory: Where its authority is kept.
    static func with(
        _ keys: [ProviderKey], in directory: String, _ fault: Fault = .none,
        _ body: (FakeProvider) async throws -> Void
    ) async throws {
        let provider = FakeProvider(keys, fault, authority: "\(directory)/ca.pem")
        let logger = Logger(label: "provider", factory: { _ in SwiftLogNoOpLogHandler() })
        let (ports, running) = AsyncStream<Int>.makeStream()
        let application = Application(
            router: provider.makeRouter(),
            server: try .tls(.http1(), tlsConfiguration: try makeTLS(directory)),
            configuration: .init(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { channel in running.yield(channel.localAddress?.port ?? 0) }, logger: logger)
        var configuration = ServiceGroupConfiguration(services: [application], logger: logger)
        configuration.maximumGracefulShutdownDuration = .seconds(5)
        let group = ServiceGroup(configuration: configuration)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask(executorPreference: QueueExecutor()) {
                defer { running.finish() }
                try await group.run()
            }
            for await port in ports.prefix(1) {
                provider.state.withLock { $0.issuer = "https://localhost:\(port)" }
            }
            do {
                try await body(provider)
            } catch {
                await group.triggerGracefulShutdown()
                throw error
            }
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
    }

    private static func makeTLS(_ directory: String) throws -> TLSConfiguration {
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        let authority = try CertificateAuthority(directory: directory, now: Date())
        let leaf = try authority.makeLeaf(hosts: ["localhost"], now: Date())
        let chain = try NIOSSLCertificate.fromPEMBytes(Array(leaf.certificatePEM.utf8))
        return TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) },
            privateKey: .privateKey(try NIOSSLPrivateKey(bytes: Array(leaf.keyPEM.utf8), format: .pem)))
    }

    private func makeRouter() -> Router<BasicRequestContext> {
        let router = Router(context: BasicRequestContext.self)
        router.get(".well-known/openid-configuration") { _, _ in try self.configuration() }
        router.get("keys") { _, _ in try self.keys() }
        router.get("authorize") { request, _ in try self.authorize(request) }
        router.post("token") { request, _ in
            try self.exchange(request, try await request.body.collect(upTo: 1 << 16))
        }
        return router
    }

    private func configuration() throws -> Response {
        let (issuer, fault) = state.withLock { state in
            state.asked += 1
            return (state.issuer, state.fault)
        }
        let keys = fault == .hasPlainKeys ? issuer.replacing("https://", with: "http://") : issuer
        return try answer(
            JSONSerialization.data(withJSONObject: [
                "issuer": fault == .hasOtherName ? "https://id.example" : issuer, "jwks_uri": "\(keys)/keys",
                "authorization_endpoint": "\(issuer)/authorize?tenant=1", "token_endpoint": "\(issuer)/token",
            ]))
    }

    /// Signs in whoever comes, at once, and sends them back with a code.
    private func authorize(_ request: Request) throws -> Response {
        let asked = request.uri.queryParameters
        guard asked["response_type"] == "code", asked["client_id"].map(String.init) == Self.client,
            asked["tenant"] == "1", asked["code_challenge_method"] == "S256",
            asked["scope"]?.split(separator: " ").contains("openid") == true,
            let redirect = asked["redirect_uri"], let challenge = asked["code_challenge"], let nonce = asked["nonce"],
            let sent = asked["state"]
        else { return Response(status: .badRequest) }
        let code = UUID().uuidString
        let issuer = state.withLock { state in
            state.grants[code] = Grant(redirect: String(redirect), challenge: String(challenge), nonce: String(nonce))
            return state.issuer
        }
        let back = "\(redirect)?code=\(code)&state=\(sent)&iss=\(Question.encoded(issuer))"
        return Response(status: .seeOther, headers: [.location: back])
    }

    /// Exchanges a code, once, for a token: for the client alone, and for whoever has begun the sign-in.
    private func exchange(_ request: Request, _ body: ByteBuffer) throws -> Response {
        var parts = URLComponents()
        parts.percentEncodedQuery = String(buffer: body)
        let items = parts.queryItems ?? []
        func field(_ name: String) -> String? { items.first { $0.name == name }?.value }
        let (issuer, person, key, grant) = state.withLock { state in
            (state.issuer, state.person, state.keys.first, state.grants.removeValue(forKey: field("code") ?? ""))
        }
        let basic = (request.headers[.authorization] ?? "").split(separator: " ").last.map(String.init) ?? ""
        let credentials = String(decoding: Data(base64Encoded: basic) ?? Data(), as: UTF8.self)
            .split(separator: ":").map { $0.removingPercentEncoding }
        let challenge = Base64URL.encode(SHA256.hash(data: Data((field("code_verifier") ?? "").utf8)))
        guard let grant, let key, field("grant_type") == "authorization_code", field("client_id") == Self.client,
            field("redirect_uri") == grant.redirect, challenge == grant.challenge,
            credentials == [Self.client, Self.secret]
        else {
            return Response(
                status: .badRequest, body: .init(byteBuffer: ByteBuffer(string: #"{"error": "invalid_grant"}"#)))
        }
        let claims = person.merging(["aud": Self.client, "nonce": grant.nonce]) { $1 }
        let token = try key.token(ProviderKey.claims(of: issuer, claims))
        let given = ["id_token": token, "access_token": "x", "token_type": "Bearer"]
        return answer(try JSONSerialization.data(withJSONObject: given))
    }

    private func keys() throws -> Response {
        let (keys, fault) = state.withLock { ($0.keys, $0.fault) }
        let set = fault == .hasNoKeys ? Data("[]".utf8) : try ProviderKey.set(keys)
        let nothing = fault == .hasLongKeys ? Data(repeating: UInt8(ascii: " "), count: 1 << 20) : Data()
        return answer(nothing + set)
    }

    private func answer(_ body: Data) -> Response {
        guard state.withLock(\.fault) != .isDown else { return Response(status: .internalServerError) }
        return Response(
            status: .ok, headers: [.contentType: "application/json"], body: .init(byteBuffer: ByteBuffer(bytes: body)))
    }
}
