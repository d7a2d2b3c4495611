import Arbitration
import FederationWire
import Replication
import Testing
import VoucherDomain

@testable import CityStore

@Suite("Decisions on our own entries")
struct OutcomeTests {
    private let node: TestNode
    private let registry: TestRegistry

    init() throws {
        node = try TestNode()
        registry = try TestRegistry()
        try node.issueVoucher()
    }

    private func view(_ number: String) throws -> CityStore.ClaimView { try #require(try node.store.claim(number)) }

    @Test("a reserved claim shows where it was decided, and no reasons")
    func reserved() throws {
        try node.file(Form.claim(1))
        try node.sync(with: registry)

        let view = try view("SZ-1")
        #expect(view.state == "reserved")
        #expect(view.reasons == [])
        #expect(view.caseID == nil)
        #expect(view.decidedAt == registry.head)
        #expect(try node.store.syncState().undecided == 0)
    }

    @Test("a refused claim is kept with the rule and every claim that stands in its way")
    func refused() throws {
        try registry.fileInBeijing(1)
        try node.file(Form.claim(1))
        try node.sync(with: registry)

        let view = try view("SZ-1")
        #expect(view.state == "refused")
        let blocking = [ClaimName(city: .beijing, number: "BJ-1")]
        #expect(Set(view.reasons.map(\.rule)).isSuperset(of: ["invoice-once", "contract-one-city"]))
        #expect(view.reasons.filter { $0.rule == "invoice-once" }.map(\.blocking) == [blocking])
        #expect(view.reasons.filter { $0.rule == "contract-one-city" }.map(\.blocking) == [blocking])
        #expect(view.reasons.map(\.rule) == registry.outcomes.last?.reasons.map(\.rule))
        #expect(view.decidedAt == registry.head)
    }

    @Test("a held claim names its case and the claim that it meets")
    func held() throws {
        try node.file(
            Form.claim(1, ["bank_receipt_no": "BR-77"]), Form.claim(2, ["bank_receipt_no": "BR77"]))
        try node.sync(with: registry)

        #expect(try node.state("SZ-1") == "reserved")
        let view = try view("SZ-2")
        #expect(view.state == "held")
        #expect(view.caseID == registry.outcomes.last?.caseID)
        #expect(view.caseID?.isEmpty == false)
        #expect(view.reasons.map(\.rule) == ["evidence-once"])
        #expect(view.reasons.first?.blocking == [ClaimName(city: .shenzhen, number: "SZ-1")])
    }

    @Test("a claim that the registry calls invalid says why")
    func invalid() throws {
        let registry = try TestRegistry(hasPolicy: false)
        try node.file(Form.claim(1))
        try node.sync(with: registry)

        let view = try view("SZ-1")
        #expect(view.state == "invalid")
        #expect(view.reasons.map(\.finding) == [.faultyEntry("no policy has been published")])
        #expect(view.problems == [])
    }

    @Test("a withdrawn claim shows so once the withdrawal is decided")
    func withdrawn() throws {
        try node.file(Form.claim(1), Form.claim(2))
        try node.sync(with: registry)
        try node.store.withdraw(claimNumber: "SZ-1", reason: "改正", now: .noon)
        #expect(try node.state("SZ-1") == "reserved")
        try node.sync(with: registry)

        #expect(try node.state("SZ-1") == "withdrawn")
        #expect(try node.state("SZ-2") == "reserved")
        #expect(try view("SZ-1").isBeingWithdrawn == false)
    }

    @Test("lists can be asked for one state")
    func byState() throws {
        try registry.fileInBeijing(1)
        try node.file(
            Form.claim(1), Form.claim(2), Form.claim(3, ["bank_receipt_no": "B1"]),
            Form.claim(4, ["bank_receipt_no": "B1"]), Form.claim(5, ["claimed_yuan": ""]))
        try node.sync(with: registry)
        try node.file(Form.claim(6))
        try node.push(to: registry)
        try node.file(Form.claim(7))

        func numbers(_ state: String?) throws -> [String] {
            try node.store.claims(.init(state: state), limit: 100).map(\.number)
        }
        #expect(try numbers("refused") == ["SZ-1"])
        #expect(try numbers("reserved") == ["SZ-2", "SZ-3"])
        #expect(try numbers("held") == ["SZ-4"])
        #expect(try numbers("invalid") == ["SZ-5"])
        #expect(try numbers("received") == ["SZ-6"])
        #expect(try numbers("recorded") == ["SZ-7"])
        #expect(try numbers("withdrawn") == [])
        #expect(try numbers(nil) == (1...7).map { "SZ-\($0)" })
    }

    @Test("decisions outlive the process")
    func reopened() throws {
        try registry.fileInBeijing(1)
        try node.file(Form.claim(1))
        try node.sync(with: registry)
        let before = try view("SZ-1")
        try node.reopen()

        #expect(try view("SZ-1") == before)
    }
}
