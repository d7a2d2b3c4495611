import FederationWire
import Replication
import Testing

@testable import CityStore

@Suite("Unsent batches")
struct BatchTests {
    private let node: TestNode

    init() throws { node = try TestNode() }

    private func batch(entries: Int = 2_000, bytes: Int = 1 << 22) throws -> PushBatch? {
        try node.store.unsentBatch(
            sessionEpoch: .first, maximumEntries: entries, maximumBytes: bytes, signer: .city)
    }

    private func standing(head: LogHead = .empty) -> CityStanding {
        CityStanding(
            city: .shenzhen, isSuspended: false, publicKey: SigningKey.city.publicKey, grantedEpoch: .first, head: head,
            time: .zero, watermark: .zero)
    }

    private func review(_ batch: PushBatch, head: LogHead = .empty) -> Result<PushReview.Accepted, PushReview.Fault> {
        PushReview.review(
            batch, standing: standing(head: head), incarnation: 1, knownHash: { _ in nil }, isKnownID: { _ in false },
            now: .noon)
    }

    @Test("an empty log has nothing to send")
    func empty() throws {
        #expect(try batch() == nil)
    }

    @Test("the registry accepts the batch and its seal as they are, also over the wire")
    func sealVerifies() throws {
        try node.issueVoucher()
        try node.file(Form.claim(1), Form.claim(2))
        let batch = try #require(try batch())
        let sent = try PushBatch(batch.encoded(as: .protobuf), as: .protobuf)

        #expect(sent == batch)
        #expect(batch.signedSeal.isValid(.seal, by: SigningKey.city.publicKey))
        #expect(batch.seal.head == (try node.log().last?.head))
        #expect(batch.seal.watermark == (try node.log().last?.time))
        #expect(batch.seal.feedHead == .empty)
        #expect(try review(sent).get().answers == [.accepted, .accepted, .accepted])
    }

    @Test("a batch signed with another key is refused")
    func otherSigner() throws {
        try node.issueVoucher()
        let batch = try #require(try node.store.unsentBatch(sessionEpoch: .first, signer: .registry))

        #expect(review(batch) == .failure(.badSeal("wrong signature")))
    }

    @Test("the seal names the newest feed head that was applied")
    func sealNamesFeed() throws {
        let registry = try TestRegistry()
        try node.issueVoucher()
        try node.sync(with: registry)
        try node.file(Form.claim(1))

        #expect(try batch()?.seal.feedHead == registry.head)
    }

    @Test("a batch has at most the entries allowed, oldest first, and the next goes on behind the receipt")
    func boundedByEntries() throws {
        let registry = try TestRegistry()
        try node.issue((1...7).map { Form.voucher("SLQ-\($0)") }, now: .noon)
        var sizes: [[UInt64]] = []
        var head = LogHead.empty
        while let batch = try batch(entries: 3) {
            sizes.append(batch.entries.map(\.sequence))
            #expect(throws: Never.self) { try review(batch, head: head).get() }
            head = batch.seal.head
            let (receipt, signed) = try registry.receipt(through: head)
            try node.store.store(receipt, signed: signed, now: .noon)
        }

        #expect(sizes == [[1, 2, 3], [4, 5, 6], [7]])
    }

    @Test(
        "a batch ends with the entry that passes the bytes allowed, and is never empty",
        arguments: [1, 300, 700, 1_500])
    func boundedByBytes(limit: Int) throws {
        try node.issue((1...20).map { Form.voucher("SLQ-\($0)") }, now: .noon)
        let sizes = try #require(try batch(bytes: limit)).entries.map(\.bytes.count)

        #expect(sizes.count >= 1)
        #expect(sizes.dropLast().reduce(0, +) < limit)
        #expect(sizes.reduce(0, +) >= limit)
    }

    @Test("as it is sent, a batch keeps within the protocol's bounds")
    func protocolBounds() throws {
        let count = PushBatch.maximumEntries + 1
        try node.issue((1...count).map { Form.voucher("SLQ-\($0)") }, now: .noon)
        let batch = try #require(try node.store.unsentBatch(sessionEpoch: .first, signer: .city))

        #expect(batch.entries.count == PushBatch.maximumEntries)
        #expect(batch.encoded(as: .protobuf).count <= PushBatch.maximumBytes)
    }

    @Test("asking again without a receipt gives the same entries again")
    func repeats() throws {
        try node.issueVoucher()

        #expect(try batch()?.entries == batch()?.entries)
        #expect(try batch()?.seal == batch()?.seal)
    }
}
