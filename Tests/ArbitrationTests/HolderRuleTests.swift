import TestSupport
import Testing
import VoucherDomain

@testable import Arbitration

@Suite("Rules about who holds a key")
struct HolderRuleTests {
    @Test("an invoice is claimed once, in the same city or another", arguments: [CityCode.hangzhou, .shenzhen])
    func invoiceOnce(city: CityCode) {
        var journal = Journal()
        journal.file(.sample("A", invoices: [.serial(1)]), in: .hangzhou)

        let outcome = journal.file(.sample("B", invoices: [.serial(1)]), in: city)

        #expect(outcome.verdict == Verdict(.refused, [.held(.invoice, by: [.hangzhou("A")])]))
    }

    @Test("each invoice of a claim that is taken is named with its own holder")
    func severalInvoicesTaken() {
        var journal = Journal()
        journal.file(.sample("A", invoices: [.serial(1)]), in: .hangzhou)
        journal.file(.sample("B", invoices: [.serial(2)]), in: .beijing)

        let outcome = journal.file(.sample("C", invoices: [.serial(2), .serial(3), .serial(1)]), in: .shenzhen)

        let reasons: [Reason] = [.held(.invoice, by: [.hangzhou("A")]), .held(.invoice, by: [.beijing("B")])]
        #expect(outcome.verdict == Verdict(.refused, reasons))
    }

    @Test(
        "an invoice is found under either of its declared names",
        arguments: [
            (Claim.Invoice.Naming.both, Claim.Invoice.Naming.digital), (.both, .paper), (.digital, .both),
            (.paper, .both),
        ])
    func invoiceAlias(first: Claim.Invoice.Naming, second: Claim.Invoice.Naming) {
        var journal = Journal()
        journal.file(.sample("A", invoices: [.serial(1, .yuan(100), first)]), in: .hangzhou)

        let outcome = journal.file(.sample("B", invoices: [.serial(1, .yuan(100), second)]), in: .shenzhen)

        #expect(outcome.verdict == Verdict(.refused, [.held(.invoice, by: [.hangzhou("A")])]))
    }

    @Test("two names of an invoice that nobody declared to be one are left to a detector")
    func undeclaredAlias() {
        var journal = Journal()
        journal.file(.sample("A", invoices: [.serial(1, .yuan(100), .digital)]), in: .hangzhou)

        let outcome = journal.file(.sample("B", invoices: [.serial(1, .yuan(100), .paper)]), in: .shenzhen)

        #expect(outcome.verdict == Verdict(.reserved))
    }

    @Test("a contract is claimed in one city only")
    func contractOneCity() {
        var journal = Journal()
        journal.file(.sample("A", contract: "HT-1", invoices: [.serial(1)]), in: .hangzhou)

        let outcome = journal.file(.sample("B", contract: "ht 1", invoices: [.serial(2)]), in: .shenzhen)

        #expect(outcome.verdict == Verdict(.refused, [.held(.contract, by: [.hangzhou("A")])]))
    }

    @Test("further claims of one city join its contract")
    func contractSameCity() {
        var journal = Journal()
        journal.file(.sample("A", contract: "HT-1", invoices: [.serial(1)]), in: .hangzhou)

        let outcome = journal.file(.sample("B", contract: "HT-1", invoices: [.serial(2)]), in: .hangzhou)

        #expect(outcome.verdict == Verdict(.reserved))
    }

    @Test("the same contract number with another supplier is another contract")
    func contractOfAnotherSupplier() {
        var journal = Journal()
        journal.file(.sample("A", contract: "HT-1", invoices: [.serial(1)]), in: .hangzhou)

        let outcome = journal.file(
            .sample("B", supplier: .otherSupplier, contract: "HT-1", invoices: [.serial(2)]), in: .shenzhen)

        #expect(outcome.verdict == Verdict(.reserved))
    }

    @Test(
        "a contract number is found with or without its leading zeros",
        arguments: [
            ("007", "7"), ("7", "007"), ("007", "07"), ("第 0-07 号", "7"),
        ])
    func leadingZeros(first: String, second: String) {
        var journal = Journal()
        journal.file(.sample("A", contract: first, invoices: [.serial(1)]), in: .hangzhou)

        let outcome = journal.file(.sample("B", contract: second, invoices: [.serial(2)]), in: .shenzhen)

        #expect(outcome.verdict == Verdict(.refused, [.held(.contract, by: [.hangzhou("A")])]))
    }

    @Test("zeros at the end of a contract number are part of it")
    func trailingZeros() {
        var journal = Journal()
        journal.file(.sample("A", contract: "7", invoices: [.serial(1)]), in: .hangzhou)

        let outcome = journal.file(.sample("B", contract: "70", invoices: [.serial(2)]), in: .shenzhen)

        #expect(outcome.verdict == Verdict(.reserved))
    }

    @Test(
        "buyer and supplier exchanged on one contract number hold the later claim",
        arguments: [
            ("HT-1", "HT-1"), ("007", "7"),
        ])
    func bothSides(first: String, second: String) {
        var journal = Journal()
        journal.file(.sample("A", contract: first, invoices: [.serial(1)]), in: .hangzhou)

        let outcome = journal.file(
            .sample("B", voucher: "V2", buyer: .supplier, supplier: .buyer, contract: second, invoices: [.serial(2)]),
            in: .shenzhen)

        #expect(outcome.verdict == Verdict(.held, [.held(.contractParties, by: [.hangzhou("A")])]))
    }

    @Test("a bank receipt that another claim showed holds the later claim")
    func bankReceiptOnce() {
        var journal = Journal()
        journal.file(.sample("A", invoices: [.serial(1)], receipt: "B1"), in: .hangzhou)

        let outcome = journal.file(.sample("B", invoices: [.serial(2)], receipt: "B1"), in: .hangzhou)

        #expect(outcome.verdict == Verdict(.held, [.held(.bankReceipt, by: [.hangzhou("A")])]))
    }

    @Test("a usage proof that another claim showed holds the later claim")
    func usageProofOnce() {
        let proof = [UInt8](repeating: 7, count: 32)
        var journal = Journal()
        journal.file(.sample("A", invoices: [.serial(1)], proof: proof), in: .hangzhou)

        let outcome = journal.file(.sample("B", invoices: [.serial(2)], proof: proof), in: .shenzhen)

        #expect(outcome.verdict == Verdict(.held, [.held(.usageProof, by: [.hangzhou("A")])]))
    }

    @Test("evidence that is not given matches nothing")
    func missingEvidence() {
        var journal = Journal()
        journal.file(.sample("A", invoices: [.serial(1)]), in: .hangzhou)

        #expect(journal.file(.sample("B", invoices: [.serial(2)]), in: .shenzhen).verdict == Verdict(.reserved))
    }
}
