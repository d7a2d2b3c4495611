import Failpoints
import Foundation

/// A `HOST:PORT` to listen on; port 0 lets the system pick one.
package struct ListenAddress: Hashable, Sendable {
    package let host: String
    package let port: Int

    /// Reads `HOST:PORT`, with IPv6 hosts in brackets.
    package init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
            (0...65_535).contains(port)
        else { return nil }
        let host = text[..<colon].trimmingCharacters(in: CharacterSet(charactersIn: "[]"))
        guard !host.isEmpty else { return nil }
        self.host = host
        self.port = port
    }

    /// Whether only this machine can reach it.
    package var isLoopback: Bool { host == "localhost" || host == "::1" || host.hasPrefix("127.") }

    /// The base URL for a port that was really bound.
    package func url(scheme: String, port: Int) -> String {
        "\(scheme)://\(host.contains(":") ? "[\(host)]" : host):\(port)"
    }
}

/// The first line on standard output of a daemon, flushed; nothing else of it goes there.
package enum ReadyLine {
    package static func print(url: String) {
        FileHandle.standardOutput.write(Data("listening on \(url)\n".utf8))
    }
}

/// The wall clock.
package enum WallClock {
    /// Milliseconds since 1970.
    package static var now: UInt64 {
        UInt64(max(0, Int64(Date().timeIntervalSince1970 * 1_000) + ClockShift.milliseconds))
    }
}
