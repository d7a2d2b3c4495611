import Crypto
import FederationHTTP
import Foundation

/// A key of an identity provider, and the tokens that it signs.
struct ProviderKey: Sendable {
    let id: String
    private let key = P256.Signing.PrivateKey()

    init(_ id: String) { self.id = id }

    /// Its public half as a JSON Web Key.
    var published: [String: String] {
        let point = key.publicKey.rawRepresentation
        return [
            "kty": "EC", "crv": "P-256", "kid": id, "use": "sig", "alg": "ES256",
            "x": Base64URL.encode(point.prefix(32)), "y": Base64URL.encode(point.suffix(32)),
        ]
    }

    /// A JSON Web Key Set. It has one key more, of a kind that nobody knows: the others count all the same.
    static func set(_ keys: [ProviderKey]) throws -> Data {
        try JSONSerialization.data(withJSONObject: ["keys": keys.map(\.published) + [["kty": "PQ", "kid": "unknown"]]])
    }

    /// What a token of an auditor says who is called `u-17`, for five minutes.
    static func claims(of issuer: String, _ changes: [String: Any] = [:]) -> [String: Any] {
        [
            "iss": issuer, "aud": "registry", "sub": "u-17", "name": "王审计",
            "exp": Int(Date().timeIntervalSince1970) + 300, "vf_role": "auditor", "vf_purpose": "年度审计",
        ].merging(changes) { $1 }
    }

    /// A token of the claims, signed with ES256; or, of another algorithm, with what anybody could make.
    func token(_ claims: [String: Any], algorithm: String = "ES256") throws -> String {
        let head = try JSONSerialization.data(withJSONObject: ["alg": algorithm, "kid": id, "typ": "JWT"])
        let signed = [head, try JSONSerialization.data(withJSONObject: claims)].map { Base64URL.encode($0) }
            .joined(separator: ".")
        switch algorithm {
        case "none": return "\(signed)."
        case "HS256":
            let publicKey = SymmetricKey(data: key.publicKey.rawRepresentation)
            let code = HMAC<SHA256>.authenticationCode(for: Data(signed.utf8), using: publicKey)
            return "\(signed).\(Base64URL.encode(code))"
        default: return "\(signed).\(Base64URL.encode(try key.signature(for: Data(signed.utf8)).rawRepresentation))"
        }
    }
}
