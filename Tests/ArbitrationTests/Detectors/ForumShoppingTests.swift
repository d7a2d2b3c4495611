import TestSupport
import Testing
import VoucherDomain

@testable import Arbitration

@Suite("D18: refused for cause in one city, filed in another")
struct ForumShoppingTests {
    private static let rule = Rule.detector("forum-shopping", "D18") {
        $0.causes = ["out-of-window", "invoice-sum-within-contract"]
    }

    private static let day: Int64 = 86_400_000
    private static let pair: [FieldMatch] = [.same(.enterprise), .same(.provider), .same(.contract)]

    private func held(_ evidence: [FieldMatch], by blocking: [ClaimName] = [.hangzhou("A")]) -> Verdict {
        Verdict(.held, [.detected("forum-shopping", .forumShopping, by: blocking, evidence)])
    }

    /// Refused because its invoice is above its contract.
    private func refusable(
        _ number: String = "A", _ invoice: Claim.Invoice = .serial(1), contract: String = "HT-1"
    ) -> Claim {
        .sample(number, contract: contract, contractAmount: .yuan(50), invoices: [invoice])
    }

    @Test("the same invoice in another city is held")
    func sameInvoice() {
        var journal = Journal(detecting: Self.rule)
        let refused = journal.file(refusable(), in: .hangzhou)

        let outcome = journal.file(.sample("B", invoices: [.serial(2), .serial(1)]), in: .shenzhen)

        #expect(refused.decision == .refused)
        #expect(outcome.verdict == held([.same(.invoice)]))
    }

    @Test("the same contract in another city is held, with or without its leading zeros")
    func sameContract() {
        var journal = Journal(detecting: Self.rule)
        journal.file(refusable(contract: "007"), in: .hangzhou)

        let outcome = journal.file(.sample("B", contract: "7", invoices: [.serial(2)]), in: .shenzhen)

        #expect(outcome.verdict == held(Self.pair))
    }

    @Test(
        "an invoice is found under either of its names",
        arguments: [
            (Claim.Invoice.Naming.both, Claim.Invoice.Naming.digital), (.both, .paper), (.paper, .both),
        ])
    func eitherName(first: Claim.Invoice.Naming, second: Claim.Invoice.Naming) {
        var journal = Journal(detecting: Self.rule)
        journal.file(refusable("A", .serial(1, .yuan(100), first)), in: .hangzhou)

        let outcome = journal.file(.sample("B", invoices: [.serial(1, .yuan(100), second)]), in: .shenzhen)

        #expect(outcome.verdict == held([.same(.invoice)]))
    }

    @Test("service outside the voucher's dates is a cause as well")
    func outOfWindow() {
        var journal = Journal(detecting: Self.rule)
        journal.issue(.sample("W", validity: .july), in: .hangzhou)
        journal.file(.sample("A", voucher: "W", invoices: [.serial(1)]), in: .hangzhou)

        let outcome = journal.file(.sample("B", invoices: [.serial(1)]), in: .shenzhen)

        #expect(outcome.verdict == held([.same(.invoice)]))
    }

    @Test("every refusal is named, in the order in which they were made")
    func severalRefusals() {
        var journal = Journal(detecting: Self.rule)
        journal.file(refusable("A"), in: .hangzhou)
        journal.file(refusable("B", .serial(2)), in: .beijing)
        journal.file(refusable("C"), in: .shenzhen)

        let outcome = journal.file(.sample("D", contract: "HT-1", invoices: [.serial(1)]), in: .shenzhen)

        let evidence: [FieldMatch] = [.same(.invoice)] + Self.pair
        #expect(outcome.verdict == held(evidence, by: [.hangzhou("A"), .beijing("B")]))
    }

    @Test("up to exactly 180 days later by the registry's clock")
    func days() {
        for (milliseconds, isHeld) in [(0, true), (180 * Self.day, true), (180 * Self.day + 1, false)] {
            var journal = TimedJournal(detecting: Self.rule)
            journal.file(refusable(), in: .hangzhou, receivedAt: Self.day)

            let outcome = journal.file(
                .sample("B", invoices: [.serial(1)]), in: .shenzhen, receivedAt: Self.day + milliseconds)

            #expect(outcome.verdict == (isHeld ? held([.same(.invoice)]) : Verdict(.reserved)))
        }
    }

