import TestSupport
import Testing
import VoucherDomain

@testable import Arbitration

@Suite("Answering a case")
struct CaseAnswerTests {
    private static let nowhere = "22222-2"

    // MARK: Noted

    @Test(
        "an answer is noted and told to all parties, and changes neither the case nor its claims",
        arguments: [CaseAnswer.Kind.withdraw, .contest, .cofunded, .notDuplicate])
    func noted(kind: CaseAnswer.Kind) throws {
        var journal = CaseJournal()
        let id = journal.contestedByThree()
        let conflict = try #require(journal[id])
        let before = journal.fold

        let outcome = journal.answer(id, kind, by: .beijing, because: "合同不同")

        var event = CaseEvent(.answered, conflict)
        event.city = .beijing
        event.answer = kind
        event.text = "合同不同"
        #expect(outcome == Outcome(decision: .noted, policyVersion: 1, cases: [conflict], events: [event]))
        #expect(outcome.events.map(\.cities) == [[.beijing, .hangzhou, .shenzhen]])
        #expect(journal.fold == before)
    }

    @Test("digests of what was shown go to the parties in the order in which they were given")
    func evidence() {
        let digests = [[UInt8](repeating: 9, count: 32), [UInt8](repeating: 1, count: 32)]
        var journal = CaseJournal()
        let id = journal.contested()

        let outcome = journal.answer(id, .contest, by: .hangzhou, evidence: digests)

        #expect(outcome.events.map(\.evidence) == [digests])
    }

    @Test("every city of the case may answer, and more than once")
    func severalAnswers() {
        var journal = CaseJournal()
        let id = journal.contested()

        let outcomes = [
            journal.answer(id, .contest, by: .shenzhen), journal.answer(id, .notDuplicate, by: .hangzhou),
            journal.answer(id, .cofunded, by: .shenzhen),
        ]

        #expect(outcomes.map(\.decision) == [.noted, .noted, .noted])
        #expect(outcomes.flatMap(\.events).map(\.city) == [.shenzhen, .hangzhou, .shenzhen])
    }

    @Test("a city whose claim is gone is still heard while the case is open")
    func cityOfClaimGone() {
        var journal = CaseJournal()
        let id = journal.contestedByThree()
        journal.withdraw(.beijing("B"))

        #expect(journal.answer(id, .notDuplicate, by: .beijing).decision == .noted)
    }

    // MARK: Invalid

    @Test("an answer to a case that there is not is invalid", arguments: CaseAnswer.Kind.allCases)
    func unknownCase(kind: CaseAnswer.Kind) {
        var journal = CaseJournal()
        let before = journal.fold

        let outcome = journal.answer(Self.nowhere, kind, by: .hangzhou)

        #expect(outcome == .invalid("there is no case \(Self.nowhere)"))
        #expect(journal.fold == before)
    }

    @Test("an answer of a city that has no claim in the case is invalid", arguments: CaseAnswer.Kind.allCases)
    func stranger(kind: CaseAnswer.Kind) {
        var journal = CaseJournal()
        let id = journal.contested()
        let before = journal.fold

        let outcome = journal.answer(id, kind, by: .beijing)

        #expect(outcome == .invalid("case \(id) names no claim of city 110000"))
        #expect(journal.fold == before)
    }

    @Test(
        "an answer to a closed case is invalid",
        arguments: [CaseAnswer.Kind.withdraw, .contest, .cofunded, .notDuplicate])
    func closedCase(kind: CaseAnswer.Kind) {
        var journal = CaseJournal()
        let id = journal.contested()
        journal.rule(id, keep: [.hangzhou("A")], out: [.shenzhen("B")])
        let before = journal.fold

        let outcome = journal.answer(id, kind, by: .shenzhen)

        #expect(outcome == .invalid("case \(id) is closed"))
        #expect(journal.fold == before)
    }

    @Test("an appeal of a case that is not closed is invalid", arguments: [ConflictCase.State.open, .escalated])
    func appealOfOpenCase(state: ConflictCase.State) {
        var journal = CaseJournal()
        let id = journal.contested()
        if state == .escalated { journal.tick("2026-06-16") }
        let before = journal.fold

        let outcome = journal.answer(id, .appeal, by: .shenzhen)

        #expect(before.ledger.cases[id]?.state == state)
        #expect(outcome == .invalid("case \(id) is not closed: answer it instead"))
        #expect(journal.fold == before)
    }

    // MARK: Appeals

    @Test("an appeal opens a closed case again, with new time to answer, and all parties are told")
    func appeal() throws {
        var journal = CaseJournal()
        let id = journal.contested()
        journal.rule(id, keep: [.hangzhou("A")], out: [.shenzhen("B")])
        let closed = try #require(journal[id])
        journal.clock = CalendarDate.on("2026-07-01").milliseconds(hour: 9)

        let outcome = journal.answer(id, .appeal, by: .shenzhen, because: "发票不同", evidence: [[7]])

        let reopened = closed.with(state: .open, deadline: .on("2026-07-15"), isAppealed: true)
        var event = CaseEvent(.answered, reopened)
        event.city = .shenzhen
        event.answer = .appeal
        event.text = "发票不同"
        event.evidence = [[7]]
        #expect(outcome == Outcome(decision: .noted, policyVersion: 1, cases: [reopened], events: [event]))
        #expect(journal[id] == reopened)
    }

    @Test("an appeal gives no claim its keys back")
    func appealChangesNoClaim() {
        var journal = CaseJournal()
        let id = journal.contested()
        journal.rule(id, keep: [.hangzhou("A")], out: [.shenzhen("B")])

        journal.answer(id, .appeal, by: .shenzhen)

        #expect([journal.state(of: .hangzhou("A")), journal.state(of: .shenzhen("B"))] == [.reserved, .refused])
    }

    @Test("a case that is open again after an appeal is answered like any other")
    func answerAfterAppeal() {
        var journal = CaseJournal()
        let id = journal.contested()
        journal.rule(id, keep: [.hangzhou("A"), .shenzhen("B")])
        journal.answer(id, .appeal, by: .hangzhou)

        #expect(journal.answer(id, .contest, by: .shenzhen).decision == .noted)
    }

    @Test("a case is appealed once, by whichever city", arguments: [CityCode.hangzhou, .shenzhen])
    func secondAppeal(city: CityCode) {
        var journal = CaseJournal()
        let id = journal.contested()
        journal.rule(id, keep: [.hangzhou("A"), .shenzhen("B")])
        journal.answer(id, .appeal, by: .hangzhou)
        journal.rule(id, keep: [.hangzhou("A"), .shenzhen("B")])
        let before = journal.fold

        let outcome = journal.answer(id, .appeal, by: city)

        #expect(outcome == .invalid("case \(id) was appealed before"))
        #expect(journal.fold == before)
    }

    @Test("a case that the registry opened again can still be appealed, once")
    func appealAfterReopening() {
        var journal = CaseJournal()
        let id = journal.contested()
        let both = [ClaimName.hangzhou("A"), .shenzhen("B")]
        journal.rule(id, keep: both)
        journal.reopen(id)
        journal.rule(id, keep: both)
        let first = journal.answer(id, .appeal, by: .hangzhou)
        journal.rule(id, keep: both)
        journal.reopen(id)
        journal.rule(id, keep: both)
        let second = journal.answer(id, .appeal, by: .hangzhou)

        #expect(first.decision == .noted)
        #expect(second == .invalid("case \(id) was appealed before"))
    }
}
