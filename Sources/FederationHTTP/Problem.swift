import Crypto
import Foundation
package import HTTPTypes
package import Hummingbird
import NIOCore

/// An error as a problem document (RFC 9457): what went wrong, and what to do about it.
package struct Problem: Error, HTTPResponseError, Hashable {
    package let status: HTTPResponse.Status
    /// A short stable word that programs compare, such as `fenced`; the `type` member is built from it.
    package let kind: String
    /// One sentence for people.
    package let detail: String
    /// When to try again, in seconds.
    package let retryAfter: Int?
    /// The names of the methods that are allowed there, where it was another one.
    private let allowed: String?

    package init(_ status: HTTPResponse.Status, _ kind: String, _ detail: String, retryAfter: Int? = nil) {
        self.init(status, kind, detail, retryAfter: retryAfter, allowed: nil)
    }

    private init(
        _ status: HTTPResponse.Status, _ kind: String, _ detail: String, retryAfter: Int?, allowed: String?
    ) {
        self.status = status
        self.kind = kind
        self.detail = detail
        self.retryAfter = retryAfter
        self.allowed = allowed
    }

    /// A path that has methods, but not this one.
    static func method(_ request: Request, allowed: [HTTPRequest.Method]) -> Problem {
        let names = allowed.map(\.rawValue).joined(separator: ", ")
        return Problem(
            .methodNotAllowed, "method", "\(request.uri.path) takes no \(request.method): \(names)", retryAfter: nil,
            allowed: names)
    }

    package static let contentType = "application/problem+json"
    private static let typePrefix = "urn:voucher-federation:problem:"

    package func response(from request: Request, context: some RequestContext) throws -> Response {
        var headers: HTTPFields = [.contentType: Problem.contentType]
        if let retryAfter { headers[.retryAfter] = String(retryAfter) }
        // RFC 9110 §10.2.1.
        if let allowed { headers[.allow] = allowed }
        // RFC 9110 §11.6.1.
        if status == .unauthorized, kind == "token" { headers[.wwwAuthenticate] = "Bearer" }
        return Response(status: status, headers: headers, body: .init(byteBuffer: ByteBuffer(bytes: body)))
    }

    /// The document's bytes.
    package var body: [UInt8] {
        let document = Document(
            type: Problem.typePrefix + kind, title: status.reasonPhrase, status: status.code, detail: detail)
        return (try? JSONBody.encode(document)) ?? []
    }

    /// Reads a problem document; `nil` when the bytes are none.
    package static func read(_ body: [UInt8]) -> (kind: String, detail: String)? {
        guard let document = try? JSONDecoder().decode(Document.self, from: Data(body)) else { return nil }
        return (String(document.type.dropFirst(typePrefix.count)), document.detail)
    }

    private struct Document: Codable {
        let type: String
        let title: String
        let status: Int
        let detail: String
    }
}

/// Makes a problem document of what the server itself refuses: an unknown path, another method.
package struct ProblemMiddleware<Context: RequestContext>: RouterMiddleware {
    private let methods: RoutedMethods

    /// - Parameter methods: Noted once the router has all of its routes.
    package init(methods: RoutedMethods) { self.methods = methods }

    @concurrent
    package func handle(
        _ request: Request, context: Context, next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch let error as HTTPError {
            let allowed = error.status == .notFound ? methods.methods(at: request.uri.path) : []
            guard allowed.isEmpty || allowed.contains(request.method) else {
                throw Problem.method(request, allowed: allowed)
            }
            let detail =
                error.status == .notFound
                ? "there is nothing at \(request.method) \(request.uri.path)" : error.body ?? error.status.reasonPhrase
            throw Problem(error.status, error.status == .notFound ? "not-found" : "request", detail)
        }
    }
}

/// JSON as both programs write it: keys sorted, slashes plain.
package enum JSONBody {
    package static func encode(_ value: some Encodable) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return Array(try encoder.encode(value))
    }

    /// An answer with a JSON body.
    package static func response(_ value: some Encodable, status: HTTPResponse.Status = .ok) throws -> Response {
        Response(
            status: status, headers: [.contentType: "application/json; charset=utf-8"],
            body: .init(byteBuffer: ByteBuffer(bytes: try encode(value))))
    }

    /// An answer with a JSON body and its entity tag; without the body where the request's `If-None-Match` names it
    /// (RFC 9110 §13.1.2).
    package static func response(_ value: some Encodable, for request: Request) throws -> Response {
        let body = try encode(value)
        let digest = SHA256.hash(data: body).prefix(16).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }
        let tag = "\"\(digest.joined())\""
        let headers: HTTPFields = [.eTag: tag, .cacheControl: "private, no-cache"]
        let known = (request.headers[.ifNoneMatch] ?? "").split(separator: ",").map {
            $0.trimmingCharacters(in: .whitespaces)
        }
        if known.contains(tag) { return Response(status: .notModified, headers: headers) }
        var response = Response(status: .ok, headers: headers, body: .init(byteBuffer: ByteBuffer(bytes: body)))
        response.headers[.contentType] = "application/json; charset=utf-8"
        return response
    }
}

extension Request {
    /// How long a body may take to come: a whole batch over a line of 1 Mbit/s, and as much again.
    private static let longestBody = Duration.seconds(120)

    /// The whole body, refused when it is over `limit` bytes, compressed or announced larger, and when it takes longer than
    /// two minutes.
    package func bytes(upTo limit: Int) async throws -> [UInt8] {
        if let encoding = headers[.contentEncoding], encoding.lowercased() != "identity" {
            throw Problem(.unsupportedMediaType, "content-encoding", "send the body without content encoding")
        }
        if let length = headers[.contentLength].flatMap({ Int($0) }), length > limit {
            throw Problem(.contentTooLarge, "too-large", "a body of \(length) bytes, at most \(limit)")
        }
        do {
            return try await withThrowingTaskGroup(of: [UInt8].self) { [body] group in
                group.addTask { Array(buffer: try await body.collect(upTo: limit)) }
                group.addTask {
                    try await Task.sleep(for: Request.longestBody)
                    throw Problem(.requestTimeout, "too-slow", "the body did not come within two minutes")
                }
                defer { group.cancelAll() }
                return try await group.next() ?? []
            }
        } catch is NIOTooManyBytesError {
            throw Problem(.contentTooLarge, "too-large", "a body of more than \(limit) bytes")
        }
    }

    /// A whole number from the query, bounded.
    package func number(_ name: String, default standard: Int64, in range: ClosedRange<Int64>) throws -> Int64 {
        guard let text = uri.queryParameters[Substring(name)] else { return standard }
        guard let value = Int64(text), range.contains(value) else {
            throw Problem(.badRequest, "query", "\(name) is a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    /// A text from the query; empty counts as not given.
    package func text(_ name: String) -> String? {
        uri.queryParameters[Substring(name)].flatMap { $0.isEmpty ? nil : String($0) }
    }

    /// The token of an `Authorization: Bearer` header.
    package var bearerToken: String? {
        guard let header = headers[.authorization], header.lowercased().hasPrefix("bearer ") else { return nil }
        return header.dropFirst(7).trimmingCharacters(in: .whitespaces)
    }
}
