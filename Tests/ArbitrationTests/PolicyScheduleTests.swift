import TestSupport
import Testing
import VoucherDomain

@testable import Arbitration

@Suite("Policies that are published ahead of their time")
struct PolicyScheduleTests {
    /// A fold with policy 1 in force and voucher `V1`; entries are appended at the next position.
    private struct Journal {
        var fold = Fold()
        var position: Int64 = 0

        init() {
            publish(1)
            append(.voucherIssued(.sample("V1")), in: .shenzhen)
        }

        @discardableResult
        mutating func append(_ content: JournalEntry.Content, in city: CityCode = .registry) -> Outcome {
            position += 1
            return fold.apply(.sample(position: position, city: city, content))
        }

        @discardableResult
        mutating func publish(_ version: UInt32, _ effective: Policy.Effective? = nil) -> Outcome {
            append(
                .policyPublished(
                    Policy(
                        version: version, programmes: Policy.Programme.samples,
                        rules: Rule.samples(yearCap: .yuan(10_000_000)), effective: effective)))
        }

        /// The policy that a claim filed now is decided under.
        mutating func version() -> UInt32 {
            let claim = Claim.sample("C\(position)", invoices: [.serial(Int(position))])
            return append(.claimFiled(claim), in: .shenzhen).policyVersion
        }

        mutating func tick(_ day: String) {
            let date = valid(CalendarDate(day))
            append(.ticked(Tick(wallMilliseconds: Int64(date.rawValue) * 86_400_000)))
        }
    }

    @Test("one with a position binds from that position on, and not before")
    func position() {
        var journal = Journal()
        journal.publish(2, .init(fromPosition: 6))

        #expect([journal.version(), journal.version(), journal.version(), journal.version()] == [1, 1, 2, 2])
    }

    @Test("one with a day binds after the first tick of that day")
    func day() {
        var journal = Journal()
        let outcome = journal.publish(2, .init(fromDate: CalendarDate("2026-07-01")))
        journal.tick("2026-06-30")
        let before = journal.version()
        journal.tick("2026-07-02")

        #expect(outcome.decision == .noted)
        #expect(outcome.policyVersion == 1)
        #expect([before, journal.version()] == [1, 2])
    }

    @Test("of several whose time has come the newest binds; one that was overtaken never does")
    func overtaken() {
        var journal = Journal()
        journal.publish(2, .init(fromDate: CalendarDate("2026-07-01")))
        journal.publish(3, .init(fromPosition: 6))
        let versions = [journal.version(), journal.version()]
        journal.tick("2026-07-01")

        #expect(versions == [1, 3])
        #expect(journal.version() == 3)
        #expect(journal.fold.ledger.scheduled == [])
    }

    @Test("a version must be above those that wait, too")
    func versions() {
        var journal = Journal()
        journal.publish(3, .init(fromPosition: 100))

        #expect(journal.publish(2).decision == .invalid)
        #expect(journal.publish(3).decision == .invalid)
        #expect(journal.publish(4).decision == .noted)
        #expect(journal.version() == 4)
        #expect(journal.fold.ledger.scheduled == [])
    }

    @Test("the first policy binds at once, whatever it says; what names no time or two is no policy")
    func first() {
        var fold = Fold()
        let policy = Policy(version: 1, programmes: [], rules: [], effective: .init(fromPosition: 50))
        _ = fold.apply(.sample(position: 1, city: .registry, .policyPublished(policy)))

        #expect(fold.ledger.policy?.version == 1)
        for effective in [
            Policy.Effective(), .init(fromPosition: 0), .init(fromPosition: 1, fromDate: CalendarDate("2026-07-01")),
        ] {
            #expect(!Policy(version: 1, programmes: [], rules: [], effective: effective).faults.isEmpty)
        }
    }
}
