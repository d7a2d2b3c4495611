import TestSupport
import Testing
import VoucherDomain

@testable import Arbitration

@Suite("D08: one purchase cut into contracts just under a threshold")
struct SplitContractsTests {
    private static let rule = Rule.detector("split-contracts", "D08") {
        $0.thresholdFen = 50_000_000
        $0.withinPermille = 50
        $0.count = 3
    }

    private static let justUnder = Money.yuan(490_000)

    private func held(by blocking: [ClaimName]) -> Verdict {
        let evidence: [FieldMatch] = [.same(.enterprise), .same(.provider), .near(.contractAmount)]
        return Verdict(.held, [.detected("split-contracts", .splitContracts, by: blocking, evidence)])
    }

    /// A claim under contract `HT-<serial>` unless another is named.
    private func claim(
        _ number: String, _ serial: Int, _ amount: Money = justUnder, contract: String? = nil,
        supplier: CreditCode = .supplier, service: DayInterval = .june, group: String = ""
    ) -> Claim {
        .sample(
            number, supplier: supplier, contract: contract ?? "HT-\(serial)", contractAmount: amount,
            service: service, invoices: [.serial(serial)], group: group)
    }

    @Test("the third contract just under the threshold is held, and each after it; in whatever cities")
    func thirdContract() {
        var journal = Journal(detecting: Self.rule)

        let outcomes = [
            journal.file(claim("A", 1), in: .hangzhou), journal.file(claim("B", 2), in: .beijing),
            journal.file(claim("C", 3), in: .shenzhen), journal.file(claim("D", 4), in: .hangzhou),
        ]

        let verdicts = [
            Verdict(.reserved), Verdict(.reserved), held(by: [.hangzhou("A"), .beijing("B")]),
            held(by: [.hangzhou("A"), .beijing("B"), .shenzhen("C")]),
        ]
        #expect(outcomes.map(\.verdict) == verdicts)
    }

    @Test(
        "from exactly five per cent under the threshold up to, not including, the threshold",
        arguments: [
            (Money.yuan(475_000), true), (.yuan(474_999, fen: 99), false), (.yuan(499_999, fen: 99), true),
            (.yuan(500_000), false), (.yuan(500_000, fen: 1), false),
        ])
    func band(amount: Money, isHeld: Bool) {
        var last = Journal(detecting: Self.rule)
        last.file(claim("A", 1), in: .hangzhou)
        last.file(claim("B", 2), in: .hangzhou)
        var first = Journal(detecting: Self.rule)
        first.file(claim("A", 1, amount), in: .hangzhou)
        first.file(claim("B", 2), in: .hangzhou)

        let verdicts = [
            last.file(claim("C", 3, amount), in: .hangzhou).verdict, first.file(claim("C", 3), in: .hangzhou).verdict,
        ]

        let expected = isHeld ? held(by: [.hangzhou("A"), .hangzhou("B")]) : Verdict(.reserved)
        #expect(verdicts == [expected, expected])
    }

    @Test("another buyer, another supplier and another programme year are not counted")
    func notCounted() {
        var journal = Journal(detecting: Self.rule)
        journal.file(claim("A", 1), in: .hangzhou)
        let other = Claim.sample(
            "B", voucher: "V3", buyer: .otherBuyer, contract: "HT-2", contractAmount: Self.justUnder,
            invoices: [.serial(2)])
        journal.file(other, in: .hangzhou)
        journal.file(claim("C", 3, supplier: .otherSupplier), in: .hangzhou)
        journal.file(claim("D", 4, service: .days("2025-12-31", "2026-06-01")), in: .hangzhou)
        journal.file(claim("E", 5, service: .days("2027-01-01", "2027-06-01")), in: .hangzhou)

        let outcome = journal.file(claim("F", 6), in: .hangzhou)

        #expect(outcome.verdict == Verdict(.reserved))
    }

    @Test("a renewal each year adds nothing up")
    func renewals() {
        var journal = Journal(detecting: Self.rule)

        let outcomes = [DayInterval.lastYear, .june, .nextYear].enumerated().map { index, service in
            journal.file(claim("C\(index)", index, service: service), in: .hangzhou)
        }

        #expect(outcomes.map(\.verdict) == [Verdict](repeating: Verdict(.reserved), count: 3))
    }

