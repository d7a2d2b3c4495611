import TestSupport
import Testing
import VoucherDomain

@testable import Arbitration

@Suite("Withdrawing a claim")
struct WithdrawalTests {
    @Test("a withdrawal gives back exactly what the claim took")
    func givesBackWhatWasTaken() {
        var journal = Journal()
        let claim = Claim.sample(
            "A", contract: "007", resource: "H20", invoices: [.serial(1, .yuan(100), .both), .serial(2)], receipt: "B1",
            proof: [UInt8](repeating: 7, count: 32), group: "G")
        let filed = journal.file(claim, in: .hangzhou)

        let outcome = journal.withdraw("A", in: .hangzhou)

        let expected = Outcome(
            decision: .withdrawn, claim: .hangzhou("A"), policyVersion: 1, effects: outcome.effects)
        #expect(outcome == expected)
        #expect(Set(outcome.released) == Set(filed.taken))
        #expect(outcome.released.map(\.key) == filed.taken.map(\.key))
    }

    @Test("keys that were withdrawn are free for another city")
    func freesKeys() {
        var journal = Journal()
        let invoice = Claim.Invoice.serial(1, .yuan(100), .both)
        journal.file(.sample("A", contract: "007", resource: "H20", invoices: [invoice], receipt: "B1"), in: .hangzhou)
        journal.withdraw("A", in: .hangzhou)

        let outcome = journal.file(
            .sample("B", contract: "007", resource: "H20", invoices: [invoice], receipt: "B1"), in: .shenzhen)

        #expect(outcome.verdict == Verdict(.reserved))
    }

    @Test("room under caps that was withdrawn is free again")
    func freesRoom() {
        var journal = Journal()
        journal.issue(.sample("S", faceValue: .yuan(100)), in: .hangzhou)
        journal.file(.sample("A", voucher: "S", invoices: [.serial(1)], claimed: .yuan(100)), in: .hangzhou)
        journal.withdraw("A", in: .hangzhou)

        let outcome = journal.file(
            .sample("B", voucher: "S", invoices: [.serial(2)], claimed: .yuan(100)), in: .hangzhou)

        #expect(outcome.verdict == Verdict(.reserved))
    }

    @Test("what the others hold stays held")
    func othersStay() {
        var journal = Journal()
        journal.file(.sample("A", invoices: [.serial(1)], claimed: .yuan(40), group: "G"), in: .hangzhou)
        journal.file(.sample("B", invoices: [.serial(1)], claimed: .yuan(40), group: "G"), in: .shenzhen)
        journal.withdraw("A", in: .hangzhou)

        let outcome = journal.file(.sample("C", invoices: [.serial(1)], claimed: .yuan(61)), in: .beijing)

        let reasons: [Reason] = [
            .held(.invoice, by: [.shenzhen("B")]),
            .over(.invoice, used: .yuan(40), adding: .yuan(61), capacity: .yuan(100), by: [.shenzhen("B")]),
        ]
        #expect(outcome.verdict == Verdict(.refused, reasons))
    }

    @Test("a held claim frees its keys, too")
    func heldClaim() {
        var journal = Journal()
        journal.file(.sample("A", invoices: [.serial(1)], receipt: "B1"), in: .hangzhou)
        journal.file(.sample("B", invoices: [.serial(2)], receipt: "B1"), in: .shenzhen)
        journal.withdraw("B", in: .shenzhen)

        #expect(journal.file(.sample("C", invoices: [.serial(2)]), in: .beijing).verdict == Verdict(.reserved))
    }

    @Test("withdrawing twice changes nothing the second time")
    func twice() {
        var journal = Journal()
        journal.file(.sample("A", invoices: [.serial(1)]), in: .hangzhou)
        journal.withdraw("A", in: .hangzhou)
        let before = journal.fold

        let outcome = journal.withdraw("A", in: .hangzhou)

        #expect(outcome == Outcome(decision: .unchanged, claim: .hangzhou("A"), policyVersion: 1))
        #expect(journal.fold == before)
    }

    @Test("withdrawing a refused claim changes nothing: it stays refused")
    func refusedStaysRefused() throws {
        var journal = Journal()
        journal.file(.sample("A", invoices: [.serial(1)]), in: .hangzhou)
        journal.file(.sample("B", invoices: [.serial(1)]), in: .shenzhen)
        let position = journal.position

        let outcome = journal.withdraw("B", in: .shenzhen)

        #expect(outcome == Outcome(decision: .unchanged, claim: .shenzhen("B"), policyVersion: 1))
        let record = try #require(journal.fold.ledger.claims[.shenzhen("B")])
        #expect(record == Ledger.ClaimRecord(position: position, state: .refused, claimed: .yuan(10), policyVersion: 1))
    }

    @Test("a refused claim stays refused when the claim that blocked it is withdrawn")
    func blockerWithdrawn() throws {
        var journal = Journal()
        journal.file(.sample("A", invoices: [.serial(1)]), in: .hangzhou)
        journal.file(.sample("B", invoices: [.serial(1)]), in: .shenzhen)
        let position = journal.position
        journal.withdraw("A", in: .hangzhou)

        let record = try #require(journal.fold.ledger.claims[.shenzhen("B")])
        #expect(record == Ledger.ClaimRecord(position: position, state: .refused, claimed: .yuan(10), policyVersion: 1))
    }

    @Test("a city withdraws its own claims only")
    func anotherCity() {
        var journal = Journal()
        journal.file(.sample("A", invoices: [.serial(1)]), in: .hangzhou)

        let outcome = journal.withdraw("A", in: .shenzhen)

        let reason = Reason(
            rule: "entry", outcome: .block, finding: .faultyEntry("no claim with that number was filed"))
        let expected = Outcome(decision: .invalid, reasons: [reason], claim: .shenzhen("A"), policyVersion: 1)
        #expect(outcome == expected)
    }

    @Test(
        "withdrawn and filed again under a new number works, under the old one it does not",
        arguments: [
            ("B", Outcome.Decision.reserved), ("A", .invalid),
        ])
    func filedAgain(number: String, decision: Outcome.Decision) {
        var journal = Journal()
        journal.file(.sample("A", contract: "HT-1", invoices: [.serial(1)], receipt: "B1"), in: .hangzhou)
        journal.withdraw("A", in: .hangzhou)

        let outcome = journal.file(
            .sample(number, contract: "HT-1", invoices: [.serial(1)], receipt: "B1"), in: .hangzhou)

        #expect(outcome.decision == decision)
    }
}
