import Foundation
import TestSupport
import Testing
import VoucherDomain

@testable import Arbitration

@Suite("How long a case may take")
struct CaseDeadlineTests {
    // MARK: The last day to answer

    /// A moment in China and the last day of the working days after it.
    struct Span: Hashable, Sendable {
        let day: String
        let hour: Int64
        let minute: Int64
        let workingDays: Int64
        let deadline: String

        init(_ day: String, _ hour: Int64 = 12, _ minute: Int64 = 0, workingDays: Int64, until deadline: String) {
            self.day = day
            self.hour = hour
            self.minute = minute
            self.workingDays = workingDays
            self.deadline = deadline
        }
    }

    private func deadline(of span: Span, holidays: [String] = []) -> CalendarDate? {
        let terms = CaseTerms(answerWorkingDays: span.workingDays, holidays: holidays.map(CalendarDate.on))
        var journal = CaseJournal(terms)
        journal.clock = CalendarDate.on(span.day).milliseconds(hour: span.hour, minute: span.minute)
        let id = journal.contested()
        return journal[id]?.deadline
    }

    @Test(
        "the day of the filing does not count, nor do Saturdays and Sundays",
        arguments: [
            Span("2026-06-01", workingDays: 1, until: "2026-06-02"),
            Span("2026-06-04", workingDays: 1, until: "2026-06-05"),
            Span("2026-06-05", workingDays: 1, until: "2026-06-08"),
            Span("2026-06-06", workingDays: 1, until: "2026-06-08"),
            Span("2026-06-07", workingDays: 1, until: "2026-06-08"),
            Span("2026-06-01", workingDays: 5, until: "2026-06-08"),
            Span("2026-06-01", workingDays: 10, until: "2026-06-15"),
            Span("2026-06-06", workingDays: 10, until: "2026-06-19"),
            Span("2026-12-31", workingDays: 2, until: "2027-01-04"),
            Span("2028-02-28", workingDays: 1, until: "2028-02-29"),
        ])
    func weekends(span: Span) {
        #expect(deadline(of: span) == .on(span.deadline))
    }

    @Test(
        "holidays do not count, and one on a weekend takes nothing more",
        arguments: [
            (Span("2026-06-18", workingDays: 1, until: "2026-06-22"), ["2026-06-19"]),
            (Span("2026-06-19", workingDays: 1, until: "2026-06-22"), ["2026-06-19"]),
            (Span("2026-06-19", workingDays: 1, until: "2026-06-22"), ["2026-06-20", "2026-06-21"]),
            (Span("2026-06-19", workingDays: 1, until: "2026-06-23"), ["2026-06-22", "2026-06-22"]),
            (
                Span("2026-09-30", workingDays: 2, until: "2026-10-09"),
                (1...7).map { "2026-10-0\($0)" }
            ),
        ])
    func holidays(span: Span, holidays: [String]) {
        #expect(deadline(of: span, holidays: holidays) == .on(span.deadline))
    }

    @Test(
        "the day is China's, which begins at 16:00 UTC",
        arguments: [
            Span("2026-06-01", 0, 0, workingDays: 1, until: "2026-06-02"),
            Span("2026-06-01", 23, 59, workingDays: 1, until: "2026-06-02"),
            Span("2026-06-01", 24, 0, workingDays: 1, until: "2026-06-03"),
            Span("2026-06-05", 24, 0, workingDays: 1, until: "2026-06-08"),
            Span("2026-06-07", 24, 0, workingDays: 1, until: "2026-06-09"),
        ])
    func midnight(span: Span) {
        #expect(deadline(of: span) == .on(span.deadline))
    }

    @Test(
        "a day in China, also of a time before 1970",
        arguments: [
            (0, "1970-01-01"), (57_599_999, "1970-01-01"), (57_600_000, "1970-01-02"), (-1, "1970-01-01"),
            (-28_800_000, "1970-01-01"), (-28_800_001, "1969-12-31"), (-115_200_000, "1969-12-31"),
            (-115_200_001, "1969-12-30"),
        ] as [(Int64, String)])
    func daysInChina(milliseconds: Int64, day: String) {
        #expect(CalendarDate.inChina(milliseconds: milliseconds) == .on(day))
        #expect(Tick(wallMilliseconds: milliseconds).day == .on(day))
    }

