import TestSupport
import Testing
import VoucherDomain

@testable import Arbitration

@Suite("Cases in which nothing is left to rule on")
struct SettlingTests {
    private static let (claimA, claimB) = (ClaimName.hangzhou("A"), ClaimName.shenzhen("B"))

    // MARK: Two claims

    @Test("withdrawing the claim that waits closes its case; the other claim stays as it was")
    func waitingWithdrawn() throws {
        var journal = CaseJournal()
        let id = journal.contested()
        let conflict = try #require(journal[id])

        let outcome = journal.withdraw(Self.claimB)

        let settled = conflict.with(parties: [.gone(Self.claimB), .live(Self.claimA)], state: .closed)
        #expect(outcome.decision == .withdrawn)
        #expect(outcome.effects.map(\.name) == [Self.claimB])
        #expect(outcome.cases == [settled])
        #expect(outcome.events == [CaseEvent(.settled, settled)])
        #expect(journal[id] == settled)
        #expect(journal.state(of: Self.claimA) == .reserved)
    }

    @Test("withdrawing the other of two claims closes the case and reserves the one that waited, in no group")
    func otherWithdrawn() throws {
        var journal = CaseJournal()
        let filed = journal.file(.sample("A", invoices: [.serial(1)], receipt: "R1"), in: .hangzhou)
        let position = journal.position
        let held = journal.file(.sample("B", invoices: [.serial(2)], receipt: "R1"), in: .shenzhen)
        let conflict = try #require(held.cases.first)

        let outcome = journal.withdraw(Self.claimA)

        let settled = conflict.with(parties: [.live(Self.claimB), .gone(Self.claimA)], state: .closed)
        let effects = [
            Outcome.Effect(name: Self.claimA, position: position, state: .withdrawn, released: filed.taken),
            Outcome.Effect(name: Self.claimB, position: position + 1, state: .reserved),
        ]
        let expected = Outcome(
            decision: .withdrawn, claim: Self.claimA, policyVersion: 1, effects: effects, cases: [settled],
            events: [CaseEvent(.settled, settled)])
        #expect(outcome == expected)
        #expect(journal[conflict.id] == settled)
        #expect(journal.state(of: Self.claimB) == .reserved)
    }

    @Test("an escalated case is settled like an open one")
    func escalated() {
        var journal = CaseJournal()
        let id = journal.contested()
        journal.tick("2026-06-16")

        let outcome = journal.withdraw(Self.claimA)

        #expect(outcome.events.map(\.kind) == [.settled])
        #expect(journal[id]?.state == .closed)
        #expect(journal.state(of: Self.claimB) == .reserved)
    }

    @Test("a ruling that waits for its second person ends with the case")
    func proposalEnds() throws {
        var journal = CaseJournal(CaseTerms(twoPersonFen: 0))
        let id = journal.contested()
        journal.rule(id, keep: [Self.claimA], out: [Self.claimB], by: "李")
        let proposed = try #require(journal[id])
        journal.withdraw(Self.claimA)

        #expect(proposed.proposal != nil)
        #expect(journal[id]?.proposal == nil)
        let seconded = journal.rule(id, keep: [Self.claimA], out: [Self.claimB], by: "王")
        #expect(seconded == .invalid("case \(id) is closed: reopen it first"))
        #expect(journal.state(of: Self.claimB) == .reserved)
    }

    @Test("a claim that was reserved because its case was settled keeps its keys")
    func keepsKeys() {
        var journal = CaseJournal()
        _ = journal.contested()
        journal.withdraw(Self.claimA)

        let outcome = journal.file(.sample("C", invoices: [.serial(2)], receipt: "R1"), in: .beijing)

        let reasons: [Reason] = [
            .held(.invoice, by: [Self.claimB]), .held(.bankReceipt, by: [Self.claimB]),
        ]
        #expect(outcome.verdict == Verdict(.refused, reasons))
    }

    // MARK: Three claims

    @Test("withdrawing one of three claims leaves the case open, and the last of the others settles it")
    func oneOfThree() throws {
        let (claimB, claimC) = (ClaimName.beijing("B"), ClaimName.shenzhen("C"))
        var journal = CaseJournal()
        let id = journal.contestedByThree()
        let conflict = try #require(journal[id])

        let first = journal.withdraw(Self.claimA)
        let between = journal.state(of: claimC)
        let second = journal.withdraw(claimB)

        #expect(first.cases == [conflict.with(parties: [.live(claimC), .live(claimB), .gone(Self.claimA)])])
        #expect(first.events.map(\.kind) == [.left])
        #expect(first.effects.map(\.name) == [Self.claimA])
        #expect(between == .held)
        #expect(second.events.map(\.kind) == [.settled])
        #expect(second.effects.map(\.name) == [claimB, claimC])
        #expect(journal.state(of: claimC) == .reserved)
    }

