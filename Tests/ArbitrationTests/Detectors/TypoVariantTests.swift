import TestSupport
import Testing
import VoucherDomain

@testable import Arbitration

@Suite("D14: an invoice number that is nearly another's")
struct TypoVariantTests {
    private static let rule = Rule.detector("typo-variant", "D14")
    private static let number = "26330012345678901234"
    private static let oneEdit = "26330012345678991234"
    private static let pair: [FieldMatch] = [.same(.enterprise), .same(.provider), .near(.invoice)]

    private func held(_ evidence: [FieldMatch], by blocking: [ClaimName] = [.hangzhou("A")]) -> Verdict {
        Verdict(.held, [.detected("typo-variant", .similarInvoice, by: blocking, Self.pair + evidence)])
    }

    /// What the second claim is told, filed in Shenzhen after the first in Hangzhou.
    private func verdict(
        _ first: Claim.Invoice, _ second: Claim.Invoice, rule: Rule = rule, in city: CityCode = .shenzhen
    ) -> Verdict {
        var journal = Journal(detecting: rule)
        journal.file(.sample("A", invoices: [.serial(1), first]), in: .hangzhou)
        return journal.file(.sample("B", invoices: [.serial(2), second]), in: city).verdict
    }

    @Test(
        "one or two edits or swaps of neighbours hold the later claim",
        arguments: [
            oneEdit, "26330012345608991234", "26330012345768901234", "26330012435768901234", "26330012346789012349",
        ])
    func slips(other: String) {
        #expect(verdict(.named(Self.number), .named(other)) == held([.same(.invoiceAmount)]))
        #expect(verdict(.named(other), .named(Self.number)) == held([.same(.invoiceAmount)]))
    }

    @Test("three edits or swaps are another number", arguments: ["26330012340608991234", "26330012435768091234"])
    func threeSlips(other: String) {
        #expect(verdict(.named(Self.number), .named(other)) == Verdict(.reserved))
    }

    @Test(
        "how many edits are a slip is the policy's",
        arguments: [
            (oneEdit, true), ("26330012345768901234", true), ("26330012345608991234", false),
        ])
    func allowedEdits(other: String, isHeld: Bool) {
        let rule = Rule.detector("typo-variant", "D14") { $0.edits = 1 }

        let verdict = verdict(.named(Self.number), .named(other), rule: rule)

        #expect(verdict == (isHeld ? held([.same(.invoiceAmount)]) : Verdict(.reserved)))
    }

    @Test(
        "older invoices are compared with older ones, code and number together",
        arguments: [
            ("033001900111:12345678", "033001900111:12345078", true),
            ("033001900111:12345678", "033001900117:12345768", true),
            ("3300192130:12345678", "3300192130:12354678", true),
            ("3300192130:12345678", "033001900111:12345678", false),
            ("033001900111:12345678", "03300190011112345078", false),
        ])
    func olderInvoices(first: String, second: String, isHeld: Bool) {
        let verdict = verdict(.named(first), .named(second))

        #expect(verdict == (isHeld ? held([.same(.invoiceAmount)]) : Verdict(.reserved)))
    }

    @Test("either name of an invoice with both may be the one mistyped")
    func eitherName() {
        let both = "\(Self.number)=033001900111:12345678"

        #expect(verdict(.named(both), .named("033001900111:12345078")) == held([.same(.invoiceAmount)]))
        #expect(verdict(.named(Self.oneEdit), .named(both)) == held([.same(.invoiceAmount)]))
    }

    @Test(
        "the amount may differ by exactly one per cent of the greater, not by a fen more",
        arguments: [
            (Int64(10_000), Int64(9_900), true), (10_000, 9_899, false), (10_000, 10_101, true),
            (10_000, 10_102, false), (123_456_789, 122_222_222, true), (123_456_789, 122_222_221, false),
            (1_600_000, 1_584_000, true), (1_600_000, 1_583_999, false),
        ])
    func amounts(first: Int64, second: Int64, isHeld: Bool) {
        let (one, other) = (Money(rawValue: first), Money(rawValue: second))

        let verdicts = [
            verdict(.named(Self.number, one), .named(Self.oneEdit, other)),
            verdict(.named(Self.number, other), .named(Self.oneEdit, one)),
        ]

        let expected = isHeld ? held([.near(.invoiceAmount)]) : Verdict(.reserved)
        #expect(verdicts == [expected, expected])
    }

