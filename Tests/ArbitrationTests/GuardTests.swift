import TestSupport
import Testing
import VoucherDomain

@testable import Arbitration

@Suite("What must not fire")
struct GuardTests {
    @Test("monthly invoices on one framework contract in one city are reserved one after the other")
    func frameworkContract() {
        var journal = Journal()

        let verdicts = (1...12).map { month in
            journal.file(
                .sample(
                    "M\(month)", contract: "KJ-2026-1", contractAmount: .yuan(1_200),
                    service: .days("2026-01-01", "2027-01-01"), resource: "H20", invoices: [.serial(month)],
                    receipt: "B\(month)", proof: [UInt8](repeating: UInt8(month), count: 32)),
                in: .hangzhou
            ).verdict
        }

        #expect(verdicts == [Verdict](repeating: Verdict(.reserved), count: 12))
    }

    @Test(
        "a contract that is renewed for the next year is reserved, in the same city or another",
        arguments: [
            CityCode.hangzhou, .shenzhen,
        ])
    func renewal(city: CityCode) {
        var journal = Journal()
        journal.file(
            .sample(
                "A", contract: "HT-2026", service: .days("2026-01-01", "2027-01-01"), resource: "H20",
                invoices: [.serial(1, .yuan(10_000_000))], claimed: .yuan(10_000_000)),
            in: .hangzhou)

        let outcome = journal.file(
            .sample(
                "B", contract: "HT-2027", service: .days("2027-01-01", "2028-01-01"), resource: "H20",
                invoices: [.serial(2, .yuan(10_000_000))], claimed: .yuan(10_000_000)),
            in: city)

        #expect(outcome.verdict == Verdict(.reserved))
    }

    @Test("declared co-funding within the cap is reserved in every city")
    func cofunding() {
        var journal = Journal()

        let verdicts = [CityCode.hangzhou, .shenzhen, .beijing].map { city in
            journal.file(
                .sample(
                    "A", contract: "HT-1", contractAmount: .yuan(90), resource: "H20",
                    invoices: [.serial(1, .yuan(90))], claimed: .yuan(30), receipt: "B1",
                    proof: [UInt8](repeating: 7, count: 32), group: "G"),
                in: city
            ).verdict
        }

        #expect(verdicts == [Verdict](repeating: Verdict(.reserved), count: 3))
    }

    @Test(
        "a claim that is withdrawn and filed again is reserved, in the same city or another",
        arguments: [
            CityCode.hangzhou, .shenzhen,
        ])
    func withdrawnAndFiledAgain(city: CityCode) {
        var journal = Journal()
        let first = Claim.sample(
            "A", contract: "HT-1", resource: "H20", invoices: [.serial(1, .yuan(100), .both)], claimed: .yuan(100),
            receipt: "B1", proof: [UInt8](repeating: 7, count: 32))
        let second = Claim.sample(
            "B", contract: "HT-1", resource: "H20", invoices: [.serial(1, .yuan(100), .both)], claimed: .yuan(100),
            receipt: "B1", proof: [UInt8](repeating: 7, count: 32))
        journal.file(first, in: .hangzhou)
        journal.withdraw("A", in: .hangzhou)

        #expect(journal.file(second, in: city).verdict == Verdict(.reserved))
    }

    @Test("equal amounts on one day are no match")
    func equalAmounts() {
        var journal = Journal()
        journal.file(.sample("A", invoices: [.serial(1, .yuan(100), on: "2026-06-10")]), in: .hangzhou)

        let outcome = journal.file(
            .sample("B", invoices: [.serial(2, .yuan(100), on: "2026-06-10")]), in: .shenzhen)

        #expect(outcome.verdict == Verdict(.reserved))
    }

    @Test("a corrected invoice in place of a reversed one is another invoice")
    func correctedInvoice() {
        var journal = Journal()
        journal.file(.sample("A", contract: "HT-1", invoices: [.serial(1)], receipt: "B1"), in: .hangzhou)
        journal.withdraw("A", in: .hangzhou)

        let outcome = journal.file(
            .sample("B", contract: "HT-1", invoices: [.serial(2)], receipt: "B1"), in: .hangzhou)

        #expect(outcome.verdict == Verdict(.reserved))
    }
}
