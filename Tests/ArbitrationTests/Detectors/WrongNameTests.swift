import TestSupport
import Testing
import VoucherDomain

@testable import Arbitration

@Suite("D15: a code under another company's name, an account under two codes")
struct WrongNameTests {
    private static let rule = Rule.detector("wrong-name", "D15")
    private static let name = "银达深智能科技有限公司"
    private static let otherName = "远安海新材料有限公司"

    private static let buyerEvidence: [FieldMatch] = [.same(.enterprise), .differs(.enterpriseName)]
    private static let supplierEvidence: [FieldMatch] = [.same(.provider), .differs(.providerName)]

    private func held(_ evidence: [FieldMatch] = buyerEvidence, by blocking: [ClaimName] = []) -> Verdict {
        Verdict(.held, [.detected("wrong-name", .wrongName, by: blocking, evidence)])
    }

    private func claim(_ number: String, _ serial: Int, _ name: String) -> Claim {
        .sample(number, buyerName: name, invoices: [.serial(serial)])
    }

    // MARK: Names of the ownership file

    @Test("another name than the listed one is held: the buyer's or the supplier's")
    func listedName() {
        var journal = Journal(detecting: Self.rule)
        journal.list(.sample(.buyer, name: Self.name), .sample(.supplier, name: Self.name))

        let outcomes = [
            journal.file(claim("A", 1, Self.otherName), in: .hangzhou),
            journal.file(claim("B", 2, Self.name).stating(providerName: Self.otherName), in: .hangzhou),
        ]

        #expect(outcomes.map(\.verdict) == [held(), held(Self.supplierEvidence)])
    }

    @Test(
        "another spelling is the same name",
        arguments: [
            name, "银达深智能科技", "银达深智能科技股份有限公司", "银达深（智能）科技 有限公司", "银达深智能科技(深圳)有限公司",
            "银达深智能科技有限公司杭州分公司", "银达深智能枓技有限公司", "",
        ])
    func otherSpelling(name: String) {
        var journal = Journal(detecting: Self.rule)
        journal.list(.sample(.buyer, name: Self.name))

        #expect(journal.file(claim("A", 1, name), in: .hangzhou).verdict == Verdict(.reserved))
    }

    @Test("width, case and legal form of a Latin name do not matter", arguments: ["Acme Co., Ltd.", "ＡＣＭＥ INC."])
    func latinSpelling(name: String) {
        var journal = Journal(detecting: Self.rule)
        journal.list(.sample(.buyer, name: "ACME CO.,LTD"))

        #expect(journal.file(claim("A", 1, name), in: .hangzhou).verdict == Verdict(.reserved))
    }

    @Test(
        "up to a third of the characters may differ, no more",
        arguments: [("甲乙丙丁庚辛", false), ("甲乙丙壬庚辛", true), ("甲乙丙丁戊庚", false)])
    func third(name: String, isHeld: Bool) {
        var journal = Journal(detecting: Self.rule)
        journal.list(.sample(.buyer, name: "甲乙丙丁戊己有限公司"))

        let outcome = journal.file(claim("A", 1, name), in: .hangzhou)

        #expect(outcome.verdict == (isHeld ? held() : Verdict(.reserved)))
    }

    @Test("the listed name counts, not those of earlier claims")
    func listedLater() {
        var journal = Journal(detecting: Self.rule)
        journal.file(claim("A", 1, Self.otherName), in: .hangzhou)
        journal.list(.sample(.buyer, name: Self.name))

        let outcomes = [
            journal.file(claim("B", 2, Self.name), in: .hangzhou),
            journal.file(claim("C", 3, Self.otherName), in: .hangzhou),
        ]

        #expect(outcomes.map(\.verdict) == [Verdict(.reserved), held()])
    }

    // MARK: Names of earlier claims

    @Test("where none is listed, the names of earlier claims count; the claims are named")
    func earlierNames() {
        var journal = Journal(detecting: Self.rule)
        journal.list(.sample(.buyer))
        journal.file(claim("A", 1, Self.name), in: .hangzhou)

        let outcome = journal.file(claim("B", 2, Self.otherName), in: .shenzhen)

        #expect(outcome.verdict == held(by: [.hangzhou("A")]))
    }

