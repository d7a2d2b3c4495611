import TestSupport
import Testing
import VoucherDomain

@testable import Arbitration

@Suite("The sum of invoices within a contract")
struct ContractSumTests {
    /// A claim of one yuan on one contract of 1,000 yuan.
    private func claim(
        _ number: String, _ invoice: Claim.Invoice, amount: Money = .yuan(1_000), contract: String = "HT-1",
        group: String = ""
    ) -> Claim {
        .sample(
            number, contract: contract, contractAmount: amount, invoices: [invoice], claimed: .yuan(1),
            group: group)
    }

    @Test(
        "invoices may pass their contract by half a percent exactly",
        arguments: [
            (Money.yuan(405), Verdict(.reserved)),
            (
                .yuan(405, fen: 1),
                Verdict(
                    .refused,
                    [
                        .over(
                            .contract, used: .yuan(600), adding: .yuan(405, fen: 1), capacity: .yuan(1_005),
                            by: [.hangzhou("A")])
                    ])
            ),
        ])
    func permilleBoundary(amount: Money, verdict: Verdict) {
        var journal = Journal()
        journal.file(claim("A", .serial(1, .yuan(600))), in: .hangzhou)

        #expect(journal.file(claim("B", .serial(2, amount)), in: .hangzhou).verdict == verdict)
    }

    @Test("a capacity that is no whole number of fen is rounded down")
    func roundedCapacity() {
        var journal = Journal()

        let outcome = journal.file(
            claim("A", .serial(1, .yuan(10, fen: 11)), amount: .yuan(10, fen: 5)), in: .hangzhou)

        let reason = Reason.over(.contract, used: .zero, adding: .yuan(10, fen: 11), capacity: .yuan(10, fen: 10))
        #expect(outcome.verdict == Verdict(.refused, [reason]))
    }

    @Test("the invoices of one claim are counted together")
    func invoicesOfOneClaim() {
        var journal = Journal()

        let outcome = journal.file(
            .sample(
                "A", contractAmount: .yuan(1_000), invoices: [.serial(1, .yuan(600)), .serial(2, .yuan(500))]),
            in: .hangzhou)

        let reason = Reason.over(.contract, used: .zero, adding: .yuan(1_100), capacity: .yuan(1_005))
        #expect(outcome.verdict == Verdict(.refused, [reason]))
    }

    @Test(
        "a co-funded invoice counts once, however many claims name it",
        arguments: [
            (Money.yuan(5), Verdict(.reserved)),
            (
                .yuan(6),
                Verdict(
                    .refused,
                    [
                        .over(
                            .contract, used: .yuan(1_000), adding: .yuan(6), capacity: .yuan(1_005),
                            by: [.hangzhou("A"), .shenzhen("B")])
                    ])
            ),
        ])
    func cofundedOnce(amount: Money, verdict: Verdict) {
        var journal = Journal()
        journal.file(claim("A", .serial(1, .yuan(1_000)), group: "G"), in: .hangzhou)
        journal.file(claim("B", .serial(1, .yuan(1_000)), group: "G"), in: .shenzhen)

        #expect(journal.file(claim("C", .serial(2, amount), group: "G"), in: .beijing).verdict == verdict)
    }

    @Test(
        "a co-funded invoice counts once under whichever of its names each claim states it",
        arguments: [
            (Claim.Invoice.Naming.both, Claim.Invoice.Naming.paper), (.paper, .both), (.both, .digital),
            (.digital, .both),
        ])
    func cofundedOnceByAlias(first: Claim.Invoice.Naming, second: Claim.Invoice.Naming) {
        var journal = Journal()
        journal.file(claim("A", .serial(1, .yuan(1_000), first), group: "G"), in: .hangzhou)

        let outcome = journal.file(claim("B", .serial(1, .yuan(1_000), second), group: "G"), in: .shenzhen)

        #expect(outcome.verdict == Verdict(.reserved))
    }

    @Test("a co-funded invoice that is stated larger counts by its largest amount")
    func largerStatement() {
        var journal = Journal()
        journal.file(claim("A", .serial(1, .yuan(900)), group: "G"), in: .hangzhou)

        let outcome = journal.file(claim("B", .serial(1, .yuan(1_006)), group: "G"), in: .shenzhen)

        let reasons: [Reason] = [
            .over(.contract, used: .yuan(900), adding: .yuan(106), capacity: .yuan(1_005), by: [.hangzhou("A")]),
            .differs(.invoice, stated: .yuan(1_006), standing: .yuan(900)),
        ]
        #expect(outcome.verdict == Verdict(.refused, reasons))
    }

    @Test("another amount for a known contract is flagged")
    func contractAmountDiffers() {
        var journal = Journal()
        journal.file(claim("A", .serial(1, .yuan(600))), in: .hangzhou)

        let outcome = journal.file(claim("B", .serial(2, .yuan(405)), amount: .yuan(2_000)), in: .hangzhou)

        #expect(
            outcome.verdict == Verdict(.reserved, [.differs(.contract, stated: .yuan(2_010), standing: .yuan(1_005))]))
    }

    @Test("the contract amount that was stated first stands")
    func firstStatementStands() {
        var journal = Journal()
        journal.file(claim("A", .serial(1, .yuan(600))), in: .hangzhou)

        let outcome = journal.file(claim("B", .serial(2, .yuan(406)), amount: .yuan(2_000)), in: .hangzhou)

        let reasons: [Reason] = [
            .differs(.contract, stated: .yuan(2_010), standing: .yuan(1_005)),
            .over(.contract, used: .yuan(600), adding: .yuan(406), capacity: .yuan(1_005), by: [.hangzhou("A")]),
        ]
        #expect(outcome.verdict == Verdict(.refused, reasons))
    }

    @Test("a contract's sum is one, with leading zeros in its number or without")
    func leadingZeros() {
        var journal = Journal()
        journal.file(claim("A", .serial(1, .yuan(600)), contract: "007"), in: .hangzhou)

        let outcome = journal.file(claim("B", .serial(2, .yuan(406)), contract: "7"), in: .hangzhou)

        let reason = Reason.over(
            .contract, used: .yuan(600), adding: .yuan(406), capacity: .yuan(1_005), by: [.hangzhou("A")])
        #expect(outcome.verdict == Verdict(.refused, [reason]))
    }
}
