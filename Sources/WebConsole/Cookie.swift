import HTTPTypes
package import Hummingbird

/// The cookies of the consoles (RFC 6265).
package enum Cookie {
    package static let language = "language"

    /// All cookies of a request, by name.
    package static func values(of request: Request) -> [String: String] {
        var values: [String: String] = [:]
        for part in (request.headers[.cookie] ?? "").split(separator: ";") {
            let pair = part.drop { $0 == " " }.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if pair.count == 2 { values[String(pair[0])] = String(pair[1]) }
        }
        return values
    }

    /// Which other sites a browser may come from with a cookie.
    package enum SameSite: String, Sendable {
        /// From none.
        case strict = "Strict"
        /// From any, by a link or a redirection that takes the window along.
        case lax = "Lax"
    }

    /// A `Set-Cookie` field that scripts cannot read.
    ///
    /// - Parameters:
    ///   - seconds: How long it is kept; `nil` until the browser is closed, 0 removes it.
    ///   - isSecure: Whether it is only sent over TLS.
    package static func field(
        _ name: String, _ value: String, seconds: Int?, isSecure: Bool, sameSite: SameSite = .strict
    ) -> String {
        "\(name)=\(value); Path=/; HttpOnly; SameSite=\(sameSite.rawValue)"
            + (seconds.map { "; Max-Age=\($0)" } ?? "") + (isSecure ? "; Secure" : "")
    }
}
