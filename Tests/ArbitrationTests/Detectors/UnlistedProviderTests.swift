import TestSupport
import Testing
import VoucherDomain

@testable import Arbitration

@Suite("A supplier that is not on the national list")
struct UnlistedProviderTests {
    private static let rule = Rule.detector("unlisted-provider", "listed", .flag)

    private static let flagged = Verdict(
        .reserved, [.detected("unlisted-provider", .unlistedProvider, as: .flag, [.differs(.provider)])])

    private func verdict(_ providers: [Register.Provider]) -> Verdict {
        var journal = Journal(detecting: Self.rule)
        journal.append(.providersListed(providers), in: .registry)
        return journal.file(.sample("A", invoices: [.serial(1)]), in: .hangzhou).verdict
    }

    @Test("silent while no list has been published, and by a list without rows")
    func noList() {
        var journal = Journal(detecting: Self.rule)

        let outcome = journal.file(.sample("A", invoices: [.serial(1)]), in: .hangzhou)

        #expect([outcome.verdict, verdict([])] == [Verdict(.reserved), Verdict(.reserved)])
    }

    @Test("a supplier that the list does not name is flagged and stays reserved")
    func notNamed() {
        #expect(verdict([.sample(.otherSupplier, from: "2025-01-01")]) == Self.flagged)
    }

    @Test(
        "the day counts on which the service begins, here the first of June; the last day of listing is excluded",
        arguments: [
            ("2025-01-01", nil, true), ("2026-06-01", nil, true), ("2026-06-02", nil, false),
            ("2025-01-01", "2026-06-02", true), ("2025-01-01", "2026-06-01", false),
        ] as [(String, String?, Bool)])
    func dates(from: String, until: String?, isListed: Bool) {
        let verdict = verdict([.sample(.supplier, from: from, until: until)])

        #expect(verdict == (isListed ? Verdict(.reserved) : Self.flagged))
    }

    @Test("the newest row on a supplier is what counts")
    func newestRow() {
        var journal = Journal(detecting: Self.rule)
        journal.list(.sample(.supplier, from: "2025-01-01"))
        let listed = journal.file(.sample("A", invoices: [.serial(1)]), in: .hangzhou)
        journal.list(.sample(.supplier, from: "2025-01-01", until: "2026-05-01"))
        let struckOff = journal.file(.sample("B", invoices: [.serial(2)]), in: .hangzhou)

        #expect([listed.verdict, struckOff.verdict] == [Verdict(.reserved), Self.flagged])
    }

    @Test("the buyer need not be on the list")
    func buyer() {
        #expect(verdict([.sample(.supplier, from: "2025-01-01")]) == Verdict(.reserved))
    }

    @Test("the rule needs no numbers")
    func fault() {
        #expect(Self.rule.fault == nil)
    }
}
