import Hummingbird
import Logging
import Synchronization

/// The way into the console by the identity provider's own page.
struct ProviderDoor: Sendable {
    /// Where it begins, in the console.
    static let path = "/console/login/provider"
    /// Where the provider sends people back to.
    static let returnPath = "/console/login/callback"

    private let provider: DiscoveredProvider
    private let client: ProviderClient
    /// ``returnPath`` under the advertised URL, as it is registered with the provider.
    private let redirect: String
    private let logger: Logger
    private let exchanges = Exchanges()

    private static let noToken = IdentityProvider.Failure(
        description: "the identity provider did not say who has signed in: try again, or use a token")

    /// - Parameter baseURL: The advertised URL.
    /// - Returns: `nil` where nobody can sign in with the provider itself.
    init?(_ identityProvider: IdentityProvider?, baseURL: String, logger: Logger) {
        guard let client = identityProvider?.client, case .discovered(let provider) = identityProvider?.keys else {
            return nil
        }
        self.provider = provider
        self.client = client
        redirect = baseURL + ProviderDoor.returnPath
        self.logger = logger
    }

    /// Where the browser goes to sign in.
    ///
    /// - Throws: ``IdentityProvider/Failure`` while the provider has not said where.
    func address(of signIn: ProviderSignIn) throws -> String {
        let document = try provider.found.document
        guard let endpoint = document.authorization_endpoint, endpoint.hasPrefix("https://") else {
            throw IdentityProvider.Failure(description: "the identity provider has no page to sign in: use a token")
        }
        return signIn.address(at: endpoint, clientID: client.id, redirect: redirect)
    }

    /// The token of somebody who comes back; `nil` when it is no way back from this sign-in.
    ///
    /// - Throws: ``IdentityProvider/Failure`` when the provider gives none, which is logged, or too many come at a time.
    func token(in request: Request, of signIn: ProviderSignIn) async throws -> String? {
        guard let code = signIn.code(in: request, from: provider.connection.issuer) else { return nil }
        guard exchanges.begin() else { throw ProviderDoor.noToken }
        defer { exchanges.end() }
        do {
            return try await provider.connection.token(
                for: code, of: signIn, client, redirect: redirect, try provider.found.document)
        } catch {
            logger.warning(
                "the identity provider gave no token for a sign-in",
                metadata: ["provider.issuer": "\(provider.connection.issuer)", "error": "\(error)"])
            throw ProviderDoor.noToken
        }
    }
}

/// The codes that are being exchanged at this moment: anybody can come with one, and each is a connection to the provider.
private final class Exchanges: Sendable {
    private let running = Mutex(0)
    private static let most = 8

    /// - Returns: Whether one more may begin.
    func begin() -> Bool {
        running.withLock { running in
            guard running < Exchanges.most else { return false }
            running += 1
            return true
        }
    }

    func end() { running.withLock { $0 -= 1 } }
}
