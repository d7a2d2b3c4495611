import TestSupport
import Testing
import VoucherDomain

@testable import Arbitration

@Suite("Rules about how much fits under a key")
struct CapRuleTests {
    // MARK: enterprise-year-cap

    /// One claim of that many yuan, for service in that interval.
    private func claim(_ number: String, _ serial: Int, _ amount: Money, _ service: DayInterval) -> Claim {
        .sample(number, service: service, invoices: [.serial(serial, amount)], claimed: amount)
    }

    @Test("an enterprise's year is capped over all cities")
    func yearCap() {
        var journal = Journal()
        journal.file(claim("A", 1, .yuan(6_000_000), .june), in: .hangzhou)

        let full = journal.file(claim("B", 2, .yuan(4_000_000), .july), in: .shenzhen)
        let over = journal.file(claim("C", 3, .yuan(0, fen: 1), .july), in: .beijing)

        #expect(full.verdict == Verdict(.reserved))
        let reason = Reason.over(
            .enterpriseYear, used: .yuan(10_000_000), adding: .yuan(0, fen: 1), capacity: .yuan(10_000_000),
            by: [.hangzhou("A"), .shenzhen("B")])
        #expect(over.verdict == Verdict(.refused, [reason]))
    }

    @Test(
        "the programme year is the calendar year in which service begins",
        arguments: [
            (DayInterval.days("2025-12-31", "2026-12-31"), Outcome.Decision.refused),
            (.days("2026-01-01", "2026-01-02"), .reserved), (.days("2025-01-01", "2025-01-02"), .refused),
        ])
    func serviceYear(service: DayInterval, decision: Outcome.Decision) {
        var journal = Journal()
        journal.file(claim("A", 1, .yuan(10_000_000), .days("2025-06-01", "2025-07-01")), in: .hangzhou)

        #expect(journal.file(claim("B", 2, .yuan(1), service), in: .shenzhen).decision == decision)
    }

    @Test("the yearly cap counts each enterprise by itself")
    func yearCapPerEnterprise() {
        var journal = Journal()
        journal.file(claim("A", 1, .yuan(10_000_000), .june), in: .hangzhou)

        let outcome = journal.file(
            .sample("B", voucher: "V3", buyer: .otherBuyer, invoices: [.serial(2, .yuan(100))]), in: .hangzhou)

        #expect(outcome.verdict == Verdict(.reserved))
    }

    @Test("a lower yearly cap binds the claims that are filed after it was published")
    func loweredCap() {
        var journal = Journal()
        journal.file(claim("A", 1, .yuan(4_000_000), .june), in: .hangzhou)
        journal.publish(.sample(version: 2, yearCap: .yuan(5_000_000)))

        #expect(journal.file(claim("B", 2, .yuan(2_000_000), .june), in: .shenzhen).decision == .refused)
    }

    @Test("a higher yearly cap admits the claims that are filed after it was published")
    func raisedCap() {
        var journal = Journal()
        journal.file(claim("A", 1, .yuan(10_000_000), .june), in: .hangzhou)
        journal.publish(.sample(version: 2, yearCap: .yuan(12_000_000)))

        #expect(journal.file(claim("B", 2, .yuan(2_000_000), .june), in: .shenzhen).decision == .reserved)
    }

    // MARK: stack-cap

    @Test(
        "co-funded claims may add up to the whole invoice and no further",
        arguments: [
            (Money.yuan(40), Verdict(.reserved)),
            (
                .yuan(40, fen: 1),
                Verdict(
                    .refused,
                    [
                        .over(
                            .invoice, used: .yuan(60), adding: .yuan(40, fen: 1), capacity: .yuan(100),
                            by: [.hangzhou("A")])
                    ])
            ),
        ])
    func stackCap(claimed: Money, verdict: Verdict) {
        var journal = Journal()
        journal.file(
            .sample("A", contract: "HT-1", invoices: [.serial(1)], claimed: .yuan(60), group: "G"), in: .hangzhou)

        let outcome = journal.file(
            .sample("B", contract: "HT-1", invoices: [.serial(1)], claimed: claimed, group: "G"), in: .shenzhen)

        #expect(outcome.verdict == verdict)
    }

    @Test("a claim above its own invoice fails alone")
    func moreThanTheInvoice() {
        var journal = Journal()

        let outcome = journal.file(.sample("A", invoices: [.serial(1)], claimed: .yuan(101)), in: .hangzhou)

        let reason = Reason.over(.invoice, used: .zero, adding: .yuan(101), capacity: .yuan(100))
        #expect(outcome.verdict == Verdict(.refused, [reason]))
    }

    @Test("a claim's amount falls on its invoices by their amounts")
    func apportioned() {
        var journal = Journal()
        let invoices: [Claim.Invoice] = [.serial(1, .yuan(100)), .serial(2, .yuan(200))]
        journal.file(.sample("A", invoices: invoices, claimed: .yuan(90), group: "G"), in: .hangzhou)

        let over = journal.file(
            .sample("B", invoices: [.serial(1, .yuan(100))], claimed: .yuan(71), group: "G"), in: .shenzhen)
        let full = journal.file(
            .sample("C", invoices: [.serial(1, .yuan(100))], claimed: .yuan(70), group: "G"), in: .shenzhen)

        let reason = Reason.over(
            .invoice, used: .yuan(30), adding: .yuan(71), capacity: .yuan(100), by: [.hangzhou("A")])
        #expect(over.verdict == Verdict(.refused, [reason]))
        #expect(full.verdict == Verdict(.reserved))
    }

    @Test("another amount for a known invoice is flagged and the first one stands")
    func invoiceAmountDiffers() {
        var journal = Journal()
        journal.file(.sample("A", invoices: [.serial(1, .yuan(100))], group: "G"), in: .hangzhou)

        let outcome = journal.file(
            .sample("B", invoices: [.serial(1, .yuan(300))], claimed: .yuan(91), group: "G"), in: .shenzhen)

        let reasons: [Reason] = [
            .differs(.invoice, stated: .yuan(300), standing: .yuan(100)),
            .over(.invoice, used: .yuan(10), adding: .yuan(91), capacity: .yuan(100), by: [.hangzhou("A")]),
        ]
        #expect(outcome.verdict == Verdict(.refused, reasons))
    }

    @Test("shares that reach one invoice under different names are capped together")
    func stackCapOverAliases() {
        var journal = Journal()
        let namings: [Claim.Invoice.Naming] = [.digital, .both, .paper]
        let decisions = zip(["A", "B", "C"], namings).map { number, naming in
            journal.file(
                .sample(
                    number, contract: "HT-1", invoices: [.serial(1, .yuan(100), naming)], claimed: .yuan(50),
                    group: "G"),
                in: .hangzhou
            ).decision
        }

        #expect(decisions == [.reserved, .reserved, .refused])
    }
}