    @Test("the policy may look back over other days")
    func otherDays() {
        let rule = Rule.detector("forum-shopping", "D18") {
            $0.causes = ["invoice-sum-within-contract"]
            $0.days = 7
        }
        for (milliseconds, decision) in [(7 * Self.day, Outcome.Decision.held), (7 * Self.day + 1, .reserved)] {
            var journal = TimedJournal(detecting: rule)
            journal.file(refusable(), in: .hangzhou, receivedAt: 0)

            let outcome = journal.file(.sample("B", invoices: [.serial(1)]), in: .shenzhen, receivedAt: milliseconds)

            #expect(outcome.decision == decision)
        }
    }

    @Test("a corrected claim in the city that refused it is in order")
    func sameCity() {
        var journal = Journal(detecting: Self.rule)
        journal.file(refusable(), in: .hangzhou)

        let outcome = journal.file(.sample("B", contract: "HT-1", invoices: [.serial(1)]), in: .hangzhou)

        #expect(outcome.verdict == Verdict(.reserved))
    }

    @Test("a claim that only lost to another one was not refused for cause")
    func lostToAnother() {
        var journal = Journal(detecting: Self.rule)
        journal.file(.sample("A", invoices: [.serial(1)]), in: .beijing)
        let lost = journal.file(.sample("B", invoices: [.serial(1)]), in: .hangzhou)
        journal.withdraw("A", in: .beijing)

        let outcome = journal.file(.sample("C", invoices: [.serial(1)]), in: .shenzhen)

        #expect(lost.decision == .refused)
        #expect(outcome.verdict == Verdict(.reserved))
    }

    @Test("a rule that the policy does not list is no cause")
    func otherCause() {
        var journal = Journal(detecting: Self.rule)
        let refused = journal.file(.sample("A", voucher: "V9", invoices: [.serial(1)]), in: .hangzhou)

        let outcome = journal.file(.sample("B", invoices: [.serial(1)]), in: .shenzhen)

        #expect(refused.decision == .refused)
        #expect(outcome.verdict == Verdict(.reserved))
    }

    @Test("neither a reserved claim nor a withdrawn one was refused")
    func notRefused() {
        var journal = Journal(detecting: Self.rule)
        journal.file(.sample("A", contract: "HT-1", invoices: [.serial(1)]), in: .hangzhou)
        journal.withdraw("A", in: .hangzhou)

        let outcome = journal.file(.sample("B", contract: "HT-1", invoices: [.serial(1)]), in: .shenzhen)

        #expect(outcome.verdict == Verdict(.reserved))
    }

    @Test("another invoice under another contract, or another pair's contract, is another matter")
    func otherMatter() {
        var journal = Journal(detecting: Self.rule)
        journal.file(refusable(), in: .hangzhou)

        let outcomes = [
            journal.file(.sample("B", contract: "HT-2", invoices: [.serial(2)]), in: .shenzhen),
            journal.file(
                .sample("C", supplier: .otherSupplier, contract: "HT-1", invoices: [.serial(3)]), in: .shenzhen),
            journal.file(
                .sample("D", voucher: "V3", buyer: .otherBuyer, contract: "HT-1", invoices: [.serial(4)]),
                in: .shenzhen),
        ]

        #expect(outcomes.map(\.verdict) == [Verdict](repeating: Verdict(.reserved), count: 3))
    }

    @Test("numbers that make no sense are named")
    func fault() {
        func fault(_ causes: [String]?, _ days: Int64?) -> String? {
            Rule.detector("forum-shopping", "D18") {
                $0.causes = causes
                $0.days = days
            }.fault
        }

        #expect(Self.rule.fault == nil)
        #expect(fault(["out-of-window"], 1) == nil)
        #expect(fault(["out-of-window"], 3_660) == nil)
        #expect(fault(nil, 180) == "needs causes, the rules that are a cause")
        #expect(fault([], 180) == "needs causes, the rules that are a cause")
        #expect(fault(["out-of-window"], 0) == "days is 1 to 3660")
        #expect(fault(["out-of-window"], 3_661) == "days is 1 to 3660")
    }
}

/// A journal whose claims are received at stated times.
private struct TimedJournal {
    private var fold: Fold
    private var position: Int64

    init(detecting rule: Rule) {
        let journal = Journal(detecting: rule)
        fold = journal.fold
        position = journal.position
    }

    @discardableResult
    mutating func file(_ claim: Claim, in city: CityCode, receivedAt: Int64) -> Outcome {
        position += 1
        let id = [UInt8](repeating: 0, count: 8) + withUnsafeBytes(of: position.bigEndian, Array.init)
        let entry = JournalEntry(
            position: position, city: city, id: id, content: .claimFiled(claim), receivedAt: receivedAt)
        return fold.apply(entry)
    }
}
