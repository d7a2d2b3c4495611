import TestSupport
import Testing
import VoucherDomain

@testable import Arbitration

@Suite("Ruling in a case")
struct RulingTests {
    private static let (claimA, claimB) = (ClaimName.hangzhou("A"), ClaimName.shenzhen("B"))

    // MARK: Both stay

    @Test("a ruling that keeps both reserves the claim that waited, gives both one group, and closes the case")
    func keepsBoth() throws {
        var journal = CaseJournal()
        let id = journal.contested()
        let closed = try #require(journal[id]).with(state: .closed)
        let ruling = Ruling(
            caseID: id, kept: [Self.claimB, Self.claimA], ruledOut: [], code: .cofunded, reason: "两地共补", by: "李")

        let outcome = journal.append(.caseRuled(ruling))

        let effects = zip([Self.claimA, Self.claimB], outcome.effects).map { name, effect in
            Outcome.Effect(
                name: name, position: journal.position(of: name), state: .reserved, regrouped: effect.regrouped)
        }
        #expect(Set(outcome.effects.map(\.group)).count == 1)
        #expect(outcome.effects.allSatisfy { $0.regrouped.map(\.key) == [.bankReceipt("R1")] })
        let expected = Outcome(
            decision: .noted, policyVersion: 1, effects: effects, cases: [closed],
            events: [.verdict(.ruled, closed, ruling)])
        #expect(outcome == expected)
        #expect(journal[id] == closed)
        #expect([Self.claimA, Self.claimB].map(journal.state) == [.reserved, .reserved])
        #expect(journal.isShared(.bankReceipt("R1")))
    }

    @Test("a claim outside their group is still stopped by each of two claims that a ruling let stand together")
    func thirdClaim() {
        var journal = CaseJournal()
        let id = journal.contested()
        journal.rule(id, keep: [Self.claimA, Self.claimB])

        let receipt = journal.file(.sample("C", invoices: [.serial(3)], receipt: "R1", group: "G"), in: .beijing)
        let invoices = journal.file(.sample("D", invoices: [.serial(1), .serial(2)]), in: .beijing)

        #expect(receipt.verdict == Verdict(.held, [.held(.bankReceipt, by: [Self.claimA, Self.claimB])]))
        let blocked: Set<Reason> = [.held(.invoice, by: [Self.claimA]), .held(.invoice, by: [Self.claimB])]
        #expect(invoices.decision == .refused)
        #expect(Set(invoices.verdict.reasons) == blocked)
    }

    @Test("no city can declare the group that a ruling gives")
    func groupCannotBeDeclared() throws {
        var journal = CaseJournal()
        let id = journal.contested()
        let outcome = journal.rule(id, keep: [Self.claimA, Self.claimB])

        let group = try #require(outcome.effects.first?.group)
        let claim = Claim.sample("C", invoices: [.serial(3)], group: group)

        #expect(claim.fault == "cofunding_group is not in normal form")
        #expect(Normaliser.folded(group) != group)
    }

