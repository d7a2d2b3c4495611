import TestSupport
import Testing
import VoucherDomain

@testable import Arbitration

@Suite("D10: buyer and supplier that belong together")
struct RelatedPartiesTests {
    private static let rule = Rule.detector("related-parties", "D10")

    private func held(_ fields: [FieldMatch.Field]) -> Verdict {
        Verdict(.held, [.detected("related-parties", .relatedParties, fields.map { .same($0) })])
    }

    @Test(
        "each attribute that both share relates them",
        arguments: [
            (Register.Attribute.Kind.representative, FieldMatch.Field.representative), (.controller, .controller),
            (.address, .address), (.phone, .phone), (.account, .account),
        ])
    func sharedAttribute(kind: Register.Attribute.Kind, field: FieldMatch.Field) {
        var journal = Journal(detecting: Self.rule)
        journal.list(.sample(.buyer, [.sample(kind)]), .sample(.supplier, [.sample(kind)]))

        let outcome = journal.file(.sample("A", invoices: [.serial(1)]), in: .hangzhou)

        #expect(outcome.verdict == held([field]))
    }

    @Test("everything that they share is named, in one order")
    func severalShared() {
        let attributes: [Register.Attribute] = [.sample(.representative), .sample(.address), .sample(.account)]
        var journal = Journal(detecting: Self.rule)
        journal.list(.sample(.supplier, headOffice: .buyer, attributes), .sample(.buyer, attributes))

        let outcome = journal.file(.sample("A", invoices: [.serial(1)]), in: .hangzhou)

        #expect(outcome.verdict == held([.representative, .address, .account, .headOffice]))
    }

    @Test("a company is related to its head office, and two branches of one to each other")
    func headOffice() {
        var journal = Journal(detecting: Self.rule)
        journal.list(.sample(.buyer), .sample(.supplier, headOffice: .buyer))
        let branch = journal.file(.sample("A", invoices: [.serial(1)]), in: .hangzhou)
        journal.list(.sample(.buyer, headOffice: .otherBuyer), .sample(.supplier, headOffice: .otherBuyer))
        let branches = journal.file(.sample("B", invoices: [.serial(2)]), in: .hangzhou)

        #expect([branch.verdict, branches.verdict] == [held([.headOffice]), held([.headOffice])])
    }

    @Test("what differs, or is another kind of attribute, relates nobody")
    func notShared() {
        var journal = Journal(detecting: Self.rule)
        journal.list(
            .sample(.buyer, name: "银达深", [.sample(.address, 1), .sample(.phone, 2)]),
            .sample(.supplier, name: "银达深", [.sample(.address, 2), .sample(.account, 1)]))

        let outcome = journal.file(.sample("A", invoices: [.serial(1)]), in: .hangzhou)

        #expect(outcome.verdict == Verdict(.reserved))
    }

    @Test("a company that the file does not list is related to nobody")
    func notListed() {
        var journal = Journal(detecting: Self.rule)
        let before = journal.file(.sample("A", invoices: [.serial(1)]), in: .hangzhou)
        journal.list(.sample(.buyer, [.sample(.phone)]), .sample(.otherSupplier, [.sample(.phone)]))
        let after = journal.file(.sample("B", invoices: [.serial(2)]), in: .hangzhou)

        #expect([before.verdict, after.verdict] == [Verdict(.reserved), Verdict(.reserved)])
    }

    @Test("the newest row on a company is what counts")
    func newestRow() {
        var journal = Journal(detecting: Self.rule)
        journal.list(.sample(.buyer, [.sample(.phone)]), .sample(.supplier, [.sample(.phone)]))
        let related = journal.file(.sample("A", invoices: [.serial(1)]), in: .hangzhou)
        journal.list(.sample(.supplier, [.sample(.phone, 2)]))
        let parted = journal.file(.sample("B", invoices: [.serial(2)]), in: .hangzhou)

        #expect([related.verdict, parted.verdict] == [held([.phone]), Verdict(.reserved)])
    }

    @Test("the policy may name the attributes that count")
    func attributes() {
        var journal = Journal(detecting: .detector("related-parties", "D10") { $0.attributes = [.controller] })
        journal.list(
            .sample(.buyer, [.sample(.phone)]), .sample(.supplier, [.sample(.phone)]),
            .sample(.otherBuyer, [.sample(.controller), .sample(.phone)]),
            .sample(.otherSupplier, [.sample(.controller), .sample(.phone)]))

        let outcomes = [
            journal.file(.sample("A", invoices: [.serial(1)]), in: .hangzhou),
            journal.file(
                .sample("B", voucher: "V3", buyer: .otherBuyer, supplier: .otherSupplier, invoices: [.serial(2)]),
                in: .hangzhou),
        ]

        #expect(outcomes.map(\.verdict) == [Verdict(.reserved), held([.controller])])
    }

    @Test("a policy that names no attribute at all is at fault")
    func fault() {
        #expect(Self.rule.fault == nil)
        #expect(Rule.detector("related-parties", "D10") { $0.attributes = [.phone] }.fault == nil)
        #expect(Rule.detector("related-parties", "D10") { $0.attributes = [] }.fault == "attributes is empty")
    }
}
