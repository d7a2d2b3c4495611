import Arbitration
import CityStore
import Replication
import VoucherDomain

/// What a feed says of a city's claims and of the published keys, read entry by entry; shares no code with the store.
struct FeedReading {
    /// By the position at which the claim was decided.
    private(set) var claims: [UInt64: Outcome.Decision] = [:]
    /// The keys that are held, as hash and position.
    private(set) var keys: Set<String> = []

    init(_ feed: some Sequence<SealedFeedEntry>, city: CityCode) {
        for entry in feed.lazy.map(\.entry) {
            keys.formUnion(entry.taken.map { FeedReading.key($0.hash, entry.position) })
            keys.subtract(entry.released.map { FeedReading.key($0, entry.claimPosition) })
            if entry.city == city, entry.kind == .claimFiled { claims[entry.position] = entry.decision }
            if entry.decision == .withdrawn { note(.withdrawn, entry.claimPosition) }
            for effect in entry.effects {
                keys.subtract(effect.released.map { FeedReading.key($0, effect.claimPosition) })
                note(effect.decision, effect.claimPosition)
            }
        }
    }

    /// What becomes of a claim, if it is the city's own.
    private mutating func note(_ decision: Outcome.Decision, _ position: UInt64) {
        if claims[position] != nil { claims[position] = decision }
    }

    private static func key(_ hash: [UInt8], _ position: UInt64) -> String { "\(hash.hexadecimal) \(position)" }
}
