import TestSupport
import Testing
import VoucherDomain

@testable import Arbitration

@Suite("Joining a key by co-funding group or by city")
struct JoiningTests {
    private static let proof = [UInt8](repeating: 7, count: 32)

    /// A claim on one invoice, contract and set of evidence that all claims here have in common.
    private func shared(_ number: String, group: String) -> Claim {
        .sample(
            number, contract: "HT-1", resource: "H20", invoices: [.serial(1)], receipt: "B1", proof: Self.proof,
            group: group)
    }

    @Test("claims of one co-funding group share invoice, contract and evidence across cities")
    func oneGroup() {
        var journal = Journal()
        journal.file(shared("A", group: "G"), in: .hangzhou)

        #expect(journal.file(shared("B", group: "G"), in: .shenzhen).verdict == Verdict(.reserved))
    }

    @Test("co-funding that is declared on one side only joins nothing", arguments: [("G", ""), ("", "G"), ("G", "H")])
    func oneSidedGroup(first: String, second: String) {
        var journal = Journal()
        journal.file(shared("A", group: first), in: .hangzhou)

        let outcome = journal.file(shared("B", group: second), in: .shenzhen)

        let reasons: [Reason] = [.invoice, .contract, .bankReceipt, .usageProof].map {
            .held($0, by: [.hangzhou("A")])
        }
        #expect(outcome.verdict == Verdict(.refused, reasons))
    }

    @Test("no group on either side is no shared group")
    func emptyGroups() {
        var journal = Journal()
        journal.file(.sample("A", invoices: [.serial(1)], group: ""), in: .hangzhou)

        let outcome = journal.file(.sample("B", invoices: [.serial(1)], group: ""), in: .shenzhen)

        #expect(outcome.verdict == Verdict(.refused, [.held(.invoice, by: [.hangzhou("A")])]))
    }

    @Test("a claim outside the group is blocked by every member")
    func outsider() {
        var journal = Journal()
        journal.file(.sample("A", invoices: [.serial(1)], group: "G"), in: .hangzhou)
        journal.file(.sample("B", invoices: [.serial(1)], group: "G"), in: .shenzhen)

        let outcome = journal.file(.sample("C", invoices: [.serial(1)]), in: .beijing)

        #expect(outcome.verdict == Verdict(.refused, [.held(.invoice, by: [.hangzhou("A"), .shenzhen("B")])]))
    }

    @Test("a claim must be able to join each present holder, and only those that it cannot join are named")
    func eachHolder() {
        var journal = Journal()
        journal.file(.sample("A", contract: "HT-1", invoices: [.serial(1)]), in: .hangzhou)
        journal.file(.sample("B", contract: "HT-1", invoices: [.serial(2)], group: "G"), in: .hangzhou)

        let outcome = journal.file(.sample("C", contract: "HT-1", invoices: [.serial(3)], group: "G"), in: .shenzhen)

        #expect(outcome.verdict == Verdict(.refused, [.held(.contract, by: [.hangzhou("A")])]))
    }

    @Test("a contract is joined by city with one holder and by group with the other")
    func cityAndGroup() {
        var journal = Journal()
        journal.file(.sample("A", contract: "HT-1", invoices: [.serial(1)], group: "G"), in: .hangzhou)
        journal.file(.sample("B", contract: "HT-1", invoices: [.serial(2)], group: "G"), in: .shenzhen)
        journal.file(.sample("C", contract: "HT-2", invoices: [.serial(3)]), in: .shenzhen)

        let joined = journal.file(.sample("D", contract: "HT-1", invoices: [.serial(4)], group: "G"), in: .beijing)
        let blocked = journal.file(.sample("E", contract: "HT-1", invoices: [.serial(5)]), in: .shenzhen)

        #expect(joined.verdict == Verdict(.reserved))
        #expect(blocked.verdict == Verdict(.refused, [.held(.contract, by: [.hangzhou("A"), .beijing("D")])]))
    }

    @Test("sharing a city lets nobody join an invoice")
    func cityIsNoInvoiceHolder() {
        var journal = Journal()
        journal.file(.sample("A", contract: "HT-1", invoices: [.serial(1)]), in: .hangzhou)

        let outcome = journal.file(.sample("B", contract: "HT-1", invoices: [.serial(1)]), in: .hangzhou)

        #expect(outcome.verdict == Verdict(.refused, [.held(.invoice, by: [.hangzhou("A")])]))
    }
}