    @Test(
        "else the dates may lie up to seven days apart",
        arguments: [
            ("2026-06-10", FieldMatch.Relation.same), ("2026-06-17", .near), ("2026-06-03", .near),
            ("2026-06-18", nil), ("2026-06-02", nil), (nil, nil),
        ] as [(String?, FieldMatch.Relation?)])
    func dates(other: String?, relation: FieldMatch.Relation?) {
        let first = Claim.Invoice.named(Self.number, .yuan(100), on: "2026-06-10")

        let verdict = verdict(first, .named(Self.oneEdit, .yuan(200), on: other))

        #expect(verdict == (relation.map { held([FieldMatch(.invoiceDate, $0)]) } ?? Verdict(.reserved)))
    }

    @Test("amount and date both speak for it where both are near")
    func amountAndDate() {
        let verdict = verdict(
            .named(Self.number, .yuan(100), on: "2026-06-10"), .named(Self.oneEdit, .yuan(99), on: "2026-06-11"))

        #expect(verdict == held([.near(.invoiceAmount), .near(.invoiceDate)]))
    }

    @Test("the day on which the contract was signed is no evidence")
    func signingDate() {
        var journal = Journal(detecting: Self.rule)
        let first = Claim.sample("A", invoices: [.named(Self.number, .yuan(100))]).stating(signedOn: "2026-06-01")
        let second = Claim.sample("B", invoices: [.named(Self.oneEdit, .yuan(200))]).stating(signedOn: "2026-06-01")
        journal.file(first, in: .hangzhou)

        #expect(journal.file(second, in: .shenzhen).verdict == Verdict(.reserved))
    }

    @Test("every claim with a number nearly like it is named once")
    func severalNamed() {
        var journal = Journal(detecting: Self.rule)
        let first: [Claim.Invoice] = [.named(Self.number), .named("26330012345678991239")]
        journal.file(.sample("A", invoices: first), in: .hangzhou)
        journal.file(.sample("B", invoices: [.named("26330012345678991434")]), in: .beijing)

        let outcome = journal.file(.sample("C", invoices: [.named(Self.oneEdit)]), in: .shenzhen)

        #expect(outcome.verdict == held([.same(.invoiceAmount)], by: [.hangzhou("A"), .beijing("B")]))
    }