    @Test("withdrawing the claim that waits closes the case however many claims it met")
    func waitingOfThree() {
        var journal = CaseJournal()
        let id = journal.contestedByThree()

        let outcome = journal.withdraw(.shenzhen("C"))

        #expect(outcome.effects.map(\.name) == [.shenzhen("C")])
        #expect(outcome.events.map(\.kind) == [.settled])
        #expect(journal[id]?.state == .closed)
    }

    @Test("a withdrawal settles every case that it ends, in the order in which they were opened")
    func severalCases() {
        let proof = [UInt8](repeating: 7, count: 32)
        var journal = CaseJournal()
        journal.file(.sample("A", invoices: [.serial(1)], receipt: "R1", proof: proof), in: .hangzhou)
        let first = journal.file(.sample("B", invoices: [.serial(2)], receipt: "R1"), in: .shenzhen)
        let second = journal.file(.sample("C", invoices: [.serial(3)], proof: proof), in: .beijing)

        let outcome = journal.withdraw(Self.claimA)

        #expect(outcome.cases.map(\.id) == [first, second].compactMap(\.caseID))
        #expect(outcome.events.map(\.kind) == [.settled, .settled])
        #expect(outcome.effects.map(\.name) == [Self.claimA, Self.claimB, .beijing("C")])
        #expect(outcome.effects.map(\.state) == [.withdrawn, .reserved, .reserved])
    }

    @Test("a claim in several cases leaves each of them, and settles those alone in which nothing is left")
    func someOfSeveralCases() {
        var journal = CaseJournal()
        let (first, second) = journal.contestedTwice()

        let outcome = journal.withdraw(Self.claimA)

        #expect(outcome.cases.map(\.state) == [.closed, .open])
        #expect(outcome.cases.map { $0.parties.contains(.gone(Self.claimA)) } == [true, true])
        #expect(outcome.events.map(\.caseID) == [first, second])
        #expect(outcome.events.map(\.kind) == [.settled, .left])
        #expect(journal[second]?.state == .open)
        #expect([Self.claimB, .beijing("C")].map(journal.state) == [.reserved, .held])
    }

    // MARK: Closed and reopened cases

    @Test("a closed case only notes that a claim of it is gone")
    func closedCase() throws {
        var journal = CaseJournal()
        let id = journal.contested()
        journal.rule(id, keep: [Self.claimA, Self.claimB])
        let closed = try #require(journal[id])

        let outcome = journal.withdraw(Self.claimA)

        #expect(outcome.effects.map(\.name) == [Self.claimA])
        #expect(outcome.cases == [closed.with(parties: [.live(Self.claimB), .gone(Self.claimA)])])
        #expect(outcome.events.map(\.kind) == [.left])
        #expect(journal.state(of: Self.claimB) == .reserved)
    }

    @Test("a reopened case is settled when one claim is left, which stays as it is")
    func reopenedCase() {
        var journal = CaseJournal()
        let id = journal.contested()
        journal.rule(id, keep: [Self.claimA, Self.claimB])
        journal.reopen(id)

        let outcome = journal.withdraw(Self.claimA)

        #expect(outcome.effects.map(\.name) == [Self.claimA])
        #expect(outcome.events.map(\.kind) == [.settled])
        #expect(journal.state(of: Self.claimB) == .reserved)
    }

    @Test("a reopened case whose first claim was ruled out stays open while two others are left to rule on")
    func reopenedWithoutFirst() throws {
        let proof = [UInt8](repeating: 7, count: 32)
        let others = [ClaimName.hangzhou("A"), .beijing("B"), .hangzhou("D")]
        var journal = CaseJournal()
        journal.file(.sample("A", invoices: [.serial(1)], receipt: "R1"), in: .hangzhou)
        journal.file(.sample("B", invoices: [.serial(2)], proof: proof), in: .beijing)
        journal.file(.sample("D", resource: "H20", invoices: [.serial(4)]), in: .hangzhou)
        let held = journal.file(
            .sample("C", resource: "H20", invoices: [.serial(3)], receipt: "R1", proof: proof), in: .shenzhen)
        let id = try #require(held.caseID)
        journal.rule(id, keep: others, out: [.shenzhen("C")])
        journal.reopen(id)

        let outcome = journal.withdraw(.hangzhou("A"))

        #expect(held.cases.map(\.parties.count) == [4])
        #expect(outcome.events.map(\.kind) == [.left])
        #expect(journal[id]?.state == .open)
    }

