import Crypto
import FederationHTTP
import Foundation
import HTTPTypes
import Hummingbird
import WebConsole

/// A sign-in with the identity provider that somebody has begun (OpenID Connect Core 1.0, §3.1; RFC 7636).
///
/// The browser keeps it for ten minutes in a cookie that comes along when the provider sends it back, so that any server
/// of this registry can end what another one has begun. Whoever lacks the cookie ends nothing: not somebody who was given
/// the way back of another's sign-in, nor somebody who has read its code on the way.
struct ProviderSignIn: Hashable, Sendable {
    /// Comes back with the code.
    let state: String
    /// Comes back in the token.
    let nonce: String
    /// The code is exchanged for a token with this alone.
    let verifier: String
    /// The page that was asked for.
    let next: String

    private static let name = "__Host-registry-sign-in"
    private static let seconds = 600
    /// A longer address of a page is forgotten: browsers keep four thousand bytes of a cookie.
    private static let longestNext = 2_000

    init(next: String) {
        func random() -> String { Base64URL.encode((0..<32).map { _ in UInt8.random(in: 0...255) }) }
        (state, nonce, verifier) = (random(), random(), random())
        self.next = next.utf8.count <= ProviderSignIn.longestNext ? next : "/console"
    }

    /// The one that the browser has begun; `nil` when there is none.
    init?(_ request: Request) {
        let value = WebConsole.Cookie.values(of: request)[ProviderSignIn.name] ?? ""
        let parts = value.split(separator: ".").map(String.init)
        guard parts.count == 4, let bytes = Base64URL.decode(parts[3]) else { return nil }
        (state, nonce, verifier) = (parts[0], parts[1], parts[2])
        next = String(decoding: bytes, as: UTF8.self)
    }

    /// The `Set-Cookie` field that the browser keeps it by.
    var cookie: String {
        let value = [state, nonce, verifier, Base64URL.encode(next.utf8)].joined(separator: ".")
        return ProviderSignIn.field(value, ProviderSignIn.seconds)
    }

    /// The `Set-Cookie` field that ends it.
    static var end: String { field("", 0) }

    private static func field(_ value: String, _ seconds: Int) -> String {
        WebConsole.Cookie.field(name, value, seconds: seconds, isSecure: true, sameSite: .lax)
    }

    /// Where the browser goes.
    ///
    /// - Parameters:
    ///   - endpoint: Where people sign in at the provider.
    ///   - redirect: Where they are sent back to.
    func address(at endpoint: String, clientID: String, redirect: String) -> String {
        let challenge = Base64URL.encode(SHA256.hash(data: Array(verifier.utf8)))
        let query = Question.query([
            "response_type": "code", "client_id": clientID, "redirect_uri": redirect, "scope": "openid profile",
            "state": state, "nonce": nonce, "code_challenge": challenge, "code_challenge_method": "S256",
        ])
        return endpoint + (endpoint.contains("?") ? "&" : "?") + query
    }

    /// The code that the browser comes back with.
    ///
    /// - Returns: `nil` when it comes back from another sign-in or another provider (RFC 9207), or without one.
    func code(in request: Request, from issuer: String) -> String? {
        guard request.text("state") == state, request.text("iss") ?? issuer == issuer else { return nil }
        return request.text("code")
    }
}
