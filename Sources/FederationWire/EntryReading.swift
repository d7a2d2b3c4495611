import Foundation
package import Replication
import SwiftProtobuf
package import VoucherDomain

/// The registry's word that it reads an entry which it answered `unsupported`: the entry is decided here, as if it came now.
package struct EntryReading: Hashable, Sendable {
    package let city: CityCode
    /// The entry's place in the city's log.
    package let entry: LogHead
    /// When the city wrote its first entry that is still not read, in milliseconds since 1970; `nil` when all are.
    package let unreadSince: UInt64?

    package init(city: CityCode, entry: LogHead, unreadSince: UInt64?) {
        self.city = city
        self.entry = entry
        self.unreadSince = unreadSince
    }

    var payload: [UInt8] {
        var message = WireEntryRead()
        message.city = city.rawValue
        message.entry = entry.wire
        message.unreadMs = unreadSince ?? 0
        return message.bytes
    }

    package init(_ payload: [UInt8]) throws(WireFault) {
        let message = try WireEntryRead(decoding: payload)
        self.init(
            city: try CityCode(wire: message.city), entry: try LogHead(message.entry),
            unreadSince: message.unreadMs == 0 ? nil : message.unreadMs)
    }
}

extension FeedEntry {
    /// The entry whose turn it was: the one that is answered, or the registry's word that decides it anew.
    ///
    /// - Returns: Whose log it is in, where, its hash, and when it was received, in milliseconds since 1970,
    ///   where the feed says so.
    /// - Throws: ``WireFault`` when the entry that it carries cannot be read.
    package func journalPlace() throws(WireFault) -> (
        city: CityCode, sequence: UInt64, hash: Digest, receivedAt: Int64?
    ) {
        guard city != .registry, !registryEntry.isEmpty else {
            return (city, answers.sequence, answers.hash, receivedAt == 0 ? nil : Int64(clamping: receivedAt))
        }
        let word = try EntryCoding.decode(registryEntry)
        // The registry receives such a word as it writes it.
        let time = Int64(clamping: word.time.milliseconds)
        return (.registry, word.sequence, word.hash, receivedAt == 0 ? nil : time)
    }
}
