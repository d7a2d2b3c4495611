import Foundation
package import Replication
import SeededBugs
import SwiftProtobuf
import VoucherDomain

/// Entries to and from the bytes that are hashed, stored and sent.
package enum EntryCoding {
    /// Encodes a draft, once; the entry keeps the bytes for ever.
    package static func make(_ draft: EntryDraft) -> Entry {
        var body = WireEntryBody()
        body.city = draft.city.rawValue
        body.epoch = draft.epoch.wire
        body.sequence = draft.sequence
        body.time = draft.time.rawValue
        body.kind = draft.kind.rawValue
        body.feedHead = draft.feedHead.wire
        body.id = Data(draft.id.rawValue)
        body.payload = Data(draft.payload)
        body.previousHash = Data(draft.previousHash.rawValue)
        return Entry(draft: draft, bytes: body.bytes)
    }

    /// Decodes bytes as they came; unknown fields stay in the bytes and under the hash.
    package static func decode(_ bytes: [UInt8]) throws(WireFault) -> Entry {
        let body = try WireEntryBody(decoding: bytes)
        guard body.hasEpoch, body.hasFeedHead, body.sequence > 0 else { throw WireFault("an entry without its place") }
        let draft = EntryDraft(
            city: try CityCode(wire: body.city), epoch: Epoch(body.epoch), sequence: body.sequence,
            time: HybridTime(rawValue: body.time), kind: EntryKind(rawValue: body.kind),
            feedHead: try FeedHead(body.feedHead), id: try EntryID(wire: body.id), payload: Array(body.payload),
            previousHash: try Digest(wire: body.previousHash))
        return SeededBug.entryEncodedAnew.isActive ? make(draft) : Entry(draft: draft, bytes: bytes)
    }
}
