/// What an identity provider says of itself, as far as it matters here (OpenID Connect Discovery 1.0, §3).
struct DiscoveryDocument: Decodable, Sendable {
    let issuer: String
    /// Where its keys are.
    let jwks_uri: String
    /// Where people sign in.
    let authorization_endpoint: String?
    /// Where what they come back with is exchanged.
    let token_endpoint: String?
    let token_endpoint_auth_methods_supported: [String]?

    /// Where a provider says it (§4).
    static func url(ofIssuer issuer: String) -> String {
        (issuer.hasSuffix("/") ? String(issuer.dropLast()) : issuer) + "/.well-known/openid-configuration"
    }

    /// Whether a client says its secret in the body of a request: where the provider does not take it in the header,
    /// which is the rule.
    var takesSecretInBody: Bool {
        guard let methods = token_endpoint_auth_methods_supported else { return false }
        return methods.contains("client_secret_post") && !methods.contains("client_secret_basic")
    }
}
