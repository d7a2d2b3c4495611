import TestSupport
import Testing
import VoucherDomain

@testable import Arbitration

@Suite("Opening a case")
struct CaseOpeningTests {
    private static let proof = [UInt8](repeating: 7, count: 32)

    @Test("a held claim opens one case: itself first, then the claims that it met in the order of their names")
    func opensOne() {
        var journal = CaseJournal()
        journal.file(.sample("A", invoices: [.serial(1)], receipt: "R1"), in: .hangzhou)
        journal.file(.sample("B", invoices: [.serial(2)], proof: Self.proof), in: .beijing)

        let outcome = journal.file(
            .sample("C", invoices: [.serial(3)], receipt: "R1", proof: Self.proof), in: .shenzhen)

        let conflict = ConflictCase(
            id: SpokenID.make(position: journal.position), position: journal.position,
            parties: [.live(.shenzhen("C")), .live(.beijing("B")), .live(.hangzhou("A"))], rules: ["evidence-once"],
            deadline: .on("2026-06-15"))
        #expect(outcome.decision == .held)
        #expect(outcome.cases == [conflict])
        #expect(outcome.caseID == conflict.id)
        #expect(journal.fold.ledger.cases == [conflict.id: conflict])
    }

    @Test("a claim met under several rules is a party once, and the rules come in the policy's order")
    func severalRules() throws {
        var journal = CaseJournal()
        journal.file(
            .sample("A", resource: "H20", invoices: [.serial(1)], receipt: "R1", proof: Self.proof), in: .hangzhou)

        let outcome = journal.file(
            .sample("B", resource: "H20", invoices: [.serial(2)], receipt: "R1", proof: Self.proof), in: .shenzhen)

        let conflict = try #require(outcome.cases.first)
        #expect(conflict.parties == [.live(.shenzhen("B")), .live(.hangzhou("A"))])
        #expect(conflict.rules == ["service-overlap", "evidence-once"])
    }

    @Test("what opened the case is told with every reason that holds the claim, and with no flag")
    func openedEvent() throws {
        var journal = CaseJournal()
        journal.file(.sample("A", contract: "HT-1", invoices: [.serial(1)], receipt: "R1"), in: .hangzhou)

        let outcome = journal.file(
            .sample(
                "B", contract: "HT-1", contractAmount: .yuan(90_000_000), invoices: [.serial(2)], receipt: "R1",
                proof: Self.proof),
            in: .hangzhou)

        var expected = CaseEvent(.opened, try #require(outcome.cases.first))
        expected.reasons = [.held(.bankReceipt, by: [.hangzhou("A")], key: .bankReceipt("R1"))]
        #expect(outcome.reasons.map(\.outcome) == [.flag, .hold])
        #expect(outcome.events == [expected])
    }

    @Test("the event is for every city that has a claim in the case, each once")
    func citiesConcerned() {
        var journal = CaseJournal()
        journal.file(.sample("A", invoices: [.serial(1)], receipt: "R1"), in: .hangzhou)
        let inOneCity = journal.file(.sample("B", invoices: [.serial(2)], receipt: "R1"), in: .hangzhou)
        let inTwo = journal.file(.sample("C", invoices: [.serial(3)], receipt: "R1"), in: .beijing)

        #expect(inOneCity.events.map(\.cities) == [[.hangzhou]])
        #expect(inTwo.events.map(\.cities) == [[.beijing, .hangzhou]])
    }

    @Test("each held claim has a case of its own, and an earlier case stays as it was")
    func caseEach() throws {
        var journal = CaseJournal()
        let first = journal.contested()
        let before = try #require(journal[first])

        let outcome = journal.file(.sample("C", invoices: [.serial(3)], receipt: "R1"), in: .beijing)

        let parties = [ClaimName.beijing("C"), .hangzhou("A"), .shenzhen("B")]
        #expect(outcome.cases.map { $0.parties.map(\.claim) } == [parties])
        #expect(journal[first] == before)
        #expect(journal.fold.ledger.cases.count == 2)
    }

    @Test("a reserved claim opens no case, though it be flagged")
    func reserved() {
        var journal = CaseJournal()
        journal.file(.sample("A", contract: "HT-1", invoices: [.serial(1)]), in: .hangzhou)

        let outcome = journal.file(
            .sample("B", contract: "HT-1", contractAmount: .yuan(90_000_000), invoices: [.serial(2)]), in: .hangzhou)

        #expect(outcome.decision == .reserved)
        #expect(outcome.reasons.map(\.outcome) == [.flag])
        #expect(outcome.cases == [] && outcome.events == [] && outcome.caseID == nil)
        #expect(journal.fold.ledger.cases == [:])
    }

    @Test("a refused claim opens no case, though another rule would hold it")
    func refused() {
        var journal = CaseJournal()
        journal.file(.sample("A", invoices: [.serial(1)], receipt: "R1"), in: .hangzhou)

        let outcome = journal.file(.sample("B", invoices: [.serial(1)], receipt: "R1"), in: .shenzhen)

        #expect(outcome.decision == .refused)
        #expect(outcome.reasons.map(\.outcome) == [.block, .hold])
        #expect(outcome.cases == [] && outcome.events == [] && outcome.caseID == nil)
        #expect(journal.fold.ledger.cases == [:])
    }

    @Test("a claim whose key only the database knows to be held opens a case with nobody else in it")
    func secondGuard() throws {
        let claim = Claim.sample("A", invoices: [.serial(1)])
        let key = Key.invoice(claim.invoices[0].number.primary)
        var journal = CaseJournal()

        let outcome = journal.append(.claimFiled(claim), in: .hangzhou, guarded: [key])

        let conflict = try #require(outcome.cases.first)
        #expect(conflict.parties == [.live(.hangzhou("A"))])
        #expect(conflict.rules == ["second-guard"])
    }

    @Test("what a detector finds in one claim alone is a case with nobody else in it")
    func oneParty() throws {
        var journal = CaseJournal(detecting: [.detector("related-parties", "D10")])
        journal.append(
            .companiesListed([.sample(.buyer, [.sample(.phone)]), .sample(.supplier, [.sample(.phone)])]))

        let outcome = journal.file(.sample("A", invoices: [.serial(1)]), in: .hangzhou)

        let conflict = try #require(outcome.cases.first)
        #expect(conflict.parties == [.live(.hangzhou("A"))])
        #expect(conflict.rules == ["related-parties"])
    }

    @Test("a refused claim that a detector names is a party that holds no keys")
    func refusedParty() throws {
        let rule = Rule.detector("forum-shopping", "D18") { $0.causes = ["invoice-sum-within-contract"] }
        var journal = CaseJournal(detecting: [rule])
        let refused = journal.file(
            .sample("A", contractAmount: .yuan(50), invoices: [.serial(1)]), in: .hangzhou)

        let outcome = journal.file(.sample("B", invoices: [.serial(1)]), in: .shenzhen)

        #expect(refused.decision == .refused)
        #expect(outcome.cases.map(\.parties) == [[.live(.shenzhen("B")), .gone(.hangzhou("A"))]])
    }
}
