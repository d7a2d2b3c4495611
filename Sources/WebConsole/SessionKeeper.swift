import Crypto
import FederationHTTP
import Foundation
package import Hummingbird

/// A person's session in a console.
package struct ConsoleSession: Hashable, Sendable {
    /// What it is noted by once it was ended; every copy of its cookie has it.
    package let digest: [UInt8]
    /// The digest of the token that it was begun with: where one of the console's own ends, the session ends.
    package let tokenDigest: [UInt8]
    /// Whom that token calls, where an identity provider made it: nobody is asked for that again. `nil` for a token of the
    /// console's own.
    package let account: Account?
    /// What an auditor looks for.
    package let purpose: String
    /// Milliseconds since 1970.
    package let expiresAt: UInt64
    /// What forms must send along.
    package let formToken: String

    /// Somebody whom an identity provider vouched for.
    package struct Account: Codable, Hashable, Sendable {
        /// The provider.
        package let issuer: String
        /// Whom the provider calls so for ever.
        package let subject: String
        /// How logs and acts call them.
        package let label: String
        package let role: String

        package init(issuer: String, subject: String, label: String, role: String) {
            self.issuer = issuer
            self.subject = subject
            self.label = label
            self.role = role
        }
    }

    init(
        digest: [UInt8], tokenDigest: [UInt8], account: Account?, purpose: String, expiresAt: UInt64, formToken: String
    ) {
        self.digest = digest
        self.tokenDigest = tokenDigest
        self.account = account
        self.purpose = purpose
        self.expiresAt = expiresAt
        self.formToken = formToken
    }
}

/// Makes and reads the cookie of a session. Nothing is stored: the cookie holds all of it, under a MAC. Which sessions
/// were ended before their time the console notes, by ``ConsoleSession/digest``.
package struct SessionKeeper: Sendable {
    private let key: SymmetricKey
    private let name: String
    private let isSecure: Bool

    /// How long a session lasts: a working day.
    package static let seconds = 10 * 3_600

    /// - Parameters:
    ///   - secret: Known to every server of one console, and to nobody else.
    ///   - name: Tells consoles on one host apart.
    ///   - isSecure: Whether the console is served over TLS; the cookie then binds to this host alone.
    package init(secret: [UInt8], name: String, isSecure: Bool) {
        key = HKDF<SHA256>.deriveKey(
            inputKeyMaterial: SymmetricKey(data: secret), info: Array("voucher-federation/console/v1".utf8),
            outputByteCount: 32)
        self.name = isSecure ? "__Host-\(name)" : name
        self.isSecure = isSecure
    }

    private struct Content: Codable {
        let digest: Data
        let account: ConsoleSession.Account?
        let purpose: String
        let expires: UInt64
        let nonce: Data
    }

    /// Begins a session.
    ///
    /// - Parameters:
    ///   - account: Whom the token calls, where an identity provider made it.
    ///   - end: When it ends at the latest, milliseconds since 1970.
    /// - Returns: It, and the `Set-Cookie` field that the browser keeps it by.
    package func begin(
        tokenDigest: [UInt8], account: ConsoleSession.Account? = nil, purpose: String, until end: UInt64 = .max,
        now: UInt64
    ) throws -> (session: ConsoleSession, cookie: String) {
        let nonce = (0..<16).map { _ in UInt8.random(in: 0...255) }
        let milliseconds = min(UInt64(SessionKeeper.seconds) * 1_000, end - min(now, end))
        let content = Content(
            digest: Data(tokenDigest), account: account, purpose: purpose, expires: now + milliseconds,
            nonce: Data(nonce))
        let text = Base64URL.encode(try JSONEncoder().encode(content))
        let cookie = Cookie.field(
            name, "\(text).\(code("session", text))", seconds: Int(milliseconds / 1_000), isSecure: isSecure)
        return (session(content, text), cookie)
    }

    /// The `Set-Cookie` field that ends a session.
    package var end: String { Cookie.field(name, "", seconds: 0, isSecure: isSecure) }

    /// The session of a request; `nil` when it has none, or one that has expired or is not ours.
    package func session(of request: Request, now: UInt64) -> ConsoleSession? {
        let parts = (Cookie.values(of: request)[name] ?? "").split(separator: ".").map(String.init)
        guard parts.count == 2, isCode(parts[1], "session", parts[0]), let data = Base64URL.decode(parts[0]),
            let content = try? JSONDecoder().decode(Content.self, from: Data(data)), content.expires > now
        else { return nil }
        return session(content, parts[0])
    }

    private func session(_ content: Content, _ text: String) -> ConsoleSession {
        ConsoleSession(
            digest: Array(SHA256.hash(data: Array(text.utf8))), tokenDigest: Array(content.digest),
            account: content.account, purpose: content.purpose, expiresAt: content.expires,
            formToken: code("form", text))
    }

    /// Whether a form was made in this session.
    func isOf(_ session: ConsoleSession, token: String?) -> Bool {
        token.map { SessionKeeper.areEqual($0, session.formToken) } ?? false
    }

    /// Refuses what another site may have sent: a form without the session's own token, or sent from another page than ours.
    ///
    /// - Parameter token: The form's field `form_token`, or the header of a script.
    package func requireOwn(_ request: Request, _ session: ConsoleSession, token: String?) throws {
        guard isOf(session, token: token) else {
            throw Problem(.forbidden, "form", "this form is too old or not of this console: load the page again")
        }
        try SessionKeeper.requireOwnSite(request)
    }

    /// Refuses what the browser says to come from another site (Fetch Metadata, and `Origin` where it is missing).
    package static func requireOwnSite(_ request: Request) throws {
        guard isOwnSite(request) else { throw Problem(.forbidden, "form", "this was sent from another site") }
    }

    private static func isOwnSite(_ request: Request) -> Bool {
        if let site = request.headers[.secFetchSite] { return site == "same-origin" || site == "none" }
        guard let text = request.headers[.origin] else { return true }
        // Whoever hides where it comes from (`null`) comes from elsewhere: our own pages always say it.
        guard let origin = URLComponents(string: text), let host = origin.host else { return false }
        return host + (origin.port.map { ":\($0)" } ?? "") == request.head.authority
    }

    private func code(_ use: String, _ text: String) -> String {
        Base64URL.encode(HMAC<SHA256>.authenticationCode(for: Array("\(use)\0\(text)".utf8), using: key))
    }

    private func isCode(_ code: String, _ use: String, _ text: String) -> Bool {
        guard let code = Base64URL.decode(code) else { return false }
        return HMAC<SHA256>.isValidAuthenticationCode(code, authenticating: Array("\(use)\0\(text)".utf8), using: key)
    }

    /// Takes as long for every text of the same length.
    private static func areEqual(_ one: String, _ other: String) -> Bool {
        let (one, other) = (Array(one.utf8), Array(other.utf8))
        return one.count == other.count && zip(one, other).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
    }
}
