import AsyncHTTPClient
import FederationHTTP
import Foundation
import NIOCore
import NIOHTTP1
import NIOSSL
import RegistryStore

/// How long the pages of the registry's console take: a real server over TLS, an operator who has signed in, one page
/// after the other, until the last byte has come.
struct ConsoleBench {
    /// A kind of page.
    struct Page: Sendable {
        let name: String
        /// Each is asked for once.
        let paths: [String]
    }

    let federation: Federation
    /// The URL of the database.
    let database: String
    /// The directory of its keys.
    let state: String

    /// - Parameter store: On the database that the server gets.
    /// - Returns: Times in milliseconds, by page. The page `overview, at the start` is the first that the server is asked for.
    func run(_ pages: [Page], _ store: RegistryStore) async throws -> [(name: String, times: [Double])] {
        let token = try await store.makeToken(
            .init(role: .operator, label: "bench"), expiresAt: nil, now: WallClock.now)
        try await federation.startRegistry(storage: ["--database", database, "--state", state], death: nil)
        defer { federation.stopAll() }
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile("\(state)/ca.pem"))
        var configuration = HTTPClient.Configuration(tlsConfiguration: tls, redirectConfiguration: .disallow)
        configuration.httpVersion = .http1Only
        return try await HTTPClient.with(configuration) { client in
            let visitor = try Visitor(client: client, url: "https://127.0.0.1:\(federation.registryPort)")
            return try await visitor.visit(pages, token: token)
        }
    }
}

/// An operator with a browser.
private struct Visitor {
    let client: HTTPClient
    let url: String

    func visit(
        _ pages: [ConsoleBench.Page], token: String
    ) async throws -> [(name: String, times: [Double])] {
        let session = try await signIn(token)
        var all = [(name: "overview, at the start", times: [try await time("/console", session)])]
        for page in pages {
            var times: [Double] = []
            for path in page.paths { times.append(try await time(path, session)) }
            all.append((page.name, times))
        }
        return all
    }

    /// - Returns: The session's cookie.
    private func signIn(_ token: String) async throws -> String {
        var request = HTTPClientRequest(url: url + "/console/login")
        request.method = .POST
        request.headers.add(name: "Content-Type", value: "application/x-www-form-urlencoded")
        request.body = .bytes(ByteBuffer(string: "token=\(token)"))
        let response = try await client.execute(request, timeout: .seconds(20))
        guard response.status == .seeOther, let cookie = response.headers.first(name: "Set-Cookie") else {
            throw Sample.Failure(message: "the console let nobody in: \(response.status)")
        }
        return String(cookie.prefix { $0 != ";" })
    }

    private func time(_ path: String, _ session: String) async throws -> Double {
        var request = HTTPClientRequest(url: url + path)
        request.headers.add(name: "Cookie", value: session)
        let start = ContinuousClock.now
        let response = try await client.execute(request, timeout: .seconds(120))
        let body = try await response.body.collect(upTo: 16 << 20)
        let time = start.duration(to: .now) / .milliseconds(1)
        guard response.status == .ok, String(buffer: body).contains("</html>") else {
            throw Sample.Failure(message: "\(path) was answered \(response.status)")
        }
        return time
    }
}