    @Test(
        "weekends before 1970 are weekends, too",
        arguments: [
            Span("1969-12-26", workingDays: 1, until: "1969-12-29"),
            Span("1969-12-26", workingDays: 4, until: "1970-01-01"),
            Span("1969-12-31", workingDays: 1, until: "1970-01-01"),
            Span("1970-01-01", workingDays: 2, until: "1970-01-05"),
        ])
    func before1970(span: Span) {
        #expect(deadline(of: span) == .on(span.deadline))
    }

    @Test("an answer moves no deadline, and a later policy only those of later cases")
    func deadlineStays() {
        var journal = CaseJournal()
        let id = journal.contested()
        journal.publish(CaseTerms(answerWorkingDays: 1), version: 2)
        journal.clock = CalendarDate.on("2026-06-03").milliseconds(hour: 9)
        journal.answer(id, .contest, by: .hangzhou)
        let later = journal.file(.sample("C", invoices: [.serial(3)], receipt: "R1"), in: .beijing)

        #expect(journal[id]?.deadline == .on("2026-06-15"))
        #expect(later.cases.map(\.deadline) == [.on("2026-06-04")])
    }

    // MARK: Escalation

    @Test("a tick on the last day escalates nothing", arguments: [0, 23] as [Int64])
    func onTheDay(hour: Int64) {
        var journal = CaseJournal()
        let id = journal.contested()

        let outcome = journal.tick("2026-06-15", hour: hour)

        #expect(outcome == Outcome(decision: .noted, policyVersion: 1))
        #expect(journal[id]?.state == .open)
    }

    @Test("a tick after the last day escalates the case and tells all parties, once", arguments: ["16", "30"])
    func afterTheDay(day: String) throws {
        var journal = CaseJournal()
        let id = journal.contested()
        let conflict = try #require(journal[id])

        let first = journal.tick("2026-06-\(day)", hour: 0)
        let second = journal.tick("2026-07-01")

        let escalated = conflict.with(state: .escalated)
        let expected = Outcome(
            decision: .noted, policyVersion: 1, cases: [escalated], events: [CaseEvent(.escalated, escalated)])
        #expect(first == expected)
        #expect(second == Outcome(decision: .noted, policyVersion: 1))
        #expect(journal[id] == escalated)
        #expect(journal.state(of: .shenzhen("B")) == .held)
    }

    @Test("a tick escalates every case that is due in the order in which they were opened, and no other")
    func severalCases() throws {
        var journal = CaseJournal()
        let (first, second) = journal.contestedTwice()
        journal.clock = CalendarDate.on("2026-06-02").milliseconds(hour: 9)
        journal.file(.sample("D", invoices: [.serial(4)], receipt: "R2"), in: .hangzhou)
        let later = journal.file(.sample("E", invoices: [.serial(5)], receipt: "R2"), in: .beijing)
        let third = try #require(later.caseID)

        let outcome = journal.tick("2026-06-16")

        #expect(outcome.cases.map(\.id) == [first, second])
        #expect(outcome.events.map(\.caseID) == [first, second])
        #expect(journal[third]?.state == .open)
    }

    @Test("a closed case is not escalated")
    func closedCase() {
        var journal = CaseJournal()
        let id = journal.contested()
        journal.rule(id, keep: [.hangzhou("A"), .shenzhen("B")])

        let outcome = journal.tick("2026-06-16")

        #expect(outcome.cases == [] && outcome.events == [])
        #expect(journal[id]?.state == .closed)
    }

    @Test("an escalated case can still be answered, and stays escalated")
    func answered() {
        var journal = CaseJournal()
        let id = journal.contested()
        journal.tick("2026-06-16")

        let outcome = journal.answer(id, .contest, by: .hangzhou)

        #expect(outcome.decision == .noted)
        #expect(outcome.events.map(\.kind) == [.answered])
        #expect(journal[id]?.state == .escalated)
    }

