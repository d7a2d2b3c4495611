import CityStore
import FederationHTTP
import FederationWire
import Foundation
import Logging
import Replication

/// Shows a registry that knows less than this city what the city holds, and gives it back.
///
/// The city promises first to accept nothing of an older incarnation of the registry; then it sends what the registry lacks
/// of the feed and of the city's own log. Safe to repeat and to cut off anywhere.
struct RegistryRefill {
    let store: CityStore
    let identity: NodeIdentity
    let client: RegistryClient
    let key: SigningKey
    let logger: Logger

    /// Refusals of a hello upon which the city shows what it holds: the registry may have lost what it greets by, the city's key
    /// included.
    static let kinds: Set = ["recovering", "unknown-feed-head", "signature", "unknown-city"]

    /// What the session is told while the registry is recovering: greet again soon.
    static let recovering = RegistryClient.Refusal(
        status: 503, kind: "recovering",
        detail:
            "the registry's database was restored and is getting back what the cities hold; this city has given what it "
            + "has", retryAfter: 1)

    /// - Returns: Whether to greet again: the registry is recovering, and has all of this city that it wants now; or this
    ///   city has gone back to what stands of the feed.
    func run() async throws -> Bool {
        var standing = try await client.present(store.presentation())
        if try keep(standing.call) { standing = try await client.present(store.presentation()) }
        if try goBack(standing.call) { return true }
        guard standing.incarnation > 0 || standing.wantsFeed else { return false }
        while !standing.isComplete, let page = try store.refillPage(standing, signer: key) {
            let earlier = standing
            do { standing = try await client.refill(page) } catch let refusal as RegistryClient.Refusal {
                // What a store that was put back has behind its receipts may be written beside the log: the registry goes by
                // what the feed answers, and the greeting sorts it out.
                guard try store.isRestored(), ["diverged", "chain"].contains(refusal.kind) else { throw refusal }
                return true
            }
            if let signed = standing.receipt {
                try store.store(try Receipt(signed, by: identity.registryKey), signed: signed, now: WallClock.now)
            }
            logger.notice(
                "giving back to the registry",
                metadata: [
                    "entry": "\(standing.logHead.sequence)", "feed.position": "\(standing.feedHead.position)",
                ])
            if standing.asksAgain(as: earlier) { break }
        }
        return try standing.incarnation > 0 || goBack(standing.call)
    }

    /// Goes back to what stands of the feed, where the registry says that what this city has of it does not.
    private func goBack(_ signed: SignedBytes?) throws -> Bool {
        guard let signed else { return false }
        let call = try RecoveryCall(signed, by: identity.registryKey)
        guard let wayBack = call.wayBack, try store.goBack(call, detailKey: identity.detailKey) else { return false }
        logger.warning(
            "two registries have decided, and what this city has of the feed does not stand: it goes on where both agreed",
            metadata: ["feed.given_up": "\(wayBack.from.position)", "feed.position": "\(wayBack.to.position)"])
        return true
    }

    /// Keeps the promise that a call asks for.
    ///
    /// - Returns: Whether it is one that was not given before.
    private func keep(_ signed: SignedBytes?) throws -> Bool {
        guard let signed else { return false }
        let call = try RecoveryCall(signed, by: identity.registryKey)
        guard call.city == identity.city else { throw StoreRefusal(.damaged, "the registry calls another city") }
        guard try store.promisedIncarnation() < call.incarnation else { return false }
        try store.promise(call, signed: signed)
        return true
    }
}
