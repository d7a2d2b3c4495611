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
    enum Fault: Sendable, CaseIterable {
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
    }

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
            tasks.addTask {
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
            ]))
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
