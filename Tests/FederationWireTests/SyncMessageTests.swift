import Foundation
import Replication
import Testing
import VoucherDomain

@testable import FederationWire

@Suite("Sync messages")
struct SyncMessageTests {
    @Test(
        "every message comes back from protobuf and from JSON", arguments: MessageSample.allCases,
        [BodyFormat.protobuf, .json])
    func roundTrip(sample: MessageSample, format: BodyFormat) throws {
        let bytes = sample.value.encoded(as: format)
        let decoded = try sample.decode(bytes, as: format)

        #expect(AnyHashable(decoded) == AnyHashable(sample.value))
        #expect(decoded.encoded(as: format) == bytes)
    }

    @Test("the media type says the format, whatever its case and parameters")
    func contentTypes() {
        #expect(BodyFormat(contentType: "application/x-protobuf") == .protobuf)
        #expect(BodyFormat(contentType: "application/protobuf") == .protobuf)
        #expect(BodyFormat(contentType: "Application/JSON ; charset=utf-8") == .json)
        #expect(BodyFormat(contentType: BodyFormat.json.contentType) == .json)
        #expect(BodyFormat(contentType: BodyFormat.protobuf.contentType) == .protobuf)
        for other in ["", ";", "text/plain", "application/jsonp", "multipart/form-data"] {
            #expect(BodyFormat(contentType: other) == nil)
        }
    }

    @Test("a hello typed by hand in JSON is understood")
    func handWritten() throws {
        let zero = Data(count: 32).base64EncodedString()
        let nonce = Data(MessageSample.nonce).base64EncodedString()
        let text = """
            { "versions": [1], "city": 110000, "process_nonce": "\(nonce)",
              "logHead": { "hash": "\(zero)" }, "feedHead": { "position": "0", "hash": "\(zero)" } }
            """

        let hello = try Hello(Array(text.utf8), as: .json)
        #expect(AnyHashable(hello) == AnyHashable(MessageSample.firstHello.value))
    }

    @Test(
        "a feed request's limit and wait are brought within their bounds",
        arguments: [
            (UInt32(0), UInt32(0), 1, 0), (1, 1, 1, 1), (5_000, 30_000, 5_000, 30_000), (5_001, 30_001, 5_000, 30_000),
            (.max, .max, 5_000, 30_000),
        ])
    func feedRequestBounds(limit: UInt32, wait: UInt32, expectedLimit: Int, expectedWait: Int) throws {
        var message = WireFeedRequest()
        message.after = FeedHead.sample.wire
        message.sessionEpoch = Epoch.sample.wire
        message.limit = limit
        message.waitMs = wait

        let expected = FeedRequest(
            after: .sample, limit: expectedLimit, wait: .milliseconds(expectedWait), sessionEpoch: .sample)
        #expect(try FeedRequest(message.bytes, as: .protobuf) == expected)
    }

    @Test("a message without its heads, with short nonces or with broken keys is refused")
    func bounds() {
        expectFault(
            "a hash has 32 bytes, not 0", .namingHello,
            changed(.namingHello, WireHelloRequest.self) { $0.clearLogHead() })
        expectFault(
            "a hash has 32 bytes, not 0", .namingHello,
            changed(.namingHello, WireHelloRequest.self) { $0.clearFeedHead() })
        expectFault(
            "a process nonce has 16 bytes", .namingHello,
            changed(.namingHello, WireHelloRequest.self) { $0.processNonce.removeLast() })
        expectFault(
            "1000000 is no city code", .namingHello,
            changed(.namingHello, WireHelloRequest.self) { $0.city = 1_000_000 })
        expectFault(
            "a process nonce has 16 bytes", .joinRequest,
            changed(.joinRequest, WireJoinRequest.self) { $0.processNonce = Data() })
        expectFault(
            "public_key is no Ed25519 key", .joinRequest,
            changed(.joinRequest, WireJoinRequest.self) { $0.publicKey.removeLast() })
        expectFault(
            "registry_key is no Ed25519 key", .joinAnswer,
            changed(.joinAnswer, WireJoinAnswer.self) { $0.registryKey = Data() })
        expectFault(
            "result 4 is not known: this node needs an update", .pushAnswer,
            changed(.pushAnswer, WirePushAnswer.self) { $0.answers[1].result = 4 })
        expectFault(
            "a hash has 32 bytes, not 0", .feedRequest, changed(.feedRequest, WireFeedRequest.self) { $0.clearAfter() })
    }

    @Test("a batch with a bad entry says which one, and one with too many entries says how many")
    func batchFaults() {
        let bad = changed(.pushBatch, WirePushRequest.self) { $0.entries[1] = Data([0xFF]) }
        let many = changed(.pushBatch, WirePushRequest.self) {
            $0.entries = [Data](repeating: $0.entries[0], count: 2_001)
        }

        expectFault("entry 2 of the batch: these bytes are no EntryBody", .pushBatch, bad)
        expectFault("2001 entries in a batch, at most 2000", .pushBatch, many)
    }

    private func expectFault(_ message: String, _ sample: MessageSample, _ bytes: [UInt8]) {
        #expect(throws: WireFault(message)) { try sample.decode(bytes, as: .protobuf) }
    }

    private func changed<M: WireMessage>(_ sample: MessageSample, _: M.Type, _ change: (inout M) -> Void) -> [UInt8] {
        guard var message = try? M(wire: sample.value.encoded(as: .protobuf)) else { return [] }
        change(&message)
        return message.wireBytes
    }
}

/// The generated messages that tests change by hand.
protocol WireMessage {
    init(wire bytes: [UInt8]) throws
    var wireBytes: [UInt8] { get }
}

extension WireHelloRequest: WireMessage {
    init(wire bytes: [UInt8]) throws { try self.init(decoding: bytes) }
    var wireBytes: [UInt8] { bytes }
}

extension WireJoinRequest: WireMessage {
    init(wire bytes: [UInt8]) throws { try self.init(decoding: bytes) }
    var wireBytes: [UInt8] { bytes }
}

extension WireJoinAnswer: WireMessage {
    init(wire bytes: [UInt8]) throws { try self.init(decoding: bytes) }
    var wireBytes: [UInt8] { bytes }
}

extension WirePushAnswer: WireMessage {
    init(wire bytes: [UInt8]) throws { try self.init(decoding: bytes) }
    var wireBytes: [UInt8] { bytes }
}

extension WirePushRequest: WireMessage {
    init(wire bytes: [UInt8]) throws { try self.init(decoding: bytes) }
    var wireBytes: [UInt8] { bytes }
}

extension WireFeedRequest: WireMessage {
    init(wire bytes: [UInt8]) throws { try self.init(decoding: bytes) }
    var wireBytes: [UInt8] { bytes }
}