    // MARK: Holds that no other claim explains

    @Test("a claim that a detector holds for its own sake goes on waiting when the other claim is withdrawn")
    func alsoHeldByItself() throws {
        var journal = CaseJournal(detecting: [.detector("related-parties", "D10")])
        journal.append(
            .companiesListed([.sample(.buyer, [.sample(.phone)]), .sample(.supplier, [.sample(.phone)])]))
        journal.file(.sample("A", supplier: .otherSupplier, invoices: [.serial(1)], receipt: "R1"), in: .hangzhou)
        let held = journal.file(.sample("B", invoices: [.serial(2)], receipt: "R1"), in: .hangzhou)
        let id = try #require(held.caseID)

        let outcome = journal.withdraw(Self.claimA)

        #expect(held.cases.map(\.rules) == [["evidence-once", "related-parties"]])
        #expect(outcome.effects.map(\.name) == [Self.claimA])
        #expect(outcome.events.map(\.kind) == [.left])
        #expect(journal[id]?.state == .open)
        #expect(journal.state(of: .hangzhou("B")) == .held)
    }

    @Test("a claim held because another city refused it goes on waiting when a third claim is withdrawn")
    func alsoRefusedElsewhere() throws {
        let rule = Rule.detector("forum-shopping", "D18") { $0.causes = ["invoice-sum-within-contract"] }
        var journal = CaseJournal(detecting: [rule])
        journal.file(.sample("X", contractAmount: .yuan(50), invoices: [.serial(2)]), in: .beijing)
        journal.file(.sample("A", invoices: [.serial(1)], receipt: "R1"), in: .hangzhou)
        let held = journal.file(.sample("B", invoices: [.serial(2)], receipt: "R1"), in: .shenzhen)
        let id = try #require(held.caseID)

        journal.withdraw(Self.claimA)

        #expect(held.cases.map(\.rules) == [["evidence-once", "forum-shopping"]])
        #expect(journal[id]?.state == .open)
        #expect(journal.state(of: Self.claimB) == .held)
    }

    // MARK: One claim

    /// A claim that a detector holds by itself, in a journal with another claim.
    private func alone() throws -> (CaseJournal, String) {
        var journal = CaseJournal(detecting: [.detector("related-parties", "D10")])
        journal.append(
            .companiesListed([.sample(.buyer, [.sample(.phone)]), .sample(.supplier, [.sample(.phone)])]))
        journal.file(.sample("B", supplier: .otherSupplier, invoices: [.serial(2)]), in: .hangzhou)
        let held = journal.file(.sample("A", invoices: [.serial(1)]), in: .hangzhou)
        return (journal, try #require(held.caseID))
    }

    @Test("a case of one claim is not settled by what becomes of others, nor by time")
    func aloneStaysOpen() throws {
        var (journal, id) = try alone()

        let withdrawal = journal.withdraw(.hangzhou("B"))
        journal.tick("2026-06-16")

        #expect(withdrawal.decision == .withdrawn)
        #expect(withdrawal.cases == [] && withdrawal.events == [])
        #expect(journal[id]?.state == .escalated)
        #expect(journal.state(of: .hangzhou("A")) == .held)
    }

    @Test("a case of one claim is settled when the claim is withdrawn")
    func aloneWithdrawn() throws {
        var (journal, id) = try alone()

        let outcome = journal.withdraw(.hangzhou("A"))

        #expect(outcome.events.map(\.kind) == [.settled])
        #expect(journal[id]?.state == .closed)
        #expect(journal.state(of: .hangzhou("A")) == .withdrawn)
    }

    @Test("a ruling on one claim keeps it, in no group, or rules it out", arguments: [true, false])
    func aloneRuled(isKept: Bool) throws {
        let name = ClaimName.hangzhou("A")
        var (journal, id) = try alone()

        let outcome = journal.rule(id, keep: isKept ? [name] : [], out: isKept ? [] : [name])

        #expect(outcome.effects.map(\.state) == [isKept ? .reserved : .refused])
        #expect(outcome.effects.map(\.group) == [nil])
        #expect(journal[id]?.state == .closed)
    }
}
