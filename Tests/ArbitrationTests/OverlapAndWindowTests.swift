import TestSupport
import Testing
import VoucherDomain

@testable import Arbitration

@Suite("Overlapping service")
struct OverlapTests {
    /// A claim for accelerator time under its own contract.
    private func claim(
        _ number: String, _ serial: Int, _ service: DayInterval, contract: String? = nil,
        supplier: CreditCode = .supplier, resource: String = "H20", group: String = ""
    ) -> Claim {
        .sample(
            number, supplier: supplier, contract: contract, service: service, resource: resource,
            invoices: [.serial(serial)], group: group)
    }

    @Test(
        "the same service in overlapping days under another contract is held",
        arguments: [
            DayInterval.june, .days("2026-06-30", "2026-07-31"), .days("2026-06-10", "2026-06-11"),
            .days("2026-01-01", "2026-06-02"), .days("2026-01-01", "2027-01-01"),
        ])
    func overlapping(service: DayInterval) {
        var journal = Journal()
        journal.file(claim("A", 1, .june), in: .hangzhou)

        let outcome = journal.file(claim("B", 2, service), in: .shenzhen)

        #expect(outcome.verdict == Verdict(.held, [.overlapping(service, [.hangzhou("A")])]))
    }

    @Test(
        "the day on which service ends is free for the next contract",
        arguments: [
            DayInterval.july, .days("2026-05-01", "2026-06-01"),
        ])
    func adjacent(service: DayInterval) {
        var journal = Journal()
        journal.file(claim("A", 1, .june), in: .hangzhou)

        #expect(journal.file(claim("B", 2, service), in: .shenzhen).verdict == Verdict(.reserved))
    }

    @Test("every overlapping claim is named and no other")
    func allOverlapping() {
        var journal = Journal()
        journal.file(claim("A", 1, .june), in: .hangzhou)
        journal.file(claim("B", 2, .july), in: .beijing)
        journal.file(claim("C", 3, .days("2026-08-01", "2026-09-01")), in: .hangzhou)
        let service = DayInterval.days("2026-06-30", "2026-07-02")

        let outcome = journal.file(claim("D", 4, service), in: .shenzhen)

        #expect(outcome.verdict == Verdict(.held, [.overlapping(service, [.hangzhou("A"), .beijing("B")])]))
    }

    @Test("claims under one contract do not overlap each other")
    func sameContract() {
        var journal = Journal()
        journal.file(claim("A", 1, .june, contract: "HT-1"), in: .hangzhou)

        let outcome = journal.file(claim("B", 2, .june, contract: "HT-1"), in: .hangzhou)

        #expect(outcome.verdict == Verdict(.reserved))
    }

    @Test("a contract is not another one for the zeros before its number")
    func leadingZeros() {
        var journal = Journal()
        journal.file(claim("A", 1, .june, contract: "007"), in: .hangzhou)

        #expect(journal.file(claim("B", 2, .june, contract: "7"), in: .hangzhou).verdict == Verdict(.reserved))
    }

    @Test("another supplier or resource class, none given, or one co-funding group is no overlap")
    func notTheSameService() {
        var journal = Journal()
        journal.file(claim("A", 1, .june, group: "G"), in: .hangzhou)
        journal.file(claim("B", 2, .june, resource: ""), in: .hangzhou)

        let outcomes = [
            journal.file(claim("C", 3, .june, supplier: .otherSupplier), in: .hangzhou),
            journal.file(claim("D", 4, .june, resource: "910B"), in: .hangzhou),
            journal.file(claim("E", 5, .june, resource: ""), in: .hangzhou),
            journal.file(claim("F", 6, .june, group: "G"), in: .shenzhen),
        ]

        #expect(outcomes.map(\.verdict) == [Verdict](repeating: Verdict(.reserved), count: 4))
    }
}

@Suite("Dates of the voucher and of the programme")
struct WindowTests {
    private static let programme = DayInterval.days("2025-01-01", "2028-01-01")

    /// A journal with a voucher that is valid in June.
    private func journal(programme: String = "算力券", validity: DayInterval = .june) -> Journal {
        var journal = Journal()
        journal.issue(.sample("W", programme: programme, validity: validity), in: .hangzhou)
        return journal
    }

    private func claim(_ service: DayInterval, invoicedOn date: String? = nil) -> Claim {
        .sample("A", voucher: "W", service: service, invoices: [.serial(1, on: date)])
    }

    @Test(
        "service within the voucher's dates is in order to the day",
        arguments: [
            DayInterval.june, .days("2026-06-01", "2026-06-02"), .days("2026-06-30", "2026-07-01"),
        ])
    func serviceInside(service: DayInterval) {
        var journal = journal()

        #expect(journal.file(claim(service), in: .hangzhou).verdict == Verdict(.reserved))
    }

    @Test(
        "service a day before or after the voucher's dates is refused",
        arguments: [
            DayInterval.days("2026-05-31", "2026-06-30"), .days("2026-06-01", "2026-07-02"), .july,
        ])
    func serviceOutside(service: DayInterval) {
        var journal = journal()

        let outcome = journal.file(claim(service), in: .hangzhou)

        #expect(outcome.verdict == Verdict(.refused, [.outOfWindow(.outsideVoucher(.june))]))
    }

    @Test(
        "an invoice must be dated within the voucher's dates, of which the last is excluded",
        arguments: [
            ("2026-06-01", Verdict(.reserved)), ("2026-06-30", Verdict(.reserved)),
            ("2026-05-31", Verdict(.refused, [.outOfWindow(.outsideVoucher(.june))])),
            ("2026-07-01", Verdict(.refused, [.outOfWindow(.outsideVoucher(.june))])),
        ])
    func invoiceDate(date: String, verdict: Verdict) {
        var journal = journal()

        #expect(journal.file(claim(.june, invoicedOn: date), in: .hangzhou).verdict == verdict)
    }

    @Test("service outside the programme's dates is refused although the voucher would allow it")
    func programmeDates() {
        var journal = journal(validity: .days("2024-01-01", "2030-01-01"))

        let outcome = journal.file(claim(.days("2027-12-31", "2028-01-02")), in: .hangzhou)

        #expect(outcome.verdict == Verdict(.refused, [.outOfWindow(.outsideProgramme(Self.programme))]))
    }

    @Test("service outside both is told both")
    func bothWindows() {
        var journal = journal()

        let outcome = journal.file(claim(.days("2028-01-01", "2028-02-01")), in: .hangzhou)

        let reasons: [Reason] = [
            .outOfWindow(.outsideVoucher(.june)), .outOfWindow(.outsideProgramme(Self.programme)),
        ]
        #expect(outcome.verdict == Verdict(.refused, reasons))
    }

    @Test("a programme that the policy does not list has no dates of its own")
    func unlistedProgramme() {
        var journal = journal(programme: "地方券", validity: .days("2024-01-01", "2040-01-01"))

        let outcome = journal.file(claim(.days("2035-01-01", "2035-02-01")), in: .hangzhou)

        #expect(outcome.verdict == Verdict(.reserved))
    }
}