    @Test("numbers that make no sense are named")
    func fault() {
        func fault(_ set: (inout Rule.Parameters) -> Void) -> String? {
            Rule.detector("typo-variant", "D14", .hold, set).fault
        }

        #expect(Self.rule.fault == nil)
        for permille in [Int64(0), 501] {
            #expect(fault { $0.withinPermille = permille } == "within_permille is 1 to 500")
        }
        for days in [Int64(-1), 61] { #expect(fault { $0.days = days } == "days is 0 to 60") }
        for edits in [Int64(0), 4] { #expect(fault { $0.edits = edits } == "edits is 1 to 3") }
    }
}

@Suite("D14: numbers that are nearly alike for a good reason")
struct TypoVariantGuardTests {
    private static let rule = Rule.detector("typo-variant", "D14")
    private static let number = "26330012345678901234"
    private static let oneEdit = "26330012345678991234"

    private func claim(
        _ number: String, _ invoice: String, buyer: CreditCode = .buyer, supplier: CreditCode = .supplier,
        contract: String? = nil, service: DayInterval = .june, on date: String? = nil, group: String = ""
    ) -> Claim {
        .sample(
            number, voucher: buyer == .buyer ? "V1" : "V3", buyer: buyer, supplier: supplier, contract: contract,
            service: service, invoices: [.named(invoice, on: date)], group: group)
    }

    @Test("without a reason the same claims are held, in one city or in two", arguments: [0, 1])
    func control(index: Int) {
        var journal = Journal(detecting: Self.rule)
        journal.file(claim("A", Self.number), in: .hangzhou)

        let outcome = journal.file(claim("B", Self.oneEdit), in: [CityCode.hangzhou, .shenzhen][index])

        #expect(outcome.decision == .held)
    }

    @Test("another buyer or another supplier has numbers of its own")
    func otherPair() {
        var journal = Journal(detecting: Self.rule)
        journal.file(claim("A", Self.number), in: .hangzhou)

        let outcomes = [
            journal.file(claim("B", Self.oneEdit, supplier: .otherSupplier), in: .shenzhen),
            journal.file(claim("C", "26330012345678981234", buyer: .otherBuyer), in: .shenzhen),
        ]

        #expect(outcomes.map(\.verdict) == [Verdict(.reserved), Verdict(.reserved)])
    }

    @Test("monthly invoices on one framework contract in one city", arguments: [["HT-7", "HT-7"], ["007", "7"]])
    func frameworkContract(contracts: [String]) {
        var journal = Journal(detecting: Self.rule)
        journal.file(claim("A", Self.number, contract: contracts[0]), in: .hangzhou)

        let outcome = journal.file(claim("B", Self.oneEdit, contract: contracts[1]), in: .hangzhou)

        #expect(outcome.verdict == Verdict(.reserved))
    }

    @Test("invoices of equal amounts in sequence on one day in one city")
    func sequence() {
        var journal = Journal(detecting: Self.rule)

        let outcomes = (1200...1215).map { serial in
            journal.file(claim("C\(serial)", "2633001234567890\(serial)", on: "2026-06-10"), in: .hangzhou)
        }

        #expect(outcomes.map(\.verdict) == [Verdict](repeating: Verdict(.reserved), count: 16))
    }

    @Test("the last digits count where the other claim is in another city")
    func sequenceElsewhere() {
        var journal = Journal(detecting: Self.rule)
        journal.file(claim("A", "26330012345678901234"), in: .hangzhou)

        #expect(journal.file(claim("B", "26330012345678901235"), in: .shenzhen).decision == .held)
    }

    @Test(
        "numbering that restarts each year, on the renewal of next year",
        arguments: [
            ("26330012345678901234", "27330012345678901234"), ("033002600111:00000012", "033002700111:00000012"),
            ("3300262130:00000012", "3300272130:00000012"), ("033001900111:00000012", "033002000111:00000012"),
        ])
    func restartedNumbering(first: String, second: String) {
        var journal = Journal(detecting: Self.rule)
        journal.file(claim("A", first), in: .hangzhou)

        let outcome = journal.file(claim("B", second, service: .nextYear), in: .hangzhou)

        #expect(outcome.verdict == Verdict(.reserved))
    }

    @Test("restarted numbering that meets the renewal one invoice later")
    func restartedNumberingInSequence() {
        var journal = Journal(detecting: Self.rule)
        journal.file(claim("A", "26330000000000000012"), in: .hangzhou)

        let outcome = journal.file(claim("B", "27330000000000000013", service: .nextYear), in: .hangzhou)

        #expect(outcome.verdict == Verdict(.reserved))
    }

    @Test("a declared co-funding group; another group is none")
    func cofunded() {
        var journal = Journal(detecting: Self.rule)
        journal.file(claim("A", Self.number, group: "G"), in: .hangzhou)

        #expect(journal.file(claim("B", Self.oneEdit, group: "G"), in: .shenzhen).verdict == Verdict(.reserved))
        #expect(journal.file(claim("C", "26330012345678981234", group: "H"), in: .shenzhen).decision == .held)
    }

    @Test("a corrected re-issue after the first claim was withdrawn, in the same city or another", arguments: [0, 1])
    func reissued(index: Int) {
        var journal = Journal(detecting: Self.rule)
        journal.file(claim("A", Self.number), in: .hangzhou)
        journal.withdraw("A", in: .hangzhou)

        let outcome = journal.file(claim("B", Self.oneEdit), in: [CityCode.hangzhou, .shenzhen][index])

        #expect(outcome.verdict == Verdict(.reserved))
    }

    @Test("a refused claim, which holds nothing")
    func refused() {
        var journal = Journal(detecting: Self.rule)
        journal.file(.sample("A", voucher: "V9", invoices: [.named(Self.number)]), in: .hangzhou)

        #expect(journal.file(claim("B", Self.oneEdit), in: .shenzhen).verdict == Verdict(.reserved))
    }

    @Test("the very same number is left to the rule on its key")
    func sameNumber() {
        var journal = Journal(detecting: Self.rule)
        journal.file(claim("A", Self.number), in: .hangzhou)

        let outcome = journal.file(claim("B", Self.number), in: .shenzhen)

        #expect(outcome.verdict == Verdict(.refused, [.held(.invoice, by: [.hangzhou("A")])]))
    }
}

@Suite("D14: a contract number that is nearly another's")
struct TypoVariantContractTests {
    private static let rule = Rule.detector("typo-variant", "D14")
    private static let evidence: [FieldMatch] = [
        .same(.enterprise), .same(.provider), .near(.contract), .same(.contractAmount),
    ]

    private static let held = Verdict(
        .held, [.detected("typo-variant", .similarContract, by: [.hangzhou("A")], evidence)])

    private func claim(
        _ number: String, _ serial: Int, _ contract: String, amount: Money = .yuan(300_000),
        supplier: CreditCode = .supplier, service: DayInterval = .june, group: String = ""
    ) -> Claim {
        .sample(
            number, supplier: supplier, contract: contract, contractAmount: amount, service: service,
            invoices: [.serial(serial)], group: group)
    }

    /// What the second claim is told, filed in Shenzhen after the first in Hangzhou.
    private func verdict(_ first: Claim, _ second: Claim) -> Verdict {
        var journal = Journal(detecting: Self.rule)
        journal.file(first, in: .hangzhou)
        return journal.file(second, in: .shenzhen).verdict
    }

    @Test(
        "one edit or swap before the trailing digits holds the later claim",
        arguments: [
            ("HT-AB-17", "HT-AC-17"), ("HT-AB-17", "HT-A-17"), ("HT-A-17", "HT-AB-17"), ("HT-AB-17", "HT-BA-17"),
            ("HT-2026-X-17", "HT-2026-Y-17"), ("ht_ab 17", "HT/AC/17"), ("HTAB", "HTAC"),
        ])
    func slips(first: String, second: String) {
        #expect(verdict(claim("A", 1, first), claim("B", 2, second)) == Self.held)
    }

    @Test("one character is one edit in Chinese too", arguments: [("沪算-17", "泸算-17"), ("算力甲-17", "算力乙-17")])
    func chinese(first: String, second: String) {
        #expect(verdict(claim("A", 1, first), claim("B", 2, second)) == Self.held)
    }

    @Test(
        "numbers in sequence are no slips, nor are two edits",
        arguments: [
            ("HT-17", "HT-18"), ("HT-AB-17", "HT-AB-18"), ("HT-AB-17", "HT-AC-18"), ("HT-AB-17", "HT-CD-17"),
            ("ABCDEFGHIJ-17", "ABXDEFXHIJ-17"), ("HT-17", "HT-017"), ("20260617", "20260618"), ("20260617", "20270617"),
        ])
    func sequence(first: String, second: String) {
        #expect(verdict(claim("A", 1, first), claim("B", 2, second)) == Verdict(.reserved))
    }

    @Test("another amount by a fen, another supplier, another year or one co-funding group is no slip")
    func guards() {
        let first = claim("A", 1, "HT-AB-17", group: "G")

        #expect(verdict(first, claim("B", 2, "HT-AC-17")) == Self.held)
        for second in [
            claim("B", 2, "HT-AC-17", amount: .yuan(300_000, fen: 1)),
            claim("B", 2, "HT-AC-17", supplier: .otherSupplier), claim("B", 2, "HT-AC-17", service: .nextYear),
            claim("B", 2, "HT-AC-17", group: "G"),
        ] {
            #expect(verdict(first, second) == Verdict(.reserved))
        }
    }

    @Test("a withdrawn claim is no neighbour")
    func withdrawn() {
        var journal = Journal(detecting: Self.rule)
        journal.file(claim("A", 1, "HT-AB-17"), in: .hangzhou)
        journal.withdraw("A", in: .hangzhou)

        #expect(journal.file(claim("B", 2, "HT-AC-17"), in: .hangzhou).verdict == Verdict(.reserved))
    }

    @Test("a slip in the invoice and one in the contract are two findings")
    func both() {
        let first = Claim.sample("A", contract: "HT-AB-17", invoices: [.serial(1)])
        let second = Claim.sample("B", contract: "HT-AC-17", invoices: [.slip(of: 1)])

        let invoice: [FieldMatch] = [.same(.enterprise), .same(.provider), .near(.invoice), .same(.invoiceAmount)]
        let reasons: [Reason] = [
            .detected("typo-variant", .similarInvoice, by: [.hangzhou("A")], invoice),
            .detected("typo-variant", .similarContract, by: [.hangzhou("A")], Self.evidence),
        ]
        #expect(verdict(first, second) == Verdict(.held, reasons))
    }
}
