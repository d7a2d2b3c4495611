import Arbitration
import FederationWire
import GRDB
import Replication
import Testing
import VoucherDomain

@testable import CityStore

/// Two registries that agree up to a position, and a store that has followed the one that was given up.
@Suite("A store whose feed does not stand")
struct WayBackTests {
    private let node: TestNode
    /// A store that stood where both agreed and has followed what stands ever since.
    private let straight: TestNode
    private let stands: TestRegistry
    private let givenUp: TestRegistry
    private let common: FeedHead

    private static let recovery = [UInt8](repeating: 5, count: 16)

    init() throws {
        node = try TestNode()
        straight = try TestNode()
        stands = try TestRegistry()
        givenUp = try TestRegistry()
        try node.issueVoucher()
        try node.file(Form.claim(1), Form.claim(2, PaymentDesk.receipt), Form.claim(3), Form.claim(4))
        let early = try node.push(to: stands)
        for registry in [stands, givenUp] {
            try registry.join([.shenzhen, .beijing])
            try registry.fileInBeijing(90, PaymentDesk.receipt)
            for entry in early.dropLast(2) { try registry.decide(entry) }
        }
        try node.pull(from: givenUp)
        common = try node.store.feedHead()
        try #require(stands.head == common)

        // What the city says from now on is in its log, whoever decides it.
        let caseID = try #require(try node.store.claim("SZ-2")?.caseID)
        try node.store.answer(
            CaseAnswer(caseID: caseID, kind: .contest, reason: "凭证见附件", evidence: []), now: .noon)
        try node.store.withdraw(claimNumber: "SZ-1", reason: "改正", now: .noon)
        let late = try Array(early.suffix(2)) + node.push(to: stands)
        try straight.store.become(node.store)
        // Beijing claims the same as we do: one registry has heard it first, the other one us.
        try givenUp.fileInBeijing(3)
        for entry in late { try givenUp.decide(entry) }
        for entry in late { try stands.decide(entry) }
        try stands.fileInBeijing(4)
        try node.pull(from: givenUp)
        try #require(try node.state("SZ-3") == "refused")
    }

    private func call(
        incarnation: UInt32 = 2, recovery: [UInt8] = Self.recovery, from: FeedHead? = nil, to: FeedHead? = nil
    ) -> RecoveryCall {
        RecoveryCall(
            city: .shenzhen, incarnation: incarnation, recoveryID: recovery,
            wayBack: RecoveryCall.WayBack(from: from ?? givenUp.head, to: to ?? common))
    }

    private func promise(_ node: TestNode) throws {
        let call = RecoveryCall(city: .shenzhen, incarnation: 2, recoveryID: Self.recovery)
        try node.store.promise(call, signed: call.signed(by: .registry))
    }

    private func goBack(_ call: RecoveryCall) throws -> Bool {
        try node.store.goBack(call, detailKey: TestNode.identity.detailKey)
    }

    private func state(_ node: TestNode) throws -> [String: [String]] {
        let tables = CityStore.tables.filter { $0 != "given_up_feed" }
        return try Dictionary(uniqueKeysWithValues: tables.map { ($0, try node.store.dump($0)) })
    }

    @Test("it goes back to where both agreed, then on, and is what it would be had it never gone astray")
    func goesBack() throws {
        for node in [node, straight] { try promise(node) }
        let log = try node.log()

        #expect(try goBack(call()))
        #expect(try node.store.feedHead() == common)
        #expect(try state(node) == (try state(straight)))
        #expect(try node.state("SZ-3") == "received")

        for node in [node, straight] { try node.pull(from: stands) }
        #expect(try state(node) == (try state(straight)))
        #expect(try node.state("SZ-3") == "reserved")
        #expect(try node.state("SZ-1") == "withdrawn")
        #expect(try node.log() == log)
        #expect(try node.store.verifyLog() == log.count)
    }

