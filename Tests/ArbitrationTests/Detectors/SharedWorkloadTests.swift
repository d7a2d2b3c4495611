import TestSupport
import Testing
import VoucherDomain

@testable import Arbitration

@Suite("D11: related buyers that claim the same work")
struct SharedWorkloadTests {
    private static let rule = Rule.detector("shared-workload", "D11")
    private static let line: [FieldMatch] = [
        .same(.provider), .same(.resourceClass), .same(.cardHours), .same(.service),
    ]

    private static let proof = [UInt8](repeating: 7, count: 32)

    /// A journal in which the two buyers have one controller.
    private func related() -> Journal {
        var journal = Journal(detecting: Self.rule)
        journal.list(.sample(.buyer, [.sample(.controller)]), .sample(.otherBuyer, [.sample(.controller)]))
        return journal
    }

    private func own(proof: [UInt8] = [], group: String = "") -> Claim {
        .sample("A", resource: "H20", hours: 100, invoices: [.serial(1)], proof: proof, group: group)
    }

    private func other(
        _ number: String = "B", supplier: CreditCode = .supplier, service: DayInterval = .june,
        resource: String = "H20", hours: Int64? = 100, proof: [UInt8] = [], group: String = ""
    ) -> Claim {
        .sample(
            number, voucher: "V3", buyer: .otherBuyer, supplier: supplier, service: service, resource: resource,
            hours: hours, invoices: [.serial(2)], proof: proof, group: group)
    }

    private func found(_ evidence: [FieldMatch]) -> Reason {
        .detected("shared-workload", .sharedWorkload, by: [.hangzhou("A")], evidence)
    }

    @Test("the same line of supplier, resource class, card hours and days is held", arguments: [0, 1])
    func sameLine(index: Int) {
        var journal = related()
        journal.file(own(), in: .hangzhou)

        let outcome = journal.file(other(), in: [CityCode.hangzhou, .shenzhen][index])

        #expect(outcome.verdict == Verdict(.held, [found(Self.line + [.same(.controller)])]))
    }

    @Test("the same usage digest is held, whoever supplied")
    func sameDigest() {
        var journal = related()
        journal.file(own(proof: Self.proof), in: .hangzhou)

        let outcome = journal.file(
            other(supplier: .otherSupplier, resource: "", hours: nil, proof: Self.proof), in: .shenzhen)

        let reasons: [Reason] = [
            .held(.usageProof, by: [.hangzhou("A")]), found([.same(.usageProof), .same(.controller)]),
        ]
        #expect(outcome.verdict == Verdict(.held, reasons))
    }

    @Test("digest and line together are one finding")
    func digestAndLine() {
        var journal = related()
        journal.file(own(proof: Self.proof), in: .hangzhou)

        let outcome = journal.file(other(proof: Self.proof), in: .shenzhen)

        let evidence: [FieldMatch] = [.same(.usageProof)] + Self.line + [.same(.controller)]
        let reasons: [Reason] = [.held(.usageProof, by: [.hangzhou("A")]), found(evidence)]
        #expect(outcome.verdict == Verdict(.held, reasons))
    }

    @Test("a branch is related to its head office")
    func branch() {
        var journal = Journal(detecting: Self.rule)
        journal.list(.sample(.buyer), .sample(.otherBuyer, headOffice: .buyer))
        journal.file(own(), in: .hangzhou)

        let outcome = journal.file(other(), in: .shenzhen)

        #expect(outcome.verdict == Verdict(.held, [found(Self.line + [.same(.headOffice)])]))
    }

    @Test("an earlier claim is found though the ownership file came after it")
    func listedLater() {
        var journal = Journal(detecting: Self.rule)
        journal.file(own(), in: .hangzhou)
        journal.list(.sample(.buyer, [.sample(.phone)]), .sample(.otherBuyer, [.sample(.phone)]))

        let outcome = journal.file(other(), in: .shenzhen)

        #expect(outcome.verdict == Verdict(.held, [found(Self.line + [.same(.phone)])]))
    }

