import TestSupport
import Testing
import VoucherDomain

@testable import Arbitration

@Suite("D13: a company, or its branch, that claims in two cities")
struct MovedCompanyTests {
    private static let rule = Rule.detector("moved-company", "D13", .flag)

    private func flagged(by blocking: [ClaimName], _ fields: [FieldMatch.Field]) -> Verdict {
        Verdict(
            .reserved, [.detected("moved-company", .movedCompany, as: .flag, by: blocking, fields.map { .same($0) })])
    }

    private func own(
        _ number: String, _ serial: Int, service: DayInterval = .june, group: String = ""
    ) -> Claim {
        .sample(number, service: service, invoices: [.serial(serial)], group: group)
    }

    private func branch(_ number: String, _ serial: Int) -> Claim {
        .sample(number, voucher: "V3", buyer: .otherBuyer, invoices: [.serial(serial)])
    }

    @Test("one company in two cities in one programme year is flagged and stays reserved")
    func twoCities() {
        var journal = Journal(detecting: Self.rule)
        journal.file(own("A", 1), in: .hangzhou)

        let outcome = journal.file(own("B", 2, service: .days("2026-12-31", "2027-06-01")), in: .shenzhen)

        #expect(outcome.verdict == flagged(by: [.hangzhou("A")], [.enterprise]))
    }

    @Test("a branch and its head office are one company, whichever comes first", arguments: [false, true])
    func branchAndHeadOffice(isBranchFirst: Bool) {
        var journal = Journal(detecting: Self.rule)
        journal.list(.sample(.otherBuyer, headOffice: .buyer))
        let claims = isBranchFirst ? [branch("A", 1), own("B", 2)] : [own("A", 1), branch("B", 2)]
        journal.file(claims[0], in: .hangzhou)

        let outcome = journal.file(claims[1], in: .shenzhen)

        #expect(outcome.verdict == flagged(by: [.hangzhou("A")], [.headOffice]))
    }

    @Test("every claim in another city is named, and no claim of its own city")
    func severalCities() {
        var journal = Journal(detecting: Self.rule)
        journal.list(.sample(.otherBuyer, headOffice: .buyer))
        journal.file(own("A", 1), in: .hangzhou)
        journal.file(branch("B", 2), in: .shenzhen)
        journal.file(own("C", 3), in: .beijing)

        let outcome = journal.file(own("D", 4), in: .beijing)

        #expect(outcome.verdict == flagged(by: [.hangzhou("A"), .shenzhen("B")], [.enterprise, .headOffice]))
    }

    @Test("a company that is listed between its claims is still the same company")
    func listedLater() {
        var journal = Journal(detecting: Self.rule)
        journal.file(own("A", 1), in: .hangzhou)
        journal.list(.sample(.buyer, headOffice: .otherSupplier))

        let outcome = journal.file(own("B", 2), in: .shenzhen)

        #expect(outcome.verdict == flagged(by: [.hangzhou("A")], [.enterprise]))
    }

    @Test("monthly claims in one city are in order")
    func oneCity() {
        var journal = Journal(detecting: Self.rule)

        let outcomes = (1...4).map { journal.file(own("C\($0)", $0), in: .hangzhou) }

        #expect(outcomes.map(\.verdict) == [Verdict](repeating: Verdict(.reserved), count: 4))
    }

    @Test(
        "another programme year is another matter",
        arguments: [
            DayInterval.days("2025-12-31", "2026-12-31"), .days("2027-01-01", "2027-02-01"), .nextYear,
        ])
    func otherYear(service: DayInterval) {
        var journal = Journal(detecting: Self.rule)
        journal.file(own("A", 1, service: service), in: .hangzhou)

        #expect(journal.file(own("B", 2), in: .shenzhen).verdict == Verdict(.reserved))
    }

    @Test("a declared co-funding group is no move; another group is one")
    func cofunded() {
        var journal = Journal(detecting: Self.rule)
        journal.file(own("A", 1, group: "G"), in: .hangzhou)

        let outcomes = [
            journal.file(own("B", 2, group: "G"), in: .shenzhen), journal.file(own("C", 3, group: "H"), in: .beijing),
        ]

        let moved = flagged(by: [.hangzhou("A"), .shenzhen("B")], [.enterprise])
        #expect(outcomes.map(\.verdict) == [Verdict(.reserved), moved])
    }

    @Test("companies that the file does not connect are two")
    func unrelated() {
        var journal = Journal(detecting: Self.rule)
        journal.list(.sample(.otherBuyer, headOffice: .otherSupplier))
        journal.file(own("A", 1), in: .hangzhou)

        #expect(journal.file(branch("B", 2), in: .shenzhen).verdict == Verdict(.reserved))
    }

    @Test("a company whose claim was withdrawn there may claim here")
    func withdrawn() {
        var journal = Journal(detecting: Self.rule)
        journal.file(own("A", 1), in: .hangzhou)
        journal.withdraw("A", in: .hangzhou)

        #expect(journal.file(own("B", 2), in: .shenzhen).verdict == Verdict(.reserved))
    }

    @Test("a policy may hold such claims instead")
    func held() {
        var journal = Journal(detecting: .detector("moved-company", "D13", .hold))
        journal.file(own("A", 1), in: .hangzhou)

        let outcome = journal.file(own("B", 2), in: .shenzhen)

        let reason = Reason.detected("moved-company", .movedCompany, by: [.hangzhou("A")], [.same(.enterprise)])
        #expect(outcome.verdict == Verdict(.held, [reason]))
    }

    @Test("the rule needs no numbers")
    func fault() {
        #expect(Self.rule.fault == nil)
    }
}
