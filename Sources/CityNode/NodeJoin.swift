import CityStore
import FederationHTTP
import FederationWire
import Foundation
import Replication

/// Makes a directory the node of a city, with a join token.
struct NodeJoin {
    let directory: NodeDirectory

    /// - Returns: Who the node is now.
    func run(_ token: JoinToken) async throws -> NodeIdentity {
        guard let lock = try directory.lock() else {
            throw NodeDirectory.Failure(message: "another city-node runs on \(directory.path): stop it first")
        }
        defer { withExtendedLifetime(lock) {} }
        let store = try CityStore(directory: directory.path)
        if let identity = try store.identity() {
            throw StoreRefusal(.alreadyJoined, "\(directory.path) is the node of city \(identity.city) \(identity.cityName) already")
        }
        guard token.expiresAt > WallClock.now else {
            throw NodeDirectory.Failure(message: "the join token has expired: ask the registry's operator for a new one")
        }
        let key = try directory.signingKey()
        let client = try RegistryClient(
            baseURL: token.url, city: token.city, key: key, trustAnchor: token.trustAnchor)
        do {
            let identity = try await join(token, key, client, store)
            await client.shutdown()
            return identity
        } catch {
            await client.shutdown()
            throw error
        }
    }

    private func join(
        _ token: JoinToken, _ key: SigningKey, _ client: RegistryClient, _ store: CityStore
    ) async throws -> NodeIdentity {
        var generator = SystemRandomNumberGenerator()
        let nonce = EntryID(using: &generator).rawValue
        let answer = try await client.join(
            JoinRequest(city: token.city, secret: token.secret, publicKey: key.publicKey, processNonce: nonce))
        // The token's fingerprint is the root of trust; TLS alone is not.
        guard answer.registryKey.fingerprint == token.registryKeyDigest else {
            throw NodeDirectory.Failure(message: "\(token.url) is not the registry that made this token: its signing key differs")
        }
        let welcome = try Welcome(answer.welcome, by: answer.registryKey)
        let grant = try Grant(answer.grant, by: answer.registryKey)
        guard welcome.city == token.city, welcome.publicKey == key.publicKey, grant.city == token.city,
            grant.processNonce == nonce
        else { throw NodeDirectory.Failure(message: "the registry's welcome is for another node") }
        let identity = NodeIdentity(
            city: welcome.city, cityName: welcome.name, registryURL: token.url, registryKey: answer.registryKey,
            trustAnchor: token.trustAnchor, keyEpoch: welcome.keyEpoch, federationSecret: welcome.federationSecret,
            detailKey: welcome.detailKey)
        try store.establish(identity, epoch: grant.epoch, processNonce: nonce)
        return identity
    }
}