    @Test("monthly invoices on one framework contract are one contract, with or without its leading zeros")
    func frameworkContract() {
        var journal = Journal(detecting: Self.rule)

        let outcomes = ["007", "07", "7", "第7号", "007"].enumerated().map { index, contract in
            journal.file(claim("C\(index)", index, contract: contract), in: .hangzhou)
        }

        #expect(outcomes.map(\.verdict) == [Verdict](repeating: Verdict(.reserved), count: 5))
    }

    @Test("a contract that two cities fund together counts once")
    func cofunded() {
        var journal = Journal(detecting: Self.rule)
        journal.file(claim("A", 1, contract: "HT-1", group: "G"), in: .hangzhou)
        journal.file(claim("B", 2, contract: "HT-1", group: "G"), in: .shenzhen)

        #expect(journal.file(claim("C", 3), in: .hangzhou).verdict == Verdict(.reserved))
    }

    @Test("withdrawn and refused claims are not counted")
    func notLive() {
        var journal = Journal(detecting: Self.rule)
        journal.file(claim("A", 1), in: .hangzhou)
        journal.withdraw("A", in: .hangzhou)
        let refused = Claim.sample(
            "B", voucher: "V9", contract: "HT-2", contractAmount: Self.justUnder, invoices: [.serial(2)])
        journal.file(refused, in: .hangzhou)
        journal.file(claim("C", 3), in: .hangzhou)

        #expect(journal.file(claim("D", 4), in: .hangzhou).verdict == Verdict(.reserved))
    }

    @Test("withdrawn and filed again counts once")
    func filedAgain() {
        var journal = Journal(detecting: Self.rule)
        journal.file(claim("A", 1), in: .hangzhou)
        journal.withdraw("A", in: .hangzhou)
        journal.file(claim("B", 1), in: .hangzhou)

        #expect(journal.file(claim("C", 2), in: .hangzhou).verdict == Verdict(.reserved))
        #expect(journal.file(claim("D", 3), in: .hangzhou).verdict == held(by: [.hangzhou("B"), .hangzhou("C")]))
    }

    @Test("how many contracts it takes is the policy's; three where it does not say")
    func count() {
        var two = Rule.Parameters()
        two.thresholdFen = 50_000_000
        two.withinPermille = 50
        var journal = Journal(detecting: .detector("split-contracts", "D08") { $0 = two })
        journal.file(claim("A", 1), in: .hangzhou)
        #expect(journal.file(claim("B", 2), in: .hangzhou).verdict == Verdict(.reserved))
        #expect(journal.file(claim("C", 3), in: .hangzhou).decision == .held)

        two.count = 2
        journal = Journal(detecting: .detector("split-contracts", "D08") { $0 = two })
        journal.file(claim("A", 1), in: .hangzhou)
        #expect(journal.file(claim("B", 2), in: .hangzhou).verdict == held(by: [.hangzhou("A")]))
    }

    @Test("numbers that make no sense are named")
    func fault() {
        func fault(_ threshold: Int64?, _ permille: Int64?, _ count: Int64?) -> String? {
            Rule.detector("split-contracts", "D08") {
                $0.thresholdFen = threshold
                $0.withinPermille = permille
                $0.count = count
            }.fault
        }

        #expect(Self.rule.fault == nil)
        #expect(fault(1, 1, nil) == nil)
        #expect(fault(1, 999, 50) == nil)
        #expect(fault(nil, 50, 3) == "needs threshold_fen above zero")
        #expect(fault(0, 50, 3) == "needs threshold_fen above zero")
        #expect(fault(1, nil, 3) == "needs within_permille, 1 to 999")
        #expect(fault(1, 0, 3) == "needs within_permille, 1 to 999")
        #expect(fault(1, 1_000, 3) == "needs within_permille, 1 to 999")
        #expect(fault(1, 50, 1) == "count is 2 to 50")
        #expect(fault(1, 50, 51) == "count is 2 to 50")
    }
}
