import TestSupport
import Testing
import VoucherDomain

@testable import Arbitration

/// A file in which one bank receipt stands in every row opens a case for nearly every row, all due on one day.
@Suite("How many cases one entry tells of")
struct NoticeRoomTests {
    private static let claims = Fold.mostCasesTold + 100

    /// Files claims with one bank receipt, in these cities by turns: all but the first are held, and name the first.
    private func journal(in cities: [CityCode] = [.hangzhou]) -> CaseJournal {
        var journal = CaseJournal()
        for number in 0..<Self.claims {
            let claim = Claim.sample("C\(number)", invoices: [.serial(number + 1)], receipt: "R1")
            journal.file(claim, in: cities[number % cities.count])
        }
        return journal
    }

    private func untold(_ journal: CaseJournal) -> Int {
        journal.fold.ledger.cases.values.filter { $0.untold != nil }.count
    }

    @Test("a tick escalates as many cases as there is room for, the first ones first, and the next tick the others")
    func dueCases() {
        var journal = journal()

        let ticks = (0..<3).map { _ in journal.tick("2026-06-16").cases.map(\.position) }

        #expect(ticks.map(\.count) == [Fold.mostCasesTold, 99, 0])
        #expect(ticks.flatMap { $0 } == ticks.flatMap { $0 }.sorted())
        #expect(journal.fold.ledger.cases.values.allSatisfy { $0.state == .escalated })
    }

    @Test("cases that are due earlier come first, whenever they were opened")
    func earlierDeadlines() throws {
        var journal = journal()
        let last = try #require(journal.fold.ledger.cases.values.max { $0.position < $1.position }).id
        journal.rule(last, keep: try #require(journal[last]).parties.map(\.claim))
        journal.publish(CaseTerms(answerWorkingDays: 1), version: 2)
        journal.reopen(last)

        let outcome = journal.tick("2026-06-16")

        #expect(outcome.cases.count == Fold.mostCasesTold)
        #expect(outcome.cases.last?.id == last)
    }

    @Test("what two cities are told takes twice the room, which is passed by one case at most")
    func bytes() {
        var journal = journal(in: [.hangzhou, .shenzhen])

        let outcome = journal.tick("2026-06-16")

        #expect(outcome.cases.count < Fold.mostCasesTold)
        let size = outcome.cases.map(\.noticeBytes).reduce(0, +)
        #expect(size >= NoticeRoom.bytes)
        #expect(size - (outcome.cases.last?.noticeBytes ?? 0) < NoticeRoom.bytes)
    }

    @Test("a claim in very many cases leaves all of them at once; the next tick tells of those without room")
    func leftCases() {
        var journal = journal()

        let outcome = journal.withdraw(.hangzhou("C0"))
        let waiting = untold(journal)
        let tick = journal.tick("2026-06-02")

        #expect(outcome.cases.count == Self.claims - 1)
        #expect(outcome.events.count == Self.claims - 1)
        #expect(outcome.cases.allSatisfy { !$0.live.contains(.hangzhou("C0")) })
        #expect(outcome.events.filter { $0.reach == .all }.count == Fold.mostCasesTold)
        #expect(waiting == 99)
        #expect(tick.events.map(\.kind) == [CaseEvent.Kind](repeating: .left, count: 99))
        #expect(tick.events.allSatisfy { $0.reach == .cities })
        #expect(untold(journal) == 0)
        #expect(journal.tick("2026-06-02").events == [])
    }

    @Test("what was told of a case meanwhile is not told again")
    func toldMeanwhile() throws {
        var journal = journal()
        let last = try #require(journal.withdraw(.hangzhou("C0")).events.last).caseID

        journal.answer(last, .contest, by: .hangzhou)
        let tick = journal.tick("2026-06-02")

        #expect(tick.events.count == 98)
        #expect(!tick.events.contains { $0.caseID == last })
    }
}