    @Test("another supplier, resource class, number of card hours or day is other work, and so is what is not said")
    func otherWork() {
        let claims = [
            other(supplier: .otherSupplier), other(resource: "910B"), other(hours: 101),
            other(service: .days("2026-06-01", "2026-07-02")), other(service: .days("2026-06-02", "2026-07-01")),
            other(resource: ""), other(hours: nil), other(hours: 0),
        ]
        for claim in claims {
            var journal = related()
            journal.file(own(), in: .hangzhou)

            #expect(journal.file(claim, in: .shenzhen).verdict == Verdict(.reserved))
        }
    }

    @Test("work that neither claim describes is not the same", arguments: [nil, 0] as [Int64?])
    func notDescribed(hours: Int64?) {
        var journal = related()
        journal.file(.sample("A", resource: "H20", hours: hours, invoices: [.serial(1)]), in: .hangzhou)

        #expect(journal.file(other(hours: hours), in: .shenzhen).verdict == Verdict(.reserved))
    }

    @Test("buyers that the ownership file does not connect may buy alike")
    func unrelated() {
        var unlisted = Journal(detecting: Self.rule)
        unlisted.file(own(), in: .hangzhou)
        var parted = Journal(detecting: Self.rule)
        parted.list(.sample(.buyer, [.sample(.phone, 1)]), .sample(.otherBuyer, [.sample(.phone, 2)]))
        parted.file(own(), in: .hangzhou)

        let outcomes = [unlisted.file(other(), in: .shenzhen), parted.file(other(), in: .shenzhen)]

        #expect(outcomes.map(\.verdict) == [Verdict(.reserved), Verdict(.reserved)])
    }

    @Test("one buyer's monthly invoices on one framework contract in one city are in order")
    func frameworkContract() {
        var journal = related()

        let outcomes = (1...4).map { month in
            journal.file(
                .sample("C\(month)", contract: "HT-1", resource: "H20", hours: 100, invoices: [.serial(month)]),
                in: .hangzhou)
        }

        #expect(outcomes.map(\.verdict) == [Verdict](repeating: Verdict(.reserved), count: 4))
    }

    @Test("a declared co-funding group may claim the same work")
    func cofunded() {
        var journal = related()
        journal.file(own(proof: Self.proof, group: "G"), in: .hangzhou)

        let outcome = journal.file(other(proof: Self.proof, group: "G"), in: .shenzhen)

        #expect(outcome.verdict == Verdict(.reserved))
    }

    @Test("two different groups may not")
    func otherGroup() {
        var journal = related()
        journal.file(own(group: "G"), in: .hangzhou)

        let outcome = journal.file(other(group: "H"), in: .shenzhen)

        #expect(outcome.verdict == Verdict(.held, [found(Self.line + [.same(.controller)])]))
    }

    @Test("a withdrawn claim is no neighbour")
    func withdrawn() {
        var journal = related()
        journal.file(own(), in: .hangzhou)
        journal.withdraw("A", in: .hangzhou)

        #expect(journal.file(other(), in: .shenzhen).verdict == Verdict(.reserved))
    }

    @Test("the policy may name the attributes that relate buyers")
    func attributes() {
        var journal = Journal(detecting: .detector("shared-workload", "D11") { $0.attributes = [.address] })
        journal.list(.sample(.buyer, [.sample(.controller)]), .sample(.otherBuyer, [.sample(.controller)]))
        journal.file(own(), in: .hangzhou)

        #expect(journal.file(other(), in: .shenzhen).verdict == Verdict(.reserved))
    }

    @Test("a policy that names no attribute at all is at fault")
    func fault() {
        #expect(Self.rule.fault == nil)
        #expect(Rule.detector("shared-workload", "D11") { $0.attributes = [] }.fault == "attributes is empty")
    }
}
