import TestSupport
import Testing
import VoucherDomain

@testable import Arbitration

@Suite("The fold's decisions")
struct FoldTests {
    private static let proof = [UInt8](repeating: 7, count: 32)

    private func invalid(_ fault: String, _ claim: ClaimName?, policyVersion: UInt32 = 1) -> Outcome {
        let reason = Reason(rule: "entry", outcome: .block, finding: .faultyEntry(fault))
        return Outcome(decision: .invalid, reasons: [reason], claim: claim, policyVersion: policyVersion)
    }

    @Test("a reserved claim takes a place under each of its keys")
    func takesAllKeys() {
        var journal = Journal()
        let claim = Claim.sample(
            "A", contract: "007", resource: "H20", invoices: [.serial(1, .yuan(100), .both), .serial(2)], receipt: "B1",
            proof: Self.proof)

        let outcome = journal.file(claim, in: .hangzhou)

        let held = Set(outcome.taken.map(\.key)).sorted()
        #expect(held == claim.keys(in: .hangzhou))
        let expected = Outcome(
            decision: .reserved, holdings: outcome.holdings, claim: .hangzhou("A"), policyVersion: 1,
            filing: outcome.filing)
        #expect(outcome == expected)
    }

    @Test("a held claim opens a case named after its position")
    func heldOpensCase() {
        var journal = Journal()
        journal.file(.sample("A", invoices: [.serial(1)], receipt: "B1"), in: .hangzhou)

        let outcome = journal.file(.sample("B", invoices: [.serial(2)], receipt: "B1"), in: .shenzhen)

        let expected = Outcome(
            decision: .held, reasons: [.held(.bankReceipt, by: [.hangzhou("A")], key: .bankReceipt("B1"))],
            holdings: outcome.taken, claim: .shenzhen("B"), policyVersion: 1, filing: outcome.filing,
            cases: outcome.cases, events: outcome.events)
        #expect(outcome == expected)
        #expect(outcome.caseID == SpokenID.make(position: journal.position))
    }

    @Test("a refusal names every rule that was broken and every claim in the way, and takes nothing")
    func refusalListsAll() {
        var journal = Journal()
        journal.issue(.sample("W", faceValue: .yuan(5), validity: .june), in: .shenzhen)
        journal.file(
            .sample("A", contract: "HT-1", contractAmount: .yuan(1_000), invoices: [.serial(1)], claimed: .yuan(95)),
            in: .hangzhou)
        journal.file(.sample("B", resource: "H20", invoices: [.serial(2)], receipt: "B1"), in: .beijing)
        journal.file(.sample("C", invoices: [.serial(3)], proof: Self.proof), in: .hangzhou)

        let service = DayInterval.days("2026-06-15", "2026-07-15")
        let outcome = journal.file(
            .sample(
                "D", voucher: "W", contract: "HT-1", contractAmount: .yuan(1_000), service: service, resource: "H20",
                invoices: [.serial(1), .serial(2), .serial(4, .yuan(900))], claimed: .yuan(110), receipt: "B1",
                proof: Self.proof),
            in: .shenzhen)

        let a = ClaimName.hangzhou("A")
        let b = ClaimName.beijing("B")
        let reasons: [Reason] = [
            .held(.invoice, by: [a]), .held(.invoice, by: [b]), .held(.contract, by: [a]),
            .over(.voucher, used: .zero, adding: .yuan(110), capacity: .yuan(5)),
            .over(.contract, used: .yuan(100), adding: .yuan(1_000), capacity: .yuan(1_005), by: [a]),
            .over(.invoice, used: .yuan(95), adding: .yuan(10), capacity: .yuan(100), by: [a]),
            .outOfWindow(.outsideVoucher(.june)), .overlapping(service, [b]), .held(.bankReceipt, by: [b]),
            .held(.usageProof, by: [.hangzhou("C")]),
        ]
        #expect(outcome.verdict == Verdict(.refused, reasons))
        #expect(outcome.taken == [])
    }

    @Test("a claim that breaks a blocking and a holding rule is refused, with both reasons and no case")
    func blockBeatsHold() {
        var journal = Journal()
        journal.file(.sample("A", invoices: [.serial(1)], receipt: "B1"), in: .hangzhou)

        let outcome = journal.file(.sample("B", invoices: [.serial(1)], receipt: "B1"), in: .shenzhen)

        let invoice = Key.invoice(Claim.Invoice.serial(1).number.primary)
        let expected = Outcome(
            decision: .refused,
            reasons: [
                .held(.invoice, by: [.hangzhou("A")], key: invoice),
                .held(.bankReceipt, by: [.hangzhou("A")], key: .bankReceipt("B1")),
            ], holdings: outcome.holdings, claim: .shenzhen("B"), policyVersion: 1, filing: outcome.filing)
        #expect(outcome == expected)
    }

