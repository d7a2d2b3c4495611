import TestSupport
import Testing
import VoucherDomain

@testable import Arbitration

@Suite("D03: one invoice under two names that nobody declared to be one")
struct InvoiceAliasTests {
    private static let rule = Rule.detector("invoice-alias", "D03")
    private static let digital = "26330000000012345678"
    private static let paper = "033001900111:12345678"

    private func held(by blocking: [ClaimName], _ more: [FieldMatch] = []) -> Verdict {
        let evidence: [FieldMatch] = [.same(.enterprise), .same(.provider), .same(.invoiceAmount), .near(.invoice)]
        return Verdict(.held, [.detected("invoice-alias", .invoiceAlias, by: blocking, evidence + more)])
    }

    @Test("20 digits here, code and number there, hold the later claim", arguments: [false, true])
    func bothForms(isPaperFirst: Bool) {
        var journal = Journal(detecting: Self.rule)
        let names = isPaperFirst ? [Self.paper, Self.digital] : [Self.digital, Self.paper]
        journal.file(.sample("A", invoices: [.named(names[0])]), in: .hangzhou)

        let outcome = journal.file(.sample("B", invoices: [.serial(9), .named(names[1])]), in: .shenzhen)

        #expect(outcome.verdict == held(by: [.hangzhou("A")]))
    }

    @Test("a short code of an older invoice does as well")
    func shortCode() {
        var journal = Journal(detecting: Self.rule)
        journal.file(.sample("A", invoices: [.named("3300192130:12345678")]), in: .hangzhou)

        let outcome = journal.file(.sample("B", invoices: [.named(Self.digital)]), in: .hangzhou)

        #expect(outcome.verdict == held(by: [.hangzhou("A")]))
    }

    @Test("the date speaks for it where both give it, and is not asked for where one does not")
    func dates() {
        var journal = Journal(detecting: Self.rule)
        journal.file(.sample("A", invoices: [.named(Self.digital, on: "2026-06-03")]), in: .hangzhou)

        let dated = journal.file(.sample("B", invoices: [.named(Self.paper, on: "2026-06-03")]), in: .shenzhen)
        journal.withdraw("B", in: .shenzhen)
        let undated = journal.file(.sample("C", invoices: [.named(Self.paper)]), in: .shenzhen)

        #expect(dated.verdict == held(by: [.hangzhou("A")], [.same(.invoiceDate)]))
        #expect(undated.verdict == held(by: [.hangzhou("A")]))
    }

    @Test("every earlier claim under the other form is named, in the order of filing")
    func severalNamed() {
        var journal = Journal(detecting: Self.rule)
        journal.file(.sample("A", invoices: [.named(Self.digital)]), in: .hangzhou)
        journal.file(.sample("B", invoices: [.named("26440000000012345678")]), in: .beijing)

        let outcome = journal.file(.sample("C", invoices: [.named(Self.paper)]), in: .shenzhen)

        #expect(outcome.verdict == held(by: [.hangzhou("A"), .beijing("B")]))
    }

    @Test(
        "another amount, date or end of the number is another invoice",
        arguments: [
            Claim.Invoice.named(paper, .yuan(100, fen: 1)), .named(paper, on: "2026-06-04"),
            .named("033001900111:12345679"), .named("033001900111:02345678"),
        ])
    func otherInvoice(invoice: Claim.Invoice) {
        var journal = Journal(detecting: Self.rule)
        journal.file(.sample("A", invoices: [.named(Self.digital, on: "2026-06-03")]), in: .hangzhou)

        #expect(journal.file(.sample("B", invoices: [invoice]), in: .shenzhen).verdict == Verdict(.reserved))
    }

    @Test("another buyer or supplier is another invoice")
    func otherPair() {
        var journal = Journal(detecting: Self.rule)
        journal.file(.sample("A", invoices: [.named(Self.digital)]), in: .hangzhou)

        let outcomes = [
            journal.file(.sample("B", supplier: .otherSupplier, invoices: [.named(Self.paper)]), in: .shenzhen),
            journal.file(
                .sample("C", voucher: "V3", buyer: .otherBuyer, invoices: [.named("044001900111:12345678")]),
                in: .shenzhen),
        ]

        #expect(outcomes.map(\.verdict) == [Verdict(.reserved), Verdict(.reserved)])
    }

    @Test(
        "two invoices written in the same form are two",
        arguments: [
            [digital, "26330000000112345678"], [paper, "033002000111:12345678"],
        ])
    func sameForm(numbers: [String]) {
        var journal = Journal(detecting: Self.rule)
        journal.file(.sample("A", invoices: [.named(numbers[0])]), in: .hangzhou)

        let outcome = journal.file(.sample("B", invoices: [.named(numbers[1])]), in: .shenzhen)

        #expect(outcome.verdict == Verdict(.reserved))
    }

    @Test("an invoice that declares both names is left to the rule on its key", arguments: [digital, paper])
    func declaredAlias(other: String) {
        var journal = Journal(detecting: Self.rule)
        journal.file(.sample("A", invoices: [.named("\(Self.digital)=\(Self.paper)")]), in: .hangzhou)

        let outcome = journal.file(.sample("B", invoices: [.named(other)]), in: .shenzhen)

        #expect(outcome.verdict == Verdict(.refused, [.held(.invoice, by: [.hangzhou("A")])]))
    }

    @Test("what was withdrawn may be filed again under the other name")
    func withdrawn() {
        var journal = Journal(detecting: Self.rule)
        journal.file(.sample("A", invoices: [.named(Self.digital)]), in: .hangzhou)
        journal.withdraw("A", in: .hangzhou)

        let outcome = journal.file(.sample("B", invoices: [.named(Self.paper)]), in: .hangzhou)

        #expect(outcome.verdict == Verdict(.reserved))
    }

    @Test("members of one co-funding group may name their invoice differently")
    func cofunded() {
        var journal = Journal(detecting: Self.rule)
        journal.file(.sample("A", invoices: [.named(Self.digital)], group: "G"), in: .hangzhou)

        let outcome = journal.file(.sample("B", invoices: [.named(Self.paper)], group: "G"), in: .shenzhen)

        #expect(outcome.verdict == Verdict(.reserved))
    }

    @Test("the renewal of next year, whose number ends alike because numbering restarts, is another invoice")
    func renewal() {
        var journal = Journal(detecting: Self.rule)
        journal.file(.sample("A", service: .june, invoices: [.named(Self.paper)]), in: .hangzhou)

        let outcome = journal.file(
            .sample("B", service: .nextYear, invoices: [.named("27330000000012345678")]), in: .hangzhou)

        #expect(outcome.verdict == Verdict(.reserved))
    }

    @Test("monthly invoices of equal amounts on one framework contract are in order")
    func frameworkContract() {
        var journal = Journal(detecting: Self.rule)
        let outcomes = (1...6).map { month in
            journal.file(
                .sample("C\(month)", contract: "HT-1", invoices: [.serial(month, .yuan(100), on: "2026-06-0\(month)")]),
                in: .hangzhou)
        }

        #expect(outcomes.map(\.verdict) == [Verdict](repeating: Verdict(.reserved), count: 6))
    }

    @Test("the rule needs no numbers")
    func fault() {
        #expect(Self.rule.fault == nil)
        #expect(Rule(id: "invoice-alias", pattern: "D03", primitive: .detector, outcome: .flag).fault == nil)
    }
}
