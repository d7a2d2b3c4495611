import TestSupport
import Testing
import VoucherDomain

@testable import Arbitration

@Suite("Rulings that need two persons")
struct TwoPersonTests {
    private static let (claimA, claimB) = (ClaimName.hangzhou("A"), ClaimName.shenzhen("B"))

    /// The claims of ``CaseJournal/contested()`` add up to 20 yuan, one fen more than one person may rule on.
    private func journal(twoPersonFen: Int64 = 1_999) -> CaseJournal {
        CaseJournal(CaseTerms(twoPersonFen: twoPersonFen))
    }

    @Test("one person may rule on claims of exactly the policy's amount", arguments: [2_000, 2_001] as [Int64])
    func atTheAmount(twoPersonFen: Int64) {
        var journal = journal(twoPersonFen: twoPersonFen)
        let id = journal.contested()

        #expect(journal.rule(id, keep: [Self.claimA], out: [Self.claimB]).decision == .noted)
        #expect(journal[id]?.state == .closed)
    }

    @Test("above it a ruling is pending: it is kept with the case and told, and changes no claim")
    func pending() throws {
        var journal = journal()
        let id = journal.contested()
        let conflict = try #require(journal[id])
        let ruling = Ruling(
            caseID: id, kept: [Self.claimA], ruledOut: [Self.claimB], code: .confirmed, reason: "重复", by: "李")

        let outcome = journal.append(.caseRuled(ruling))

        let proposed = conflict.with(proposal: ruling)
        let expected = Outcome(
            decision: .pending, policyVersion: 1, cases: [proposed], events: [.verdict(.proposed, proposed, ruling)])
        #expect(outcome == expected)
        #expect(journal[id] == proposed)
        #expect([Self.claimA, Self.claimB].map(journal.state) == [.reserved, .held])
    }

    @Test("the same person twice is one person")
    func samePerson() {
        var journal = journal()
        let id = journal.contested()
        journal.rule(id, keep: [Self.claimA], out: [Self.claimB], by: "李")

        let outcome = journal.rule(id, keep: [Self.claimA], out: [Self.claimB], by: "李")

        #expect(outcome.decision == .pending)
        #expect(journal[id]?.state == .open)
        #expect(journal.state(of: Self.claimB) == .held)
    }

    @Test("a second person who decides alike, for whatever reason, puts the ruling into effect")
    func secondPerson() throws {
        var journal = journal()
        let id = journal.contested()
        let conflict = try #require(journal[id])
        journal.rule(id, keep: [Self.claimA], out: [Self.claimB], because: "重复", by: "李")
        let second = Ruling(
            caseID: id, kept: [Self.claimA], ruledOut: [Self.claimB], code: .confirmed, reason: "同意", by: "王")

        let outcome = journal.append(.caseRuled(second))

        let closed = conflict.with(parties: [.gone(Self.claimB), .live(Self.claimA)], state: .closed)
        #expect(outcome.decision == .noted)
        #expect(outcome.effects.map(\.name) == [Self.claimB])
        #expect(outcome.cases == [closed])
        #expect(outcome.events == [.verdict(.ruled, closed, second)])
    }

    @Test("the order in which claims are named makes no difference between two persons")
    func orderOfNames() {
        var journal = journal()
        let id = journal.contested()
        journal.rule(id, keep: [Self.claimA, Self.claimB], by: "李")

        #expect(journal.rule(id, keep: [Self.claimB, Self.claimA], by: "王").decision == .noted)
    }

    /// What somebody decides in the case of `A` and `B`.
    struct Choice: Hashable, Sendable {
        let kept: [ClaimName]
        let ruledOut: [ClaimName]
        let code: Ruling.Code
    }

    @Test(
        "another verdict takes the place of the one proposed, and needs a second person itself",
        arguments: [
            Choice(kept: [claimB], ruledOut: [claimA], code: .confirmed),
            Choice(kept: [claimA, claimB], ruledOut: [], code: .confirmed),
            Choice(kept: [claimA], ruledOut: [claimB], code: .errorInData),
        ])
    func anotherVerdict(choice: Choice) {
        var journal = journal()
        let id = journal.contested()
        func other(by name: String) -> Ruling {
            Ruling(
                caseID: id, kept: choice.kept, ruledOut: choice.ruledOut, code: choice.code, reason: "裁定", by: name)
        }
        journal.rule(id, keep: [Self.claimA], out: [Self.claimB], .confirmed, by: "李")

        let replaced = journal.append(.caseRuled(other(by: "王")))
        let proposal = journal[id]?.proposal
        let seconded = journal.append(.caseRuled(other(by: "李")))

        #expect([replaced.decision, seconded.decision] == [.pending, .noted])
        #expect(proposal == other(by: "王"))
    }

    @Test("a verdict that was replaced is not seconded any more")
    func replacedVerdict() {
        var journal = journal()
        let id = journal.contested()
        journal.rule(id, keep: [Self.claimA], out: [Self.claimB], by: "李")
        journal.rule(id, keep: [Self.claimB], out: [Self.claimA], by: "王")

        #expect(journal.rule(id, keep: [Self.claimA], out: [Self.claimB], by: "赵").decision == .pending)
    }

    @Test("a ruling that is invalid leaves the one proposed as it was")
    func invalidRuling() {
        var journal = journal()
        let id = journal.contested()
        journal.rule(id, keep: [Self.claimA], out: [Self.claimB], by: "李")
        let before = journal.fold

        #expect(journal.rule(id, keep: [Self.claimA], by: "王").decision == .invalid)
        #expect(journal.fold == before)
    }

    @Test("only claims that hold their keys count towards the amount")
    func liveClaims() {
        var journal = journal(twoPersonFen: 2_000)
        let id = journal.contestedByThree()
        let before = journal.rule(id, keep: [Self.claimA, .beijing("B")], out: [.shenzhen("C")])
        journal.withdraw(.beijing("B"))
        let after = journal.rule(id, keep: [Self.claimA], out: [.shenzhen("C")])

        #expect([before.decision, after.decision] == [.pending, .noted])
    }

    @Test("a case that is open again needs two persons again")
    func reopened() {
        var journal = journal()
        let id = journal.contested()
        for name in ["李", "王"] { journal.rule(id, keep: [Self.claimA, Self.claimB], by: name) }
        journal.reopen(id)

        let outcome = journal.rule(id, keep: [Self.claimA, Self.claimB], by: "王")

        #expect(outcome.decision == .pending)
    }

    @Test("a later policy's amount applies to cases that are open already")
    func laterPolicy() {
        var journal = journal()
        let id = journal.contested()
        journal.publish(CaseTerms(twoPersonFen: 2_000), version: 2)

        #expect(journal.rule(id, keep: [Self.claimA], out: [Self.claimB]).decision == .noted)
    }
}
