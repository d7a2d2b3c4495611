import TestSupport
import Testing
import VoucherDomain

@testable import Arbitration

@Suite("Vouchers and their balance")
struct VoucherRuleTests {
    /// A journal with a voucher of 100 yuan beside the usual ones.
    private func journalWithSmallVoucher() -> Journal {
        var journal = Journal()
        journal.issue(.sample("S", faceValue: .yuan(100)), in: .hangzhou)
        return journal
    }

    @Test(
        "claims may use a voucher up to its face value and no further",
        arguments: [
            (Money.yuan(40), Verdict(.reserved)),
            (
                .yuan(40, fen: 1),
                Verdict(
                    .refused,
                    [
                        .over(
                            .voucher, used: .yuan(60), adding: .yuan(40, fen: 1), capacity: .yuan(100),
                            by: [.hangzhou("A")])
                    ])
            ),
        ])
    func balance(claimed: Money, verdict: Verdict) {
        var journal = journalWithSmallVoucher()
        journal.file(.sample("A", voucher: "S", invoices: [.serial(1)], claimed: .yuan(60)), in: .hangzhou)

        let outcome = journal.file(
            .sample("B", voucher: "S", invoices: [.serial(2)], claimed: claimed), in: .hangzhou)

        #expect(outcome.verdict == verdict)
    }

    @Test("a voucher that no city issued is refused")
    func unknownVoucher() {
        var journal = Journal()

        let outcome = journal.file(.sample("A", voucher: "V9", invoices: [.serial(1)]), in: .hangzhou)

        #expect(outcome.verdict == Verdict(.refused, [.voucher(.unknownVoucher)]))
    }

    @Test("a voucher is unknown in every city but its own")
    func voucherOfAnotherCity() {
        var journal = journalWithSmallVoucher()

        let outcome = journal.file(.sample("A", voucher: "S", invoices: [.serial(1)]), in: .shenzhen)

        #expect(outcome.verdict == Verdict(.refused, [.voucher(.unknownVoucher)]))
    }

    @Test("one serial in two cities is two vouchers with a balance each")
    func sameSerialInTwoCities() {
        var journal = journalWithSmallVoucher()
        journal.issue(.sample("S", faceValue: .yuan(100)), in: .shenzhen)
        journal.file(.sample("A", voucher: "S", invoices: [.serial(1)], claimed: .yuan(100)), in: .hangzhou)

        let outcome = journal.file(
            .sample("B", voucher: "S", invoices: [.serial(2)], claimed: .yuan(100)), in: .shenzhen)

        #expect(outcome.verdict == Verdict(.reserved))
    }

    @Test("a voucher of another enterprise is refused")
    func voucherOfAnotherEnterprise() {
        var journal = Journal()

        let outcome = journal.file(.sample("A", voucher: "V3", invoices: [.serial(1)]), in: .hangzhou)

        #expect(outcome.verdict == Verdict(.refused, [.voucher(.otherEnterprise)]))
    }

    @Test("the same voucher issued again changes nothing")
    func issuedAgain() {
        var journal = Journal()
        let before = journal.fold

        let outcome = journal.issue(.sample("V1"), in: .hangzhou)

        #expect(outcome == Outcome(decision: .unchanged, policyVersion: 1))
        #expect(journal.fold == before)
    }

    @Test(
        "a serial that is reused with other content is refused and the first voucher stands",
        arguments: [
            Voucher.sample("V1", for: .otherBuyer), .sample("V1", programme: "模型券"),
            .sample("V1", faceValue: .yuan(1)), .sample("V1", validity: .june),
        ])
    func serialReused(voucher: Voucher) {
        var journal = Journal()
        let before = journal.fold

        let outcome = journal.issue(voucher, in: .hangzhou)

        #expect(
            outcome == Outcome(decision: .refused, reasons: [.voucher(.voucherReused)], policyVersion: 1))
        #expect(journal.fold == before)
    }
}