    @Test("two rulings give two groups")
    func groupEach() throws {
        var journal = CaseJournal()
        let id = journal.contested()
        let first = journal.rule(id, keep: [Self.claimA, Self.claimB])
        journal.file(.sample("C", invoices: [.serial(3)], receipt: "R2"), in: .hangzhou)
        let held = journal.file(.sample("D", invoices: [.serial(4)], receipt: "R2"), in: .beijing)
        let second = journal.rule(try #require(held.caseID), keep: [.hangzhou("C"), .beijing("D")])

        let groups = (first.effects + second.effects).compactMap(\.group)
        #expect(groups.count == 4)
        #expect(Set(groups).count == 2)
    }

    // MARK: One goes

    @Test("ruling out the claim that waited refuses it and gives back its keys; the other stays as it was")
    func rulesOutWaiting() throws {
        var journal = CaseJournal()
        journal.file(.sample("A", invoices: [.serial(1)], receipt: "R1"), in: .hangzhou)
        let filed = journal.file(.sample("B", invoices: [.serial(2)], receipt: "R1"), in: .shenzhen)
        let (id, position) = (try #require(filed.caseID), journal.position)

        let outcome = journal.rule(id, keep: [Self.claimA], out: [Self.claimB])

        let refused = Outcome.Effect(name: Self.claimB, position: position, state: .refused, released: filed.taken)
        #expect(outcome.effects == [refused])
        #expect(outcome.cases.map(\.parties) == [[.gone(Self.claimB), .live(Self.claimA)]])
        #expect(outcome.events.map(\.parties) == [[.gone(Self.claimB), .live(Self.claimA)]])
        #expect([Self.claimA, Self.claimB].map(journal.state) == [.reserved, .refused])
    }

    @Test("keys of a claim that was ruled out are free for another one; those of the other are not")
    func freesKeys() {
        var journal = CaseJournal()
        let id = journal.contested()
        journal.rule(id, keep: [Self.claimA], out: [Self.claimB])

        let free = journal.file(.sample("C", invoices: [.serial(2)]), in: .beijing)
        let taken = journal.file(.sample("D", invoices: [.serial(4)], receipt: "R1"), in: .beijing)

        #expect(free.verdict == Verdict(.reserved))
        #expect(taken.verdict == Verdict(.held, [.held(.bankReceipt, by: [Self.claimA])]))
    }

    @Test("ruling out the earlier claim gives back its keys and reserves the one that waited, which joins no group")
    func rulesOutEarlier() throws {
        var journal = CaseJournal()
        let filed = journal.file(.sample("A", invoices: [.serial(1)], receipt: "R1"), in: .hangzhou)
        let position = journal.position
        let held = journal.file(.sample("B", invoices: [.serial(2)], receipt: "R1"), in: .shenzhen)

        let outcome = journal.rule(try #require(held.caseID), keep: [Self.claimB], out: [Self.claimA])

        let effects = [
            Outcome.Effect(name: Self.claimA, position: position, state: .refused, released: filed.taken),
            Outcome.Effect(name: Self.claimB, position: position + 1, state: .reserved),
        ]
        #expect(outcome.effects == effects)
        #expect([Self.claimA, Self.claimB].map(journal.state) == [.refused, .reserved])
        #expect(journal.file(.sample("C", invoices: [.serial(1)]), in: .beijing).verdict == Verdict(.reserved))
    }

    @Test("both may be ruled out")
    func rulesOutBoth() {
        var journal = CaseJournal()
        let id = journal.contested()

        let outcome = journal.rule(id, out: [Self.claimA, Self.claimB])

        #expect(outcome.effects.map(\.name) == [Self.claimA, Self.claimB])
        #expect([Self.claimA, Self.claimB].map(journal.state) == [.refused, .refused])
        #expect(journal.fold.ledger.occupancies == [:])
    }

    // MARK: What a ruling must name

    @Test("a ruling in a case that there is not is invalid")
    func unknownCase() {
        var journal = CaseJournal()
        let before = journal.fold

        #expect(journal.rule("22222-2", keep: [Self.claimA]) == .invalid("there is no case 22222-2"))
        #expect(journal.fold == before)
    }

    @Test(
        "a ruling that leaves out a live claim is invalid and says which",
        arguments: [
            ([claimA], [], "440300/B"), ([], [claimB], "330100/A"), ([], [], "440300/B, 330100/A"),
        ] as [([ClaimName], [ClaimName], String)])
    func leavesOut(kept: [ClaimName], ruledOut: [ClaimName], missing: String) {
        var journal = CaseJournal()
        let id = journal.contested()
        let before = journal.fold

        let outcome = journal.rule(id, keep: kept, out: ruledOut)

        #expect(outcome == .invalid("the ruling does not name \(missing)"))
        #expect(journal.fold == before)
    }

    @Test("a ruling that keeps a claim and rules it out is invalid")
    func keptAndRuledOut() {
        var journal = CaseJournal()
        let id = journal.contested()
        let before = journal.fold

        let outcome = journal.rule(id, keep: [Self.claimA, Self.claimB], out: [Self.claimB])

        #expect(outcome == .invalid("a claim is both kept and ruled out"))
        #expect(journal.fold == before)
    }

    @Test(
        "a ruling that names a claim twice is invalid",
        arguments: [([claimA, claimB, claimB], []), ([claimA], [claimB, claimB])] as [([ClaimName], [ClaimName])])
    func namedTwice(kept: [ClaimName], ruledOut: [ClaimName]) {
        var journal = CaseJournal()
        let id = journal.contested()
        let before = journal.fold

        #expect(journal.rule(id, keep: kept, out: ruledOut).decision == .invalid)
        #expect(journal.fold == before)
    }

    @Test("a ruling that names a claim outside the case is invalid", arguments: [true, false])
    func stranger(isKept: Bool) {
        let other = ClaimName.beijing("X")
        var journal = CaseJournal()
        journal.file(.sample("X", invoices: [.serial(9)]), in: .beijing)
        let id = journal.contested()
        let before = journal.fold

        let outcome = journal.rule(
            id, keep: [Self.claimA] + (isKept ? [other] : []), out: [Self.claimB] + (isKept ? [] : [other]))

        #expect(outcome == .invalid("claim 110000/X is not in case \(id)"))
        #expect(journal.fold == before)
    }

    @Test("a claim that is gone need not be named")
    func claimGone() {
        var journal = CaseJournal()
        let id = journal.contestedByThree()
        journal.withdraw(.beijing("B"))

        let outcome = journal.rule(id, keep: [Self.claimA], out: [.shenzhen("C")])

        #expect(outcome.decision == .noted)
        #expect(outcome.effects.map(\.name) == [.shenzhen("C")])
    }

    // MARK: Closed cases

    @Test("a case is ruled on once, until somebody opens it again")
    func closedCase() {
        var journal = CaseJournal()
        let id = journal.contested()
        journal.rule(id, keep: [Self.claimA, Self.claimB])
        let before = journal.fold
        let again = journal.rule(id, keep: [Self.claimA], out: [Self.claimB])
        let after = journal.fold
        journal.reopen(id)
        let reopened = journal.rule(id, keep: [Self.claimA], out: [Self.claimB])

        #expect(again == .invalid("case \(id) is closed: reopen it first"))
        #expect(after == before)
        #expect(reopened.decision == .noted)
        #expect([Self.claimA, Self.claimB].map(journal.state) == [.reserved, .refused])
    }

    @Test("a reopened case has new time to answer, and the reason and the person are told with it")
    func reopening() throws {
        var journal = CaseJournal()
        let id = journal.contested()
        journal.rule(id, keep: [Self.claimA, Self.claimB])
        let closed = try #require(journal[id])
        journal.clock = CalendarDate.on("2026-07-01").milliseconds(hour: 9)

        let outcome = journal.reopen(id, because: "新证据", by: "王")

        let open = closed.with(state: .open, deadline: .on("2026-07-15"))
        var event = CaseEvent(.reopened, open)
        event.text = "新证据"
        event.operatorName = "王"
        #expect(outcome == Outcome(decision: .noted, policyVersion: 1, cases: [open], events: [event]))
        #expect(journal[id] == open)
    }

    @Test("neither an unknown case nor one that is not closed is opened again")
    func reopeningOpenCase() {
        var journal = CaseJournal()
        let id = journal.contested()
        let open = journal.reopen(id)
        journal.tick("2026-06-16")
        let escalated = journal.reopen(id)

        #expect(journal.reopen("22222-2") == .invalid("there is no case 22222-2"))
        #expect([open, escalated] == [.invalid("case \(id) is open"), .invalid("case \(id) is open")])
    }
}
