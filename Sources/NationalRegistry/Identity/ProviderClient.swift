/// What the registry is to its identity provider: a client that is registered there (RFC 6749 §2).
struct ProviderClient: Sendable {
    let id: String
    /// `nil` for a public client.
    let secret: String?
}
