import FederationWire
import Replication

/// The feed's entries as cities read them, each read once in a run: all cities are sent the same bytes, which say the same
/// to each of them.
struct FeedEntries {
    private var known: [[UInt8]: SealedFeedEntry] = [:]

    /// Reads the bytes of an entry.
    ///
    /// - Throws: ``WireFault`` when they are none.
    mutating func read(_ bytes: [UInt8]) throws -> SealedFeedEntry {
        if let entry = known[bytes] { return entry }
        let entry = try FeedCoding.decode(bytes)
        known[bytes] = entry
        return entry
    }
}
