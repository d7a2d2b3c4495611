import TestSupport
import Testing
import VoucherDomain

@testable import Arbitration

@Suite("D19: one invoice under two programmes that may not meet")
struct CrossProgrammeTests {
    private static let rule = Rule.detector("cross-programme", "D19") { $0.barred = [["算力券", "模型券", "训力券"]] }

    private static let held = Verdict(
        .held,
        [
            .detected(
                "cross-programme", .crossProgramme, by: [.hangzhou("A")], [.same(.invoice), .differs(.programme)])
        ])

    /// A journal in which `V1` is of the programme 算力券, `M` of 模型券, `X` of 训力券 and `C` of 语料券.
    private func journal(_ rule: Rule = rule) -> Journal {
        var journal = Journal(detecting: rule)
        for city in [CityCode.hangzhou, .shenzhen] {
            journal.issue(.sample("M", programme: "模型券"), in: city)
            journal.issue(.sample("X", programme: "训力券"), in: city)
            journal.issue(.sample("C", programme: "语料券"), in: city)
        }
        return journal
    }

    private func claim(
        _ number: String, _ voucher: String, _ invoice: Claim.Invoice = .serial(1), group: String = "G"
    ) -> Claim {
        .sample(number, voucher: voucher, invoices: [invoice], group: group)
    }

    @Test("any two of a barred set hold the later claim", arguments: [("V1", "M"), ("M", "V1"), ("M", "X")])
    func barred(first: String, second: String) {
        var journal = journal()
        journal.file(claim("A", first), in: .hangzhou)

        #expect(journal.file(claim("B", second), in: .shenzhen).verdict == Self.held)
    }

    @Test("in one city as well")
    func oneCity() {
        var journal = journal()
        journal.file(claim("A", "V1"), in: .hangzhou)

        #expect(journal.file(claim("B", "M"), in: .hangzhou).verdict == Self.held)
    }

    @Test(
        "the invoice is found under either of its names",
        arguments: [
            (Claim.Invoice.Naming.both, Claim.Invoice.Naming.paper), (.both, .digital), (.paper, .both),
        ])
    func eitherName(first: Claim.Invoice.Naming, second: Claim.Invoice.Naming) {
        var journal = journal()
        journal.file(claim("A", "V1", .serial(1, .yuan(100), first)), in: .hangzhou)

        let outcome = journal.file(claim("B", "M", .serial(1, .yuan(100), second)), in: .shenzhen)

        #expect(outcome.verdict == Self.held)
    }

    @Test("one programme on both sides, or one that is not barred, may fund together", arguments: ["V1", "C"])
    func notBarred(voucher: String) {
        var journal = journal()
        journal.file(claim("A", "V1"), in: .hangzhou)

        #expect(journal.file(claim("B", voucher), in: .shenzhen).verdict == Verdict(.reserved))
    }

    @Test("two programmes of different sets may meet, and any two where nothing is barred")
    func otherSets() {
        let rules = [
            Rule.detector("cross-programme", "D19") { $0.barred = [["算力券", "训力券"], ["模型券", "语料券"]] },
            Rule.detector("cross-programme", "D19") { $0.barred = [] }, Rule.detector("cross-programme", "D19"),
        ]
        for rule in rules {
            var journal = journal(rule)
            journal.file(claim("A", "V1"), in: .hangzhou)

            #expect(journal.file(claim("B", "M"), in: .shenzhen).verdict == Verdict(.reserved))
        }
    }

    @Test("without a shared group the rule on the invoice's key stops the second claim", arguments: ["", "H"])
    func notCofunded(group: String) {
        var journal = journal()
        journal.file(claim("A", "V1", group: ""), in: .hangzhou)

        let outcome = journal.file(claim("B", "M", group: group), in: .shenzhen)

        #expect(outcome.verdict == Verdict(.refused, [.held(.invoice, by: [.hangzhou("A")])]))
    }

    @Test("another invoice of the group is another matter")
    func otherInvoice() {
        var journal = journal()
        journal.file(claim("A", "V1"), in: .hangzhou)

        #expect(journal.file(claim("B", "M", .serial(2)), in: .shenzhen).verdict == Verdict(.reserved))
    }

    @Test("what was withdrawn under one programme may be filed under another")
    func withdrawn() {
        var journal = journal()
        journal.file(claim("A", "V1"), in: .hangzhou)
        journal.withdraw("A", in: .hangzhou)

        #expect(journal.file(claim("B", "M"), in: .shenzhen).verdict == Verdict(.reserved))
    }

    @Test("a set of fewer than two programmes bars nothing and is at fault")
    func fault() {
        func fault(_ barred: [[String]]?) -> String? {
            Rule.detector("cross-programme", "D19") { $0.barred = barred }.fault
        }

        #expect(fault(nil) == nil)
        #expect(fault([]) == nil)
        #expect(fault([["算力券", "模型券"]]) == nil)
        #expect(fault([["算力券", "模型券"], ["语料券"]]) == "each set of barred has two programmes or more")
        #expect(fault([[]]) == "each set of barred has two programmes or more")
    }
}
