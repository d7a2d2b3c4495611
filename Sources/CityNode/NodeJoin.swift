import CityStore
import FederationHTTP
import FederationWire
import Foundation
import Replication

/// Makes a directory the node of a city, with a join token; or gives the city's own node a new key, with a token of
/// `rotate-key`. Safe to repeat when the answer was lost.
struct NodeJoin {
    let directory: NodeDirectory

    /// - Returns: Who the node is now.
    func run(_ token: JoinToken) async throws -> NodeIdentity {
        let lock = try directory.lockAlone()
        defer { withExtendedLifetime(lock) {} }
        // An attempt whose answer was lost may be repeated for as long as the registry remembers it.
        guard token.expiresAt > WallClock.now || directory.hasJoinAttempt else {
            throw NodeDirectory.Failure(
                message: "the join token has expired: ask the registry's operator for a new one")
        }
        let store = try CityStore(directory: directory.path)
        let known = try store.identity()
        if let known, known.city != token.city || known.registryKey.fingerprint != token.registryKeyDigest {
            throw StoreRefusal(
                .alreadyJoined, "\(directory.path) is the node of city \(known.city) \(known.cityName) already")
        }
        let attempt = try directory.joinAttempt()
        let client = try RegistryClient(
            baseURL: token.url, city: token.city, key: attempt.key, trustAnchor: token.trustAnchor)
        do {
            let epoch = try known.map { _ in try store.session(now: WallClock.now).epoch }
            let (identity, grant, membership) = try await join(token, attempt, epoch, client)
            // A city that has filed before has lost its store: what it wrote is got back at the first serve.
            let hasFiled =
                known == nil ? try await !client.log(LogRequest(after: .empty, limit: 1)).entries.isEmpty : false
            await client.shutdown()
            if known == nil {
                try store.establish(
                    identity, epoch: grant.epoch, processNonce: attempt.nonce, isRestored: hasFiled,
                    membership: membership)
            } else {
                try store.rekey(
                    identity, epoch: grant.epoch, processNonce: attempt.nonce, membership: membership)
            }
            try directory.finishJoin(attempt)
            return identity
        } catch {
            await client.shutdown()
            throw error
        }
    }

    private func join(
        _ token: JoinToken, _ attempt: NodeDirectory.JoinAttempt, _ epoch: Epoch?, _ client: RegistryClient
    ) async throws -> (NodeIdentity, Grant, membership: SignedBytes?) {
        let key = attempt.key
        let answer = try await client.join(
            JoinRequest(
                city: token.city, secret: token.secret, publicKey: key.publicKey, processNonce: attempt.nonce,
                epoch: epoch))
        // The token's fingerprint is the root of trust; TLS alone is not.
        guard answer.registryKey.fingerprint == token.registryKeyDigest else {
            throw NodeDirectory.Failure(
                message: "\(token.url) is not the registry that made this token: its signing key differs")
        }
        let welcome = try Welcome(answer.welcome, by: answer.registryKey)
        let grant = try Grant(answer.grant, by: answer.registryKey)
        let membership = try answer.membership.map { try Membership($0, by: answer.registryKey) }
        let isMember = membership.map {
            $0.city == token.city && $0.publicKey == key.publicKey && $0.epoch == grant.epoch
        }
        guard welcome.city == token.city, welcome.publicKey == key.publicKey, grant.city == token.city,
            grant.processNonce == attempt.nonce, isMember ?? true
        else { throw NodeDirectory.Failure(message: "the registry's welcome is for another node") }
        let identity = NodeIdentity(
            city: welcome.city, cityName: welcome.name, registryURL: token.url, registryKey: answer.registryKey,
            trustAnchor: token.trustAnchor, keyEpoch: welcome.keyEpoch, federationSecret: welcome.federationSecret,
            detailKey: welcome.detailKey)
        return (identity, grant, answer.membership)
    }
}
