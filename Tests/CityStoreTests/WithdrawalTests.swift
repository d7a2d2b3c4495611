import FederationWire
import Replication
import Testing

@testable import CityStore

@Suite("Withdrawals")
struct WithdrawalTests {
    private let node: TestNode
    private let registry: TestRegistry

    init() throws {
        node = try TestNode()
        registry = try TestRegistry()
        try node.issueVoucher()
        try node.file(Form.claim(1))
    }

    private func withdraw(_ number: String, reason: String = "改正") throws {
        try node.store.withdraw(claimNumber: number, reason: reason, now: .noon)
    }

    private func refused(_ number: String, _ code: StoreRefusal.Code, reason: String = "改正") throws {
        let before = try node.everything()
        let refusal = #expect(throws: StoreRefusal.self) { try withdraw(number, reason: reason) }
        #expect(refusal?.code == code)
        #expect(try node.everything() == before)
    }

    @Test("a withdrawal is an entry with its reason; the claim stays what it is until the registry decides")
    func entry() throws {
        try withdraw("SZ-1")

        let entry = try #require(try node.log().last)
        #expect(entry.kind == .claimWithdrawn)
        #expect(try PayloadCoding.withdrawal(entry.payload) == ("SZ-1", "改正"))
        let view = try #require(try node.store.claim("SZ-1"))
        #expect(view.state == "recorded")
        #expect(view.isBeingWithdrawn)
        #expect(try node.store.verifyLog() == 3)
    }

    @Test("withdrawing again while the first withdrawal is under way changes nothing")
    func again() throws {
        try withdraw("SZ-1")
        let before = try node.everything()
        try withdraw("SZ-1", reason: "another")

        #expect(try node.everything() == before)
    }

    @Test("a claim that is recorded, received, reserved or held can be withdrawn")
    func allowed() throws {
        try withdraw("SZ-1")
        try node.file(Form.claim(2))
        try node.push(to: registry)
        try withdraw("SZ-2")
        let node = try TestNode()
        try node.issueVoucher()
        try node.file(Form.claim(3, ["bank_receipt_no": "B1"]), Form.claim(4, ["bank_receipt_no": "B1"]))
        let other = try TestRegistry()
        try node.sync(with: other)
        try node.store.withdraw(claimNumber: "SZ-4", reason: "改正", now: .noon)
        try node.store.withdraw(claimNumber: "SZ-3", reason: "改正", now: .noon)
        try node.sync(with: other)

        #expect(try node.state("SZ-3") == "withdrawn")
        #expect(try node.state("SZ-4") == "withdrawn")
    }

    @Test("a claim that nobody filed is not found")
    func unknown() throws {
        try refused("SZ-404", .notFound)
        try refused("", .notFound)
        try refused("sz-1", .notFound)
    }

    @Test("a number that only begins like a claim's is not found", arguments: ["SZ-1\u{0}", "SZ-1\u{0}2", "SZ-1 "])
    func notQuite(number: String) throws {
        try refused(number, .notFound)
    }

    @Test("a row that is no claim, and a refused claim, hold nothing to withdraw")
    func nothingHeld() throws {
        try registry.fileInBeijing(2)
        try node.file(Form.claim(2), Form.claim(3, ["claimed_yuan": ""]))
        try node.sync(with: registry)

        try refused("SZ-2", .conflict)
        try refused("SZ-3", .conflict)
    }

    @Test("a claim that was withdrawn is not withdrawn again")
    func onlyOnce() throws {
        try withdraw("SZ-1")
        try node.sync(with: registry)
        let before = try node.log().count
        try? withdraw("SZ-1")

        #expect(try node.log().count == before)
        #expect(try node.state("SZ-1") == "withdrawn")
    }

    @Test("when the claim is refused before its withdrawal is decided it stays refused, and nothing waits")
    func refusedFirst() throws {
        try registry.fileInBeijing(1)
        try withdraw("SZ-1")
        try node.sync(with: registry)

        let view = try #require(try node.store.claim("SZ-1"))
        #expect(view.state == "refused")
        #expect(!view.isBeingWithdrawn)
    }

    @Test("a reason that no entry may carry is refused, so that the claim can still be withdrawn")
    func oversize() throws {
        let before = try node.everything()

        #expect(throws: StoreRefusal.self) {
            try withdraw("SZ-1", reason: String(repeating: "因", count: Entry.maximumPayloadBytes))
        }
        #expect(try node.everything() == before)
    }

    @Test(
        "a reason with a control character is refused, in the words for every reason",
        arguments: ["改\u{0}正", "改\n正", "改正\u{7F}", "\u{9B}31m"])
    func controlCharacter(reason: String) throws {
        let before = try node.everything()

        #expect(throws: StoreRefusal(.invalid, "a reason contains a control character")) {
            try withdraw("SZ-1", reason: reason)
        }
        #expect(try node.everything() == before)
    }

    @Test("a withdrawal that was recorded with a control character in its reason stands")
    func controlCharacterRecorded() throws {
        let payload = PayloadCoding.encodeWithdrawal(claimNumber: "SZ-1", reason: "改\n正")
        try node.store.pool.write { database in
            _ = try CityStore.append(.claimWithdrawn, payload, database, now: .noon)
        }
        try node.sync(with: registry)

        #expect(try node.state("SZ-1") == "withdrawn")
        #expect(try node.store.verifyLog() == 3)
    }

    @Test("a number whose claim was withdrawn is not free for other content")
    func numberStays() throws {
        try withdraw("SZ-1")
        try node.sync(with: registry)

        #expect(try node.file(Form.claim(1, ["claimed_yuan": "1.00"])).map(\.outcome) == [.conflict])
        #expect(try node.file(Form.claim(1)).map(\.outcome) == [.unchanged])
        #expect(try node.file(Form.claim(1, ["claim_no": "SZ-1b"])).map(\.outcome) == [.recorded])
        try node.sync(with: registry)
        #expect(try node.state("SZ-1b") == "reserved")
    }
}
