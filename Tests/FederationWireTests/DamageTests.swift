import Arbitration
import Replication
import Testing
import VoucherDomain

@testable import FederationWire

@Suite("Damaged and hostile bytes")
struct DamageTests {
    @Test("a protobuf message cut at any byte is refused or read, never a trap", arguments: MessageSample.allCases)
    func truncatedProtobuf(sample: MessageSample) {
        let bytes = sample.value.encoded(as: .protobuf)
        var refused = 0
        for count in bytes.indices where (try? sample.decode(Array(bytes.prefix(count)), as: .protobuf)) == nil {
            refused += 1
        }

        #expect(refused > 0)
    }

    @Test("a JSON message cut at any byte is refused", arguments: MessageSample.allCases)
    func truncatedJSON(sample: MessageSample) {
        let bytes = sample.value.encoded(as: .json)

        for count in bytes.indices {
            #expect(throws: WireFault.self) { try sample.decode(Array(bytes.prefix(count)), as: .json) }
        }
    }

    @Test(
        "random damage is refused or read, never a trap", arguments: MessageSample.allCases,
        [BodyFormat.protobuf, .json])
    func randomDamage(sample: MessageSample, format: BodyFormat) {
        let bytes = sample.value.encoded(as: format)
        var generator = SeededGenerator(seed: UInt64(bytes.count))
        var refused = 0
        for _ in 0..<1_000 where (try? sample.decode(bytes.damaged(&generator), as: format)) == nil { refused += 1 }

        #expect(refused > 0)
    }

    @Test("garbage is never a trap", arguments: MessageSample.allCases, [BodyFormat.protobuf, .json])
    func garbage(sample: MessageSample, format: BodyFormat) {
        var generator = SeededGenerator(seed: 77)
        var refused = 0
        for length in 0..<300 where (try? sample.decode(.garbage(length, &generator), as: format)) == nil {
            refused += 1
        }

        #expect(refused > 250)
    }

    @Test("an entry of a damaged batch never keeps its hash with other bytes")
    func damagedBatch() throws {
        let bytes = MessageSample.pushBatch.value.encoded(as: .protobuf)
        let original = try PushBatch(bytes, as: .protobuf)
        let known = Dictionary(uniqueKeysWithValues: original.entries.map { ($0.hash, $0.bytes) })
        var generator = SeededGenerator(seed: 4)
        var read = 0
        for _ in 0..<2_000 {
            guard let batch = try? PushBatch(bytes.damaged(&generator), as: .protobuf) else { continue }
            read += 1
            for entry in batch.entries { #expect(known[entry.hash] == nil || known[entry.hash] == entry.bytes) }
        }

        #expect(read > 0)
    }

    @Test("a feed entry with any bit flipped, or cut, is refused or has another hash")
    func damagedFeedEntry() {
        let sealed = MessageSample.feedEntry
        let cuts = sealed.bytes.indices.map { Array(sealed.bytes.prefix($0)) }
        let flips = (0..<sealed.bytes.count * 8).map { index in
            var bytes = sealed.bytes
            bytes[index / 8] ^= 1 << (index % 8)
            return bytes
        }

        for bytes in cuts + flips {
            guard let other = try? FeedCoding.decode(bytes) else { continue }
            #expect(other.hash != sealed.hash)
            #expect(other.bytes == bytes)
        }
    }

    @Test("payloads damaged at random are an answer, never a trap", arguments: UInt64(0)..<4)
    func damagedPayloads(seed: UInt64) {
        let payloads: [(EntryKind, [UInt8])] = [
            (.voucherIssued, PayloadCoding.encode(Voucher.sample)), (.claimFiled, PayloadCoding.encode(Claim.full)),
            (.claimFiled, PayloadCoding.encode(Claim.bare)),
            (.claimWithdrawn, PayloadCoding.encodeWithdrawal(claimNumber: "SZ-1", reason: "改正")),
            (
                .policyPublished,
                RegistryAct.policyPublished(version: 1, document: Array("{\"version\":1}".utf8)).payload
            ),
        ]
        var generator = SeededGenerator(seed: seed)
        var faulty = 0
        for (kind, payload) in payloads {
            for _ in 0..<500 {
                let entry = EntryDraft.of(kind, payload.damaged(&generator)).entry
                if case .faulty = PayloadCoding.content(of: entry) { faulty += 1 }
            }
        }

        #expect(faulty > 500)
    }
}
