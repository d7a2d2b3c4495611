import Replication
import Testing

@testable import FederationWire

@Suite("Deep and oversized bodies")
struct HostileBodyTests {
    @Test("groups nested a hundred thousand deep are refused", arguments: MessageSample.allCases)
    func deepGroups(sample: MessageSample) {
        let bytes = [UInt8](repeating: 0x7B, count: 100_000)

        #expect(throws: WireFault.self) { try sample.decode(bytes, as: .protobuf) }
        #expect(throws: WireFault.self) { try EntryCoding.decode(bytes) }
        #expect(throws: WireFault.self) { try FeedCoding.decode(bytes) }
    }

    @Test("JSON nested a hundred thousand deep is refused", arguments: ["[", "{\"logHead\":", "{\"x\":[", "\"", "-"])
    func deepJSON(piece: String) {
        let bytes = Array(String(repeating: piece, count: 100_000).utf8)

        for sample in MessageSample.allCases {
            #expect(throws: WireFault.self) { try sample.decode(bytes, as: .json) }
        }
        #expect(throws: WireFault.self) { try PolicyCoding.decode(bytes) }
    }

    @Test(
        "JSON of another shape is refused",
        arguments: [
            "", "null", "[]", "1", "\"\"", "{\"city\":4294967296}", "{\"city\":-1}", "{\"city\":1e99}",
            "{\"city\":1.5}",
            "{\"versions\":[1,\"x\"]}", "{\"processNonce\":\"*\"}", "{\"unknown_field\":1}",
            "{\"city\":1,\"city\":2}{}",
            "{\"logHead\":{\"sequence\":\"18446744073709551616\"}}", "{\"software\":\"\\ud800\"}",
        ])
    func otherShapes(text: String) {
        #expect(throws: WireFault.self) { try Hello(Array(text.utf8), as: .json) }
    }

    @Test("a string that is no UTF-8 is refused in both formats")
    func badUTF8() {
        #expect(throws: WireFault.self) { try Hello([0x42, 0x02, 0xC3, 0x28], as: .protobuf) }
        #expect(throws: WireFault.self) {
            try Hello(Array("{\"software\":\"".utf8) + [0xC3, 0x28] + Array("\"}".utf8), as: .json)
        }
    }

    @Test("a length that points past the end, or past any memory, is refused", arguments: MessageSample.allCases)
    func falseLengths(sample: MessageSample) {
        for length in [
            [0x7F], [0xFF, 0xFF, 0xFF, 0xFF, 0x07], [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F],
        ] {
            let bytes: [UInt8] = [0x12] + length.map { UInt8($0) }
            #expect(throws: WireFault.self) { try sample.decode(bytes, as: .protobuf) }
        }
    }

    @Test("a batch in JSON with too many entries is refused")
    func tooManyEntriesInJSON() throws {
        let entry = EntryDraft.of(.claimWithdrawn, []).entry
        let seal = Seal(city: .shenzhen, head: entry.head, watermark: .zero, feedHead: .sample)
        let batch = PushBatch(
            sessionEpoch: .sample, entries: [Entry](repeating: entry, count: 2_001), seal: seal,
            signedSeal: try seal.signed(by: .city))

        #expect(throws: WireFault("2001 entries in a batch, at most 2000")) {
            try PushBatch(batch.encoded(as: .json), as: .json)
        }
    }

    @Test("a batch over 8 MiB is refused, in JSON as in protobuf")
    func oversized() throws {
        let batch = MessageSample.pushBatch.value
        let spaces = [UInt8](repeating: 0x20, count: PushBatch.maximumBytes)
        let payload = [UInt8](repeating: 0, count: PushBatch.maximumBytes)
        let field: [UInt8] = [0x7A, 0x80, 0x80, 0x80, 0x04] + payload

        #expect(throws: WireFault.self) { try PushBatch(batch.encoded(as: .json) + spaces, as: .json) }
        #expect(throws: WireFault.self) { try PushBatch(batch.encoded(as: .protobuf) + field, as: .protobuf) }
    }
}
