import FederationWire
import Replication
import Testing

@testable import CityStore

@Suite("Receipts")
struct ReceiptTests {
    private let node: TestNode
    private let registry: TestRegistry

    init() throws {
        node = try TestNode()
        registry = try TestRegistry()
        try node.issueVoucher()
        try node.file(Form.claim(1), Form.claim(2), Form.claim(3))
    }

    @discardableResult
    private func receive(through sequence: Int) throws -> SignedBytes {
        let (receipt, signed) = try registry.receipt(through: try node.log()[sequence - 1].head)
        try node.store.store(receipt, signed: signed, now: .noon)
        return signed
    }

    @Test("what a receipt covers is received, what follows is only recorded")
    func covers() throws {
        let signed = try receive(through: 3)

        #expect(try (1...3).map { try node.state("SZ-\($0)") } == ["received", "received", "recorded"])
        #expect(try node.store.claim("SZ-2")?.receipt == signed)
        #expect(try node.store.claim("SZ-3")?.receipt == nil)
        #expect(try node.store.syncState().receivedThrough == 3)
        #expect(try node.store.syncState().unsent == 1)
        #expect(try node.store.progress() == .init(logHead: 4, receivedThrough: 3, feedPosition: 0))
        #expect(try node.store.syncState().lastContact == .noon)
    }

    @Test("a claim keeps the first receipt that covered it")
    func firstReceipt() throws {
        let first = try receive(through: 2)
        let second = try receive(through: 4)

        #expect(try node.store.claim("SZ-1")?.receipt == first)
        #expect(try node.store.claim("SZ-2")?.receipt == second)
        #expect(try node.store.claim("SZ-3")?.receipt == second)
    }

    @Test("the same receipt again changes nothing")
    func again() throws {
        try receive(through: 3)
        let before = try node.everything()
        try receive(through: 3)

        #expect(try node.everything() == before)
    }

    @Test("an older receipt that comes late takes nothing back")
    func late() throws {
        try receive(through: 4)
        try receive(through: 2)

        #expect(try node.store.syncState().receivedThrough == 4)
        #expect(try node.state("SZ-3") == "received")
    }

    @Test(
        "a receipt for a head that this log has not is refused and changes nothing",
        arguments: [UInt64(0), 5, 6, 4_000_000_000, UInt64(Int64.max)])
    func unknownHead(sequence: UInt64) throws {
        let hash = try #require(try node.log().last).hash
        let (receipt, signed) = try registry.receipt(
            through: LogHead(epoch: .first, sequence: sequence, hash: sequence == 0 ? .zero : hash))
        let before = try node.everything()

        let refusal = #expect(throws: StoreRefusal.self) { try node.store.store(receipt, signed: signed, now: .noon) }
        #expect(refusal?.code == .damaged)
        #expect(try node.everything() == before)
    }

    @Test("a receipt for another entry under one of our numbers is refused and changes nothing")
    func otherHash() throws {
        let (receipt, signed) = try registry.receipt(through: LogHead(epoch: .first, sequence: 2, hash: .filled(9)))
        let before = try node.everything()

        let refusal = #expect(throws: StoreRefusal.self) { try node.store.store(receipt, signed: signed, now: .noon) }
        #expect(refusal?.code == .damaged)
        #expect(try node.everything() == before)
    }

    @Test("the receipt that is kept is the registry's word, byte for byte, also after a restart")
    func verifiable() throws {
        try receive(through: 2)
        try node.reopen()
        let kept = try #require(try node.store.claim("SZ-1")?.receipt)

        let receipt = try Receipt(kept, by: SigningKey.registry.publicKey)
        #expect(receipt.city == .shenzhen)
        #expect(receipt.through == (try node.log()[1].head))
    }

    @Test("a registry that says it has less, in the incarnation that gave the newest receipt, is not believed")
    func lowerClaim() throws {
        for sequence in [2, 4] { try receive(through: sequence) }
        let before = try node.everything()

        for head in [LogHead.empty, try node.log()[1].head] { #expect(try !node.store.sendAgain(after: head, to: 1)) }

        #expect(try node.everything() == before)
    }

    @Test("what a registry that has begun anew lacks is sent again, and the receipts of before are kept")
    func begunAnew() throws {
        let receipts = try [2, 4].map { try receive(through: $0) }
        let log = try node.log()

        for _ in 0..<2 { #expect(try node.store.sendAgain(after: log[0].head, to: 2)) }

        #expect(try node.store.unsentBatch(sessionEpoch: .first, signer: .city)?.entries == Array(log.dropFirst()))
        #expect(try node.state("SZ-1") == "recorded")
        // They count no more: a registry that is put back once more is not told that it has lost what they are for.
        #expect(try node.store.presentation().receipt == nil)
        let kept = try node.rows("SELECT body, signature FROM earlier_receipt ORDER BY through_sequence")
        #expect(kept.map { SignedBytes(body: $0.bytes("body"), signature: $0.bytes("signature")) } == receipts)
        try receive(through: 4)
        #expect(try node.state("SZ-1") == "received")
    }

    @Test("a registry that has begun anew with another entry of this log than the store has is an alarm")
    func otherEntry() throws {
        try receive(through: 4)
        let before = try node.everything()
        let head = LogHead(epoch: .first, sequence: 2, hash: .filled(9))

        let refusal = #expect(throws: StoreRefusal.self) { try node.store.sendAgain(after: head, to: 2) }
        #expect(refusal?.code == .damaged)
        #expect(try node.everything() == before)
    }

    @Test("nothing is left to send once a receipt covers the head")
    func allReceived() throws {
        try receive(through: 4)

        #expect(try node.store.unsentBatch(sessionEpoch: .first, signer: .city) == nil)
        #expect(try node.store.syncState().unsent == 0)
    }
}
