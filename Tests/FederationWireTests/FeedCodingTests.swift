import Arbitration
import Foundation
import Replication
import Testing
import VoucherDomain

@testable import FederationWire

@Suite("Feed coding")
struct FeedCodingTests {
    private func changed(_ change: (inout WireFeedBody) -> Void) -> [UInt8] {
        guard var body = try? WireFeedBody(decoding: MessageSample.feedEntry.bytes) else { return [] }
        change(&body)
        return body.bytes
    }

    @Test("a feed entry comes back from its bytes under every decision", arguments: Outcome.Decision.allCases)
    func roundTrip(decision: Outcome.Decision) throws {
        var entry = MessageSample.feedEntry.entry
        entry.decision = decision
        let sealed = FeedCoding.encode(entry)

        #expect(sealed.entry == entry)
        #expect(try FeedCoding.decode(sealed.bytes) == sealed)
    }

    @Test("a feed entry with nothing but its place comes back")
    func bare() throws {
        let sealed = FeedCoding.encode(
            FeedEntry(
                incarnation: 1, position: 1, previousHash: .zero, city: .registry, answers: .empty, entryID: .sample,
                kind: EntryKind(rawValue: 9_999), receivedAt: 0, decision: .unsupported, policyVersion: 0, keyEpoch: 0))

        #expect(try FeedCoding.decode(sealed.bytes) == sealed)
    }

    @Test("fields of a newer registry stay in the bytes and under the hash")
    func unknownFields() throws {
        let bytes = MessageSample.feedEntry.bytes + [0xFA, 0x01, 0x02, 0x61, 0x62]
        let sealed = try FeedCoding.decode(bytes)

        #expect(sealed.bytes == bytes)
        #expect(sealed.hash == Digest(.feed, bytes))
        #expect(sealed.hash != MessageSample.feedEntry.hash)
        #expect(sealed.entry == MessageSample.feedEntry.entry)
    }

    @Test("a decision or key kind of a newer registry says that the node needs an update")
    func newerRegistry() {
        #expect(throws: WireFault("decision 99 is not known: this node needs an update")) {
            try FeedCoding.decode(changed { $0.decision = 99 })
        }
        #expect(throws: WireFault("decision 258 is not known: this node needs an update")) {
            try FeedCoding.decode(changed { $0.decision = 258 })
        }
        #expect(throws: WireFault("key kind 9 is not known: this node needs an update")) {
            try FeedCoding.decode(changed { $0.taken[0].kind = 9 })
        }
    }

    @Test("broken hashes, ids and cities are refused")
    func brokenFields() {
        #expect(throws: WireFault("a hash has 32 bytes, not 31")) {
            try FeedCoding.decode(changed { $0.previousHash.removeLast() })
        }
        #expect(throws: WireFault("a hash has 32 bytes, not 0")) {
            try FeedCoding.decode(changed { $0.clearAnswers() })
        }
        #expect(throws: WireFault("an entry id has 16 bytes, not 0")) {
            try FeedCoding.decode(changed { $0.entryID = Data() })
        }
        #expect(throws: WireFault("1000000 is no city code")) { try FeedCoding.decode(changed { $0.city = 1_000_000 }) }
    }

    @Test("keyed hashes and tags of another length than theirs are refused")
    func hashLengths() {
        #expect(throws: WireFault.self) { try FeedCoding.decode(changed { $0.taken[0].hash.removeLast() }) }
        #expect(throws: WireFault.self) { try FeedCoding.decode(changed { $0.taken[0].hash.append(0) }) }
        #expect(throws: WireFault.self) { try FeedCoding.decode(changed { $0.taken[1].tag.removeLast() }) }
        #expect(throws: WireFault.self) { try FeedCoding.decode(changed { $0.released[0] = Data() }) }
    }
}
