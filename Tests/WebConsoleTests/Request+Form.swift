import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import Synchronization

extension Request {
    /// A form as a browser sends it to `http://127.0.0.1:8441`.
    static func form(_ path: String, _ body: String = "", _ headers: HTTPFields = [:]) -> Request {
        Request(
            head: HTTPRequest(
                method: .post, scheme: "http", authority: "127.0.0.1:8441", path: path, headerFields: headers),
            body: RequestBody(buffer: ByteBuffer(string: body)))
    }

    /// The same, of fields.
    static func form(_ path: String, fields: [(name: String, value: String)]) -> Request {
        func encoded(_ text: String) -> String {
            text.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
        }
        return form(path, fields.map { "\(encoded($0.name))=\(encoded($0.value))" }.joined(separator: "&"))
    }
}

extension Response {
    /// The whole body.
    func text() async throws -> String {
        let written = Written()
        try await body.write(Writer(written: written))
        return String(buffer: written.buffer.withLock { $0 })
    }

    private final class Written: Sendable {
        let buffer = Mutex(ByteBuffer())
    }

    private struct Writer: ResponseBodyWriter {
        let written: Written

        @concurrent
        mutating func write(_ buffer: ByteBuffer) async throws {
            written.buffer.withLock { _ = $0.writeImmutableBuffer(buffer) }
        }

        @concurrent
        consuming func finish(_ trailingHeaders: HTTPFields?) async throws {}
    }
}