    @Test("an escalated case is ruled on like an open one")
    func ruled() {
        var journal = CaseJournal()
        let id = journal.contested()
        journal.tick("2026-06-16")

        let outcome = journal.rule(id, keep: [.hangzhou("A")], out: [.shenzhen("B")], .noResponse)

        #expect(outcome.events.map(\.kind) == [.ruled])
        #expect(outcome.events.map(\.code) == [.noResponse])
        #expect(journal[id]?.state == .closed)
    }

    @Test("a case that was opened again is escalated after its new deadline", arguments: [true, false])
    func reopened(byAppeal: Bool) {
        var journal = CaseJournal()
        let id = journal.contested()
        journal.tick("2026-06-16")
        journal.rule(id, keep: [.hangzhou("A"), .shenzhen("B")])
        if byAppeal { journal.answer(id, .appeal, by: .hangzhou) } else { journal.reopen(id) }
        let deadline = journal[id]?.deadline

        let onTheDay = journal.tick("2026-06-30")
        let after = journal.tick("2026-07-01")

        #expect(deadline == .on("2026-06-30"))
        #expect(onTheDay.cases == [])
        #expect(after.cases.map(\.state) == [.escalated])
    }

    // MARK: The policy

    private func policy(cases: String) throws -> Policy {
        let document = #"{"version":1,"programmes":[],"rules":[]"# + cases + "}"
        return try JSONDecoder().decode(Policy.self, from: Data(document.utf8))
    }

    private static let usual = CaseTerms(answerWorkingDays: 10, twoPersonFen: 100_000_000, holidays: [])

    @Test(
        "what a policy file does not say of cases is as usual: ten working days, one million yuan, no holidays",
        arguments: [
            ("", usual), (#","cases":{}"#, usual),
            (#","cases":{"answer_working_days":5}"#, CaseTerms(answerWorkingDays: 5)),
            (#","cases":{"two_person_fen":0}"#, CaseTerms(twoPersonFen: 0)),
            (#","cases":{"holidays":["2026-10-01"]}"#, CaseTerms(holidays: [.on("2026-10-01")])),
            (
                #","cases":{"answer_working_days":3,"two_person_fen":7,"holidays":["2026-10-01","2026-10-02"]}"#,
                CaseTerms(answerWorkingDays: 3, twoPersonFen: 7, holidays: [.on("2026-10-01"), .on("2026-10-02")])
            ),
        ])
    func decoding(text: String, terms: CaseTerms) throws {
        let policy = try policy(cases: text)

        #expect(policy.cases == terms)
        #expect(policy.faults == [])
    }

    @Test("terms that are written and read again are the same")
    func roundTrip() throws {
        let terms = CaseTerms(answerWorkingDays: 3, twoPersonFen: 7, holidays: [.on("2026-10-01")])
        let policy = Policy(version: 1, programmes: [], rules: [], cases: terms)

        #expect(try JSONDecoder().decode(Policy.self, from: JSONEncoder().encode(policy)) == policy)
    }

    @Test(
        "terms that are no terms cannot be read",
        arguments: [
            #","cases":{"holidays":["2026-02-30"]}"#, #","cases":{"holidays":"2026-10-01"}"#,
            #","cases":{"answer_working_days":"ten"}"#, #","cases":{"two_person_fen":1.5}"#, #","cases":[]"#,
        ])
    func unreadable(text: String) {
        #expect(throws: DecodingError.self) { try policy(cases: text) }
    }

    @Test(
        "numbers that make no sense are named among the policy's faults",
        arguments: [
            (CaseTerms(answerWorkingDays: 1), []), (CaseTerms(answerWorkingDays: 250), []),
            (CaseTerms(twoPersonFen: 0), []),
            (CaseTerms(answerWorkingDays: 0), ["cases: answer_working_days is 1 to 250"]),
            (CaseTerms(answerWorkingDays: -1), ["cases: answer_working_days is 1 to 250"]),
            (CaseTerms(answerWorkingDays: 251), ["cases: answer_working_days is 1 to 250"]),
            (CaseTerms(twoPersonFen: -1), ["cases: two_person_fen is not below zero"]),
        ] as [(CaseTerms, [String])])
    func faults(terms: CaseTerms, faults: [String]) {
        #expect(Policy(version: 1, programmes: [], rules: [], cases: terms).faults == faults)
    }
}
