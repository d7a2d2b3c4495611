import AsyncHTTPClient
import FederationHTTP
import Foundation
import NIOCore
import NIOHTTP1
import NIOSSL

/// The way to an identity provider: single requests over HTTPS, which end within ten seconds, and answers of a megabyte
/// at most.
///
/// Each has a connection of its own: the keys are asked for once an hour, and whoever signs in is one more.
struct ProviderConnection: Sendable {
    typealias Failure = IdentityProvider.Failure

    let issuer: String
    private let configuration: HTTPClient.Configuration

    private static let longest = Duration.seconds(10)
    private static let maximumBytes = 1 << 20

    /// - Parameter trust: PEM file of the authority that signs the provider's certificate; `nil` takes the system's trust.
    /// - Throws: ``IdentityProvider/Failure`` when no certificate is found there.
    init(issuer: String, trust: String?) throws {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.minimumTLSVersion = .tlsv12
        // The provider's good-bye is not worth waiting for.
        tls.shutdownTimeout = .milliseconds(200)
        if let trust {
            guard let roots = try? NIOSSLCertificate.fromPEMFile(trust), !roots.isEmpty else {
                throw Failure(description: "there is no certificate in PEM in \(trust)")
            }
            tls.trustRoots = .certificates(roots)
        }
        var configuration = HTTPClient.Configuration(tlsConfiguration: tls, redirectConfiguration: .disallow)
        configuration.timeout.connect = .seconds(5)
        configuration.httpVersion = .http1Only
        // Whoever asks tries again, and says why it was for nothing.
        configuration.connectionPool.retryConnectionEstablishment = false
        self.issuer = issuer
        self.configuration = configuration
    }

    /// What the provider says of itself.
    ///
    /// - Throws: ``IdentityProvider/Failure`` when it is another one than that.
    func document() async throws -> DiscoveryDocument {
        let url = DiscoveryDocument.url(ofIssuer: issuer)
        let body = try await body(at: url)
        guard let document = try? JSONDecoder().decode(DiscoveryDocument.self, from: Data(body)) else {
            throw Failure(description: "\(url) is no configuration of an OpenID provider")
        }
        guard document.issuer == issuer else {
            throw Failure(description: "\(url) is the configuration of \(document.issuer.prefix(200))")
        }
        return document
    }

    func keys(at url: String) async throws -> KeySet {
        guard let keys = KeySet(Data(try await body(at: url))) else {
            throw Failure(description: "\(url.prefix(200)) is no JSON Web Key Set")
        }
        return keys
    }

    /// Exchanges the code that somebody came back with for the token that says who it is (RFC 6749 §4.1.3).
    ///
    /// - Parameter redirect: Where they were sent back to.
    func token(
        for code: String, of signIn: ProviderSignIn, _ client: ProviderClient, redirect: String,
        _ document: DiscoveryDocument
    ) async throws -> String {
        guard let endpoint = document.token_endpoint else {
            throw Failure(description: "the configuration of \(issuer) has no token_endpoint")
        }
        var request = HTTPClientRequest(url: endpoint)
        request.method = .POST
        request.headers.add(name: "Content-Type", value: "application/x-www-form-urlencoded")
        request.headers.add(name: "Accept", value: "application/json")
        var fields = [
            "grant_type": "authorization_code", "code": code, "redirect_uri": redirect, "client_id": client.id,
            "code_verifier": signIn.verifier,
        ]
        if let secret = client.secret, document.takesSecretInBody {
            fields["client_secret"] = secret
        } else if let secret = client.secret {
            // RFC 6749 §2.3.1.
            let both = "\(Question.encoded(client.id)):\(Question.encoded(secret))"
            request.headers.add(name: "Authorization", value: "Basic \(Data(both.utf8).base64EncodedString())")
        }
        request.body = .bytes(ByteBuffer(string: Question.query(fields)))
        let answer = try await answer(to: request)
        struct Body: Decodable { let id_token, error: String? }
        let body = try? JSONDecoder().decode(Body.self, from: Data(answer.body))
        guard answer.status == 200, let token = body?.id_token else {
            throw Failure(
                description: "\(endpoint.prefix(200)) answered \(answer.status) \((body?.error ?? "").prefix(200))")
        }
        return token
    }

    private func body(at url: String) async throws -> [UInt8] {
        let answer = try await answer(to: HTTPClientRequest(url: url))
        guard answer.status == 200 else {
            throw Failure(description: "\(url.prefix(200)) answered \(answer.status)")
        }
        return answer.body
    }

    private struct Answer: Sendable {
        let status: UInt
        let body: [UInt8]
    }

    private func answer(to request: HTTPClientRequest) async throws -> Answer {
        guard request.url.hasPrefix("https://") else {
            throw Failure(description: "\(request.url.prefix(200)) is no https URL")
        }
        let configuration = configuration
        return try await withThrowingTaskGroup(of: Answer.self) { group in
            group.addTask { try await ProviderConnection.answer(to: request, configuration) }
            group.addTask {
                try await Task.sleep(for: ProviderConnection.longest)
                throw Failure(description: "\(request.url.prefix(200)) did not answer within ten seconds")
            }
            defer { group.cancelAll() }
            guard let answer = try await group.next() else { throw CancellationError() }
            return answer
        }
    }

    private static func answer(
        to request: HTTPClientRequest, _ configuration: HTTPClient.Configuration
    ) async throws -> Answer {
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        do {
            let response = try await client.execute(request, timeout: .seconds(10))
            let body = Array(buffer: try await response.body.collect(upTo: maximumBytes))
            try await client.shutdown()
            return Answer(status: response.status.code, body: body)
        } catch {
            try? await client.shutdown()
            throw error
        }
    }
}
