import Replication
import Testing
import VoucherDomain

@testable import FederationWire

@Suite("Entry coding")
struct EntryCodingTests {
    /// Encoded by hand from the `.proto`.
    private static let golden =
        "08ecef1a120d0801100219a20000000000000018032105000068e5cf8b0128023226080110281a20000102030405060708090a0b0c0d"
        + "0e0f101112131415161718191a1b1c1d1e1f3a10101112131415161718191a1b1c1d1e1f42030102034a2055555555555555555555"
        + "55555555555555555555555555555555555555555555"
    /// SHA-256 of the domain's label, a zero byte and the bytes, by another implementation.
    private static let goldenHash = "c2aaa00456c8262dea3a8b0f6c5c26d3a330062f64383b6b5d1d6f667b55f464"

    @Test("the same draft always encodes to the same bytes, under the same hash")
    func golden() {
        for _ in 0..<20 {
            let entry = EntryDraft.sample.entry
            #expect(entry.bytes.hexadecimal == EntryCodingTests.golden)
            #expect(entry.hash.rawValue.hexadecimal == EntryCodingTests.goldenHash)
        }
    }

    @Test(
        "an entry comes back from its bytes whole, whatever its kind and size",
        arguments: [UInt32(0), 1, 2, 10, 100, 105, 7_777, .max], [0, 1, 300, Entry.maximumPayloadBytes])
    func roundTrip(kind: UInt32, size: Int) throws {
        let entry = EntryDraft.of(EntryKind(rawValue: kind), [UInt8](repeating: 0xAB, count: size)).entry

        #expect(try EntryCoding.decode(entry.bytes) == entry)
    }

    @Test("the extremes of every number come back")
    func extremes() throws {
        var draft = EntryDraft.sample
        draft.epoch = Epoch(incarnation: .max, counter: .max, nonce: .max)
        draft.sequence = .max
        draft.time = HybridTime(rawValue: .max)
        draft.feedHead = FeedHead(incarnation: .max, position: .max, hash: .filled(0xFF))
        draft.city = .registry

        #expect(try EntryCoding.decode(draft.entry.bytes) == draft.entry)
    }

    @Test(
        "fields of a newer version stay in the bytes and under the hash",
        arguments: [
            [0x78, 0x01],  // field 15, varint
            [0x7A, 0x03, 0x61, 0x62, 0x63],  // field 15, bytes
            [0xA1, 0x06, 1, 2, 3, 4, 5, 6, 7, 8],  // field 100, fixed64
            [0xFA, 0x7F, 0x00],  // field 2047, empty bytes
        ] as [[UInt8]])
    func unknownFields(field: [UInt8]) throws {
        let known = EntryDraft.sample.entry
        let bytes = known.bytes + field
        let entry = try EntryCoding.decode(bytes)

        #expect(entry.bytes == bytes)
        #expect(entry.hash == Digest(.entry, bytes))
        #expect(entry.hash != known.hash)
        #expect(entry.payload == known.payload)
    }

    @Test(
        "fields of a newer version survive a push and come back with the same hash",
        arguments: [BodyFormat.protobuf, .json])
    func unknownFieldsInABatch(format: BodyFormat) throws {
        let entry = try EntryCoding.decode(EntryDraft.sample.entry.bytes + [0x78, 0x01])
        let seal = Seal(city: .shenzhen, head: entry.head, watermark: entry.time, feedHead: .sample)
        let batch = PushBatch(
            sessionEpoch: .sample, entries: [entry], seal: seal, signedSeal: try seal.signed(by: .city))

        #expect(try PushBatch(batch.encoded(as: format), as: format) == batch)
    }

    @Test("bytes in another order of fields are another entry with another hash")
    func reordered() throws {
        let entry = EntryDraft.sample.entry
        let bytes = Array(entry.bytes[4...]) + Array(entry.bytes[..<4])
        let other = try EntryCoding.decode(bytes)

        #expect(other.city == entry.city)
        #expect(other.bytes == bytes)
        #expect(other.hash != entry.hash)
    }

    @Test("an entry cut at any byte is refused or has another hash")
    func truncation() {
        let entry = EntryDraft.sample.entry

        for count in entry.bytes.indices {
            guard let cut = try? EntryCoding.decode(Array(entry.bytes.prefix(count))) else { continue }
            #expect(cut.hash != entry.hash)
            #expect(cut.bytes.count == count)
        }
    }

    @Test("an entry with any bit flipped is refused or has another hash")
    func bitFlips() {
        let entry = EntryDraft.sample.entry

        for index in 0..<entry.bytes.count * 8 {
            var bytes = entry.bytes
            bytes[index / 8] ^= 1 << (index % 8)
            guard let flipped = try? EntryCoding.decode(bytes) else { continue }
            #expect(flipped.hash != entry.hash)
            #expect(flipped.bytes == bytes)
        }
    }

    @Test("bytes that are no entry are refused with a sentence")
    func faults() {
        let refused: [([UInt8], String)] = [
            ([], "an entry without its place"), ([0xFF, 0xFF], "these bytes are no EntryBody"),
            (entryBytes { $0.clearEpoch() }, "an entry without its place"),
            (entryBytes { $0.clearFeedHead() }, "an entry without its place"),
            (entryBytes { $0.sequence = 0 }, "an entry without its place"),
            (entryBytes { $0.city = 1_000_000 }, "1000000 is no city code"),
            (entryBytes { $0.id.removeLast() }, "an entry id has 16 bytes, not 15"),
            (entryBytes { $0.previousHash.append(0) }, "a hash has 32 bytes, not 33"),
            (entryBytes { $0.feedHead.hash.removeLast() }, "a hash has 32 bytes, not 31"),
        ]

        for (bytes, message) in refused {
            #expect(throws: WireFault(message)) { try EntryCoding.decode(bytes) }
        }
    }

    private func entryBytes(_ change: (inout WireEntryBody) -> Void) -> [UInt8] {
        guard var body = try? WireEntryBody(decoding: EntryDraft.sample.entry.bytes) else { return [] }
        change(&body)
        return body.bytes
    }
}
