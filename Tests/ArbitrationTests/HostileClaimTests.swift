import TestSupport
import Testing
import VoucherDomain

@testable import Arbitration

/// Claims at the edge of what a node may file: either their own check finds a fault, or the fold can take them.
@Suite("Claims at the limits")
struct HostileClaimTests {
    @Test("identifiers of the longest allowed characters are faulty or can be folded")
    func longIdentifiers() async {
        await #expect(processExitsWith: .success) {
            let long = String(repeating: "\u{20000}", count: 64)
            let claim = Claim.sample(
                "A", voucher: long, contract: long, resource: long, invoices: [.serial(1)], receipt: long)
            if claim.fault == nil {
                var journal = Journal()
                journal.file(claim, in: .hangzhou)
            }
        }
    }

    @Test("service at either end of time is faulty or can be folded")
    func farDates() async {
        await #expect(processExitsWith: .success) {
            for day in [Int32.min, Int32.max - 1] {
                let service = valid(
                    DayInterval(from: CalendarDate(rawValue: day), until: CalendarDate(rawValue: day + 1)))
                let claim = Claim.sample("A\(day.magnitude)", service: service, invoices: [.serial(1)])
                if claim.fault == nil {
                    var journal = Journal()
                    journal.file(claim, in: .hangzhou)
                }
            }
        }
    }

    @Test("a fixed capacity whose allowance does not fit 64 bits is faulty or can be folded")
    func hugeCapacity() async {
        await #expect(processExitsWith: .success) {
            let rule = Rule(
                id: "year", pattern: "D09", primitive: .cap, keys: [.enterpriseYear], amount: .claimed,
                capacity: .fixed, capacityFen: .max, permille: 100_000, outcome: .block)
            if rule.fault == nil {
                var journal = Journal()
                journal.publish(Policy(version: 2, programmes: [], rules: [rule]))
                journal.file(.sample("A", invoices: [.serial(1)]), in: .hangzhou)
            }
        }
    }
}
