/// What an identity provider says of itself, as far as it matters here (OpenID Connect Discovery 1.0, §3).
struct ProviderDocument: Decodable, Sendable {
    let issuer: String
    /// Where its keys are.
    let jwks_uri: String

    /// Where a provider says it (§4).
    static func url(ofIssuer issuer: String) -> String {
        (issuer.hasSuffix("/") ? String(issuer.dropLast()) : issuer) + "/.well-known/openid-configuration"
    }
}