    @Test("a company is known by its name as a buyer and as a supplier")
    func otherRole() {
        var journal = Journal(detecting: Self.rule)
        journal.file(claim("A", 1, Self.name), in: .hangzhou)
        let sale = Claim.sample("B", voucher: "V3", buyer: .otherBuyer, supplier: .buyer, invoices: [.serial(2)])

        let outcome = journal.file(sale.stating(providerName: Self.otherName), in: .shenzhen)

        #expect(outcome.verdict == held(Self.supplierEvidence, by: [.hangzhou("A")]))
    }

    @Test("one name under two codes, and a name that is not given, are no contradiction")
    func noContradiction() {
        var journal = Journal(detecting: Self.rule)
        journal.file(claim("A", 1, Self.name), in: .hangzhou)

        let outcomes = [
            journal.file(
                .sample("B", voucher: "V3", buyer: .otherBuyer, buyerName: Self.name, invoices: [.serial(2)]),
                in: .hangzhou),
            journal.file(claim("C", 3, ""), in: .hangzhou), journal.file(claim("D", 4, Self.name), in: .shenzhen),
        ]

        #expect(outcomes.map(\.verdict) == [Verdict](repeating: Verdict(.reserved), count: 3))
    }

    @Test("the name of a withdrawn claim does not count")
    func withdrawn() {
        var journal = Journal(detecting: Self.rule)
        journal.file(claim("A", 1, Self.otherName), in: .hangzhou)
        journal.withdraw("A", in: .hangzhou)

        #expect(journal.file(claim("B", 2, Self.name), in: .hangzhou).verdict == Verdict(.reserved))
    }

    @Test("a name still counts when only the first of the claims under it was withdrawn")
    func firstWithdrawn() {
        var journal = Journal(detecting: Self.rule)
        journal.file(claim("A", 1, Self.name), in: .hangzhou)
        journal.file(claim("B", 2, Self.name), in: .hangzhou)
        journal.withdraw("A", in: .hangzhou)

        let outcome = journal.file(claim("C", 3, Self.otherName), in: .shenzhen)

        #expect(outcome.verdict == held(by: [.hangzhou("B")]))
    }

    @Test("a claim whose names enough live claims use leaves no trace")
    func leavesNoTrace() {
        var journal = Journal(detecting: Self.rule)

        let outcomes = (1...12).map { journal.file(claim("C\($0)", $0, Self.name), in: .hangzhou) }

        #expect(outcomes.map(\.imprint.traces.count) == [1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0])
    }

    // MARK: Accounts

    @Test("one bank account under two codes is held, on the buyer's side and on the supplier's")
    func sharedAccount() {
        var journal = Journal(detecting: Self.rule)
        journal.list(.sample(.buyer, [.sample(.account)]), .sample(.otherSupplier, [.sample(.account)]))

        let outcomes = [
            journal.file(.sample("A", invoices: [.serial(1)]), in: .hangzhou),
            journal.file(
                .sample("B", voucher: "V3", buyer: .otherBuyer, supplier: .otherSupplier, invoices: [.serial(2)]),
                in: .hangzhou),
            journal.file(.sample("C", voucher: "V3", buyer: .otherBuyer, invoices: [.serial(3)]), in: .hangzhou),
        ]

        let shared = Verdict(.held, [.detected("wrong-name", .sharedAccount, [.same(.account)])])
        #expect(outcomes.map(\.verdict) == [shared, shared, Verdict(.reserved)])
    }

    @Test("an account of one's own is in order, and so is one that the other company has given up")
    func ownAccount() {
        var journal = Journal(detecting: Self.rule)
        journal.list(.sample(.buyer, [.sample(.account)]), .sample(.supplier, [.sample(.account, 2)]))
        journal.list(.sample(.buyer, [.sample(.account)]))
        let own = journal.file(.sample("A", invoices: [.serial(1)]), in: .hangzhou)
        journal.list(.sample(.otherBuyer, [.sample(.account)]))
        journal.list(.sample(.otherBuyer, [.sample(.account, 3)]))
        let givenUp = journal.file(.sample("B", invoices: [.serial(2)]), in: .hangzhou)

        #expect([own.verdict, givenUp.verdict] == [Verdict(.reserved), Verdict(.reserved)])
    }

    @Test("another attribute with the same hash is no account")
    func otherAttribute() {
        var journal = Journal(detecting: Self.rule)
        journal.list(.sample(.buyer, [.sample(.account)]), .sample(.otherBuyer, [.sample(.phone)]))

        #expect(journal.file(.sample("A", invoices: [.serial(1)]), in: .hangzhou).verdict == Verdict(.reserved))
    }

    @Test("the rule needs no numbers")
    func fault() {
        #expect(Self.rule.fault == nil)
    }
}