    @Test("a held claim stands in the way of later ones and uses up room")
    func heldTakesKeys() {
        var journal = Journal()
        journal.file(.sample("A", invoices: [.serial(1)], receipt: "B1"), in: .hangzhou)
        journal.file(.sample("B", invoices: [.serial(2)], claimed: .yuan(60), receipt: "B1"), in: .shenzhen)

        let outcome = journal.file(.sample("C", invoices: [.serial(2)], claimed: .yuan(50)), in: .beijing)

        let reasons: [Reason] = [
            .held(.invoice, by: [.shenzhen("B")]),
            .over(.invoice, used: .yuan(60), adding: .yuan(50), capacity: .yuan(100), by: [.shenzhen("B")]),
        ]
        #expect(outcome.verdict == Verdict(.refused, reasons))
    }

    @Test("a refused claim stands in nobody's way, under any of its keys")
    func refusedTakesNothing() {
        var journal = Journal()
        journal.file(.sample("A", invoices: [.serial(1)]), in: .hangzhou)
        journal.file(.sample("B", contract: "HT-1", invoices: [.serial(1), .serial(2)], receipt: "B1"), in: .shenzhen)

        let outcome = journal.file(
            .sample("C", contract: "HT-1", invoices: [.serial(2)], receipt: "B1"), in: .beijing)

        #expect(outcome.verdict == Verdict(.reserved))
    }

    @Test("a flag alone neither refuses nor holds")
    func flagOnly() {
        var journal = Journal()
        journal.file(.sample("A", invoices: [.serial(1, .yuan(100))], group: "G"), in: .hangzhou)

        let outcome = journal.file(.sample("B", invoices: [.serial(1, .yuan(90))], group: "G"), in: .shenzhen)

        let reason = Reason.differs(.invoice, stated: .yuan(90), standing: .yuan(100))
        #expect(outcome.verdict == Verdict(.reserved, [reason]))
        #expect(outcome.caseID == nil)
    }

    @Test("a claim before the first policy is invalid and may be filed again")
    func noPolicy() {
        var fold = Fold()
        let claim = Claim.sample("A", invoices: [.serial(1)])
        let entries: [JournalEntry.Content] = [
            .claimFiled(claim), .policyPublished(.sample()), .voucherIssued(.sample("V1")), .claimFiled(claim),
        ]

        let outcomes = entries.enumerated().map { index, content in
            fold.apply(.sample(position: Int64(index) + 1, city: .hangzhou, content))
        }

        #expect(outcomes[0] == invalid("no policy has been published", .hangzhou("A"), policyVersion: 0))
        #expect(outcomes[3].verdict == Verdict(.reserved))
    }

    @Test("a claim number is used once per city")
    func numberUsedTwice() {
        var journal = Journal()
        journal.file(.sample("A", invoices: [.serial(1)]), in: .hangzhou)

        let again = journal.file(.sample("A", invoices: [.serial(2)]), in: .hangzhou)
        let elsewhere = journal.file(.sample("A", contract: "HT-3", invoices: [.serial(3)]), in: .shenzhen)

        #expect(again == invalid("claim number A is already used", .hangzhou("A")))
        #expect(elsewhere.verdict == Verdict(.reserved))
    }

    @Test("claim numbers are compared as bytes: two spellings of one letter are two numbers")
    func numbersAreBytes() {
        var journal = Journal()
        journal.file(.sample("\u{E9}", contract: "1", invoices: [.serial(1)]), in: .hangzhou)

        let outcome = journal.file(.sample("e\u{301}", contract: "2", invoices: [.serial(2)]), in: .hangzhou)

        #expect(outcome.verdict == Verdict(.reserved))
    }

    @Test("a policy takes effect only with a higher version", arguments: [UInt32(0), 1])
    func staleVersion(version: UInt32) {
        var journal = Journal()
        let before = journal.fold

        let outcome = journal.publish(.sample(version: version, yearCap: .yuan(1)))

        #expect(outcome == invalid("policy version \(version) is not above 1", nil))
        #expect(journal.fold == before)
    }

    @Test("every decision carries the version of the policy in force")
    func policyVersion() {
        var journal = Journal()
        journal.file(.sample("A", invoices: [.serial(1)]), in: .hangzhou)

        let outcomes = [
            journal.publish(.sample(version: 7)), journal.file(.sample("B", invoices: [.serial(2)]), in: .hangzhou),
            journal.withdraw("A", in: .hangzhou), journal.issue(.sample("V5"), in: .hangzhou),
        ]

        #expect(outcomes.map(\.policyVersion) == [7, 7, 7, 7])
    }

    @Test("acts, unknown kinds and faulty entries are answered and change nothing")
    func otherEntries() {
        var journal = Journal()
        let before = journal.fold

        let outcomes = [JournalEntry.Content.act, .unsupported, .faulty("cut short")].map {
            journal.append($0, in: .hangzhou)
        }

        let expected = [
            Outcome(decision: .noted, policyVersion: 1), Outcome(decision: .unsupported, policyVersion: 1),
            invalid("cut short", nil),
        ]
        #expect(outcomes == expected)
        #expect(journal.fold == before)
    }
}