    @Test("what it had applied is kept, and read against its hashes")
    func kept() throws {
        try promise(node)
        #expect(try goBack(call()))

        let kept = try node.rows("SELECT bytes FROM given_up_feed ORDER BY position").map { $0.bytes("bytes") }
        #expect(kept == givenUp.page(after: common).map(\.bytes))
        try node.execute("UPDATE given_up_feed SET bytes = x'00' WHERE position = ?", [Int64(common.position) + 1])
        #expect(throws: StoreRefusal.self) { try node.store.verifyLog() }
    }

    @Test("a kind that this build does not know calls for an update for as long as it stands in the feed")
    func unreadKind() throws {
        let (early, late) = (EntryKind(rawValue: 777), EntryKind(rawValue: 778))
        try givenUp.append(late, [], by: .registry)
        try node.pull(from: givenUp)
        try #require(try node.store.syncState().unreadKind == late)
        try promise(node)
        #expect(try goBack(call()))
        #expect(try node.store.syncState().unreadKind == nil)

        let (other, registry) = (try TestNode(), try TestRegistry())
        try registry.append(early, [], by: .registry)
        let standing = registry.head
        try registry.append(late, [], by: .registry)
        try other.pull(from: registry)
        try promise(other)
        let back = RecoveryCall(
            city: .shenzhen, incarnation: 2, recoveryID: Self.recovery,
            wayBack: RecoveryCall.WayBack(from: registry.head, to: standing))
        #expect(try other.store.goBack(back, detailKey: TestNode.identity.detailKey))
        #expect(try other.store.syncState().unreadKind == early)
    }

    @Test("the same call again changes nothing, nor does one of another recovery, incarnation or head")
    func others() throws {
        try promise(node)
        let before = try state(node)
        let other = FeedHead(incarnation: 1, position: givenUp.head.position, hash: .filled(1))
        for stray in [
            call(incarnation: 1), call(incarnation: 3), call(recovery: [UInt8](repeating: 6, count: 16)),
            call(from: other), RecoveryCall(city: .shenzhen, incarnation: 2, recoveryID: Self.recovery),
        ] {
            #expect(try !goBack(stray))
        }
        #expect(try state(node) == before)

        #expect(try goBack(call()))
        let after = try state(node)
        #expect(try !goBack(call()))
        #expect(try state(node) == after)
    }

    @Test("it does not go back to an entry that it has otherwise, and stays as it was")
    func unknownPlace() throws {
        try promise(node)
        let before = try state(node)
        let strange = FeedHead(incarnation: 1, position: common.position, hash: .filled(1))

        #expect(throws: StoreRefusal.self) { try goBack(call(to: strange)) }
        #expect(try state(node) == before)
        #expect(try node.rows("SELECT * FROM given_up_feed") == [])
    }

    @Test("payments stand again where the feed that stands has them, and nothing that the city said is lost")
    func payments() throws {
        let desk = try PaymentDesk()
        try desk.reach(.released)
        let base = try desk.node.store.feedHead()
        let straight = try TestNode()
        try straight.store.become(desk.node.store)
        for node in [desk.node, straight] { try promise(node) }
        // The city submits; the registry that is given up is told and the bank's answer, too.
        try desk.takeAndSync(.submit)
        try desk.takeAndSync(.confirm(PaymentDesk.bank))
        try #require(try desk.view().stage == "paid")
        let back = RecoveryCall(
            city: .shenzhen, incarnation: 2, recoveryID: Self.recovery,
            wayBack: RecoveryCall.WayBack(from: desk.registry.head, to: base))

        #expect(try desk.node.store.goBack(back, detailKey: TestNode.identity.detailKey))
        let view = try desk.view()
        #expect(view.stage == "released")
        #expect(view.reference == (try straight.store.payment(ofClaim: "SZ-1"))?.reference)
        #expect(try desk.node.rows("SELECT * FROM bank_movement").count == 1)

        try desk.node.pull(from: desk.registry)
        #expect(try desk.view().stage == "paid")
        #expect(try desk.agrees())
    }
}
