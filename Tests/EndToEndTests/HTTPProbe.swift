import AsyncHTTPClient
import FederationHTTP
import Foundation
import NIOCore
import NIOHTTP1
import NIOSSL
import Testing

/// Requests as nobody should make them, and what is answered.
struct HTTPProbe {
    /// An answer, and the problem document that its body is.
    struct Answer {
        struct Document: Decodable, Hashable {
            let type: String
            let title: String
            let status: Int
            let detail: String
        }

        let status: Int
        let contentType: String?
        /// By name in lower case; of several with one name the first.
        let headers: [String: String]
        let body: [UInt8]

        var problem: Document? { try? JSONDecoder().decode(Document.self, from: Data(body)) }
    }

    private let client: HTTPClient
    private let url: String

    /// Lends a probe of one server to `body`.
    ///
    /// - Parameter authority: PEM file of the CA that is trusted for `https`.
    static func with<T>(
        _ url: String, authority: String? = nil, newestTLS: TLSVersion? = nil, _ body: (HTTPProbe) async throws -> T
    ) async throws -> T {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.maximumTLSVersion = newestTLS
        if let authority { tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile(authority)) }
        var configuration = HTTPClient.Configuration(tlsConfiguration: tls, redirectConfiguration: .disallow)
        configuration.httpVersion = .http1Only
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        do {
            let value = try await body(HTTPProbe(client: client, url: url))
            try await client.shutdown()
            return value
        } catch {
            try? await client.shutdown()
            throw error
        }
    }

    func send(
        _ method: String, _ path: String, _ headers: [(String, String)] = [], body: [UInt8]? = nil,
        isChunked: Bool = false
    ) async throws -> Answer {
        var request = HTTPClientRequest(url: url + path)
        request.method = HTTPMethod(rawValue: method)
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        if let body {
            let buffer = ByteBuffer(bytes: body)
            request.body = isChunked ? .stream([buffer].async, length: .unknown) : .bytes(buffer)
        }
        return try await answer(to: request, within: .seconds(60))
    }

    /// Sends a request that announces a body and keeps it to itself.
    func sendHead(_ method: String, _ path: String, _ headers: [(String, String)]) async throws -> Answer {
        var request = HTTPClientRequest(url: url + path)
        request.method = HTTPMethod(rawValue: method)
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        let (body, rest) = AsyncStream<ByteBuffer>.makeStream()
        request.body = .stream(body, length: .known(Int64(1_000)))
        defer { rest.finish() }
        return try await answer(to: request, within: .seconds(20))
    }

    private func answer(to request: HTTPClientRequest, within limit: TimeAmount) async throws -> Answer {
        let response = try await client.execute(request, timeout: limit)
        return Answer(
            status: Int(response.status.code), contentType: response.headers.first(name: "Content-Type"),
            headers: Dictionary(
                response.headers.map { ($0.name.lowercased(), $0.value) }, uniquingKeysWith: { first, _ in first }),
            body: Array(buffer: try await response.body.collect(upTo: 1 << 24)))
    }
}

extension [ByteBuffer] {
    /// The elements one after the other, as a body of unknown length.
    fileprivate var async: AsyncStream<ByteBuffer> {
        AsyncStream { continuation in
            for element in self { continuation.yield(element) }
            continuation.finish()
        }
    }
}

extension HTTPProbe.Answer {
    /// It is a problem document of that status and kind, which says something to people.
    func expectProblem(
        _ status: Int, _ kind: String, _ comment: Comment, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(self.status == status, comment, sourceLocation: sourceLocation)
        #expect(contentType == Problem.contentType, comment, sourceLocation: sourceLocation)
        #expect(problem?.type == "urn:voucher-federation:problem:\(kind)", comment, sourceLocation: sourceLocation)
        #expect(problem?.status == status, comment, sourceLocation: sourceLocation)
        #expect(problem?.title.isEmpty == false, comment, sourceLocation: sourceLocation)
        #expect(problem?.detail.isEmpty == false, comment, sourceLocation: sourceLocation)
    }
}

/// Bytes on a plain connection that is closed in the middle.
enum RawConnection {
    struct Failure: Error { let message: String }

    /// Sends `bytes` to a port of the loopback and hangs up.
    static func send(_ bytes: [UInt8], port: Int) throws {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw Failure(message: "no socket") }
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(port)).bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let connected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connected == 0, write(descriptor, bytes, bytes.count) == bytes.count else {
            throw Failure(message: "port \(port): \(String(cString: strerror(errno)))")
        }
    }
}
