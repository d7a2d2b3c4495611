package import Hummingbird
import NIOCore

/// Server-sent events (HTML standard §9.2): tells a page that something has changed, and the page looks again.
package enum EventStream {
    /// How long one stream lasts; the browser then begins another.
    private static let longest = Duration.seconds(300)
    /// A comment now and then shows that the connection lives.
    private static let silence = Duration.seconds(20)

    /// A stream of the changes of a number.
    ///
    /// - Parameters:
    ///   - current: Looks at the number.
    ///   - wait: Returns when it may have changed, or after the time given.
    ///   - isOver: Whether the server is shutting down.
    package static func response(
        of current: @escaping @Sendable () async throws -> UInt64,
        wait: @escaping @Sendable (Duration) async -> Void, isOver: @escaping @Sendable () -> Bool
    ) -> Response {
        var response = Response(
            status: .ok, headers: [.contentType: "text/event-stream"],
            body: ResponseBody { writer in
                let end = ContinuousClock.now + longest
                var last = try await current()
                try await writer.write(ByteBuffer(string: "retry: 2000\n\nid: \(last)\ndata: \(last)\n\n"))
                var said = ContinuousClock.now
                while ContinuousClock.now < end, !isOver(), !Task.isCancelled {
                    await wait(silence)
                    let now = try await current()
                    guard now != last || ContinuousClock.now >= said + silence else { continue }
                    let text = now == last ? ": still here\n\n" : "id: \(now)\ndata: \(now)\n\n"
                    last = now
                    said = .now
                    try await writer.write(ByteBuffer(string: text))
                }
                try await writer.finish(nil)
            })
        SafetyHeaders.add(to: &response)
        return response
    }
}
