import FederationWire
import Replication

/// The registry's seals over heads of the feed, each signed and verified once in a run.
///
/// All cities that wait for the same entries are given one seal. Signing it anew for each of them, and verifying it anew in
/// each of them, would come to the same bytes, and cost more than all the rest of a page.
struct FeedSeals {
    private var signed: [FeedSeal: SignedBytes] = [:]
    private var verified: [SignedBytes: FeedSeal] = [:]

    /// The registry's signature.
    mutating func sign(_ seal: FeedSeal) throws -> SignedBytes {
        if let known = signed[seal] { return known }
        let bytes = try seal.signed(by: RunSecrets.registryKey)
        signed[seal] = bytes
        return bytes
    }

    /// Reads a seal that must be the registry's.
    ///
    /// - Throws: ``WireFault`` when it is not.
    mutating func read(_ bytes: SignedBytes) throws -> FeedSeal {
        if let known = verified[bytes] { return known }
        let seal = try FeedSeal(bytes, by: RunSecrets.registryKey.publicKey)
        verified[bytes] = seal
        return seal
    }
}
