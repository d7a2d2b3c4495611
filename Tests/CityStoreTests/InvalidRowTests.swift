import Replication
import Testing
import VoucherDomain

@testable import CityStore

@Suite("Rows that are no claims")
struct InvalidRowTests {
    private let node: TestNode

    init() throws {
        node = try TestNode()
        try node.issueVoucher()
    }

    @Test("an invalid row is kept as typed, with its row number and all of its problems, and is no entry")
    func kept() throws {
        let row = Form.claim(1, line: 17, ["claimed_yuan": "20,000", "service_from": "1 March"])
        let result = try #require(try node.file(row).first)

        #expect(result.outcome == .invalid)
        #expect(Set(result.problems.map(\.column)) == ["claimed_yuan", "service_from"])
        let view = try #require(try node.store.claim("SZ-1"))
        #expect(view.state == "invalid")
        #expect(view.problems == result.problems)
        #expect(view.sourceRow == 17)
        #expect(view.fields["claimed_yuan"] == "20,000")
        #expect(view.receipt == nil)
        #expect(try node.log().count == 1)
        #expect(try node.store.claims(.init(state: "invalid"), limit: 9) == [view])
    }

    @Test("a row without a number is kept under its row number")
    func withoutNumber() throws {
        let results = try node.file(
            Form.claim(1, line: 5, ["claim_no": nil]), Form.claim(2, line: 6, ["claim_no": " "]))

        #expect(results.map(\.number) == ["row 5", "row 6"])
        #expect(try node.store.claim("row 5")?.problems.map(\.column) == ["claim_no"])
        #expect(try node.store.claim("row 6")?.sourceRow == 6)
    }

    @Test("a number with a zero byte in it writes over no other row")
    func zeroByte() throws {
        try node.file(Form.claim(1, line: 2, ["claimed_yuan": "much"]))
        let kept = try #require(try node.store.claim("SZ-1"))
        let result = try #require(try node.file(Form.claim(2, line: 3, ["claim_no": "SZ-1\u{0}x"])).first)

        #expect(result.outcome == .invalid)
        #expect(try node.store.claim("SZ-1") == kept)
    }

    @Test("a corrected row is filed under the same number, in its old place, and its problems are gone")
    func corrected() throws {
        try node.file(
            Form.claim(1, line: 2, ["claimed_yuan": "much"]), Form.claim(2, line: 3), Form.claim(3, line: 4))
        let result = try #require(try node.file(Form.claim(1, line: 12)).first)

        #expect(result.outcome == .recorded)
        let views = try node.store.claims(limit: 9)
        #expect(views.map(\.number) == ["SZ-1", "SZ-2", "SZ-3"])
        #expect(views.map(\.state) == ["recorded", "recorded", "recorded"])
        #expect(views[0].problems == [])
        #expect(views[0].sourceRow == 12)
        #expect(views[0].fields["claimed_yuan"] == "20000.00")
        #expect(try node.store.verifyLog() == 4)
    }

    @Test("a row that is still wrong replaces what was wrong before")
    func stillWrong() throws {
        try node.file(Form.claim(1, line: 2, ["claimed_yuan": "much"]))
        try node.file(Form.claim(1, line: 3, ["service_until": "2026-02-01"]))

        let view = try #require(try node.store.claim("SZ-1"))
        #expect(view.problems.map(\.column) == ["service_until"])
        #expect(view.sourceRow == 3)
        #expect(view.fields["claimed_yuan"] == "20000.00")
    }

    @Test(
        "a broken row never touches a claim that was filed under its number",
        arguments: ["claimed_yuan", "voucher_no", "enterprise_uscc", "invoice_numbers"])
    func neverOverwrites(column: String) throws {
        try node.file(Form.claim(1))
        let before = try node.everything()

        #expect(try node.file(Form.claim(1, line: 2, [column: "broken"])).map(\.outcome) == [.invalid])
        #expect(try node.everything() == before)
    }

    @Test("the same broken file twice changes nothing")
    func sameFileTwice() throws {
        let rows = [
            Form.claim(1, line: 2, ["claimed_yuan": "much"]), Form.claim(2, line: 3),
            Form.claim(3, line: 4, ["claim_no": nil]), Form.claim(4, line: 5, ["voucher_no": "SLQ-NONE"]),
        ]
        let first = try node.store.fileClaims(rows, now: .noon)
        let before = try node.everything()
        let second = try node.store.fileClaims(rows, now: .noon + 60_000)

        #expect(first.map(\.outcome) == [.invalid, .recorded, .invalid, .invalid])
        #expect(second.map(\.outcome) == [.invalid, .unchanged, .invalid, .invalid])
        #expect(try node.everything() == before)
    }

    @Test("a voucher that this city never issued is a fault of the row, which a later import mends")
    func unknownVoucher() throws {
        let row = Form.claim(1, line: 2, ["voucher_no": "SLQ-NEW"])
        let result = try #require(try node.file(row).first)

        #expect(result.outcome == .invalid)
        #expect(result.problems.map(\.column) == ["voucher_no"])
        #expect(try node.log().count == 1)
        try node.issue([Form.voucher("SLQ-NEW")], now: .noon)
        #expect(try node.file(row).map(\.outcome) == [.recorded])
        #expect(try node.state("SZ-1") == "recorded")
    }

    @Test("a voucher of another enterprise is a fault of the row")
    func otherEnterprise() throws {
        let result = try #require(try node.file(Form.claim(1, ["enterprise_uscc": Form.stranger])).first)

        #expect(result.outcome == .invalid)
        #expect(result.problems.map(\.column) == ["enterprise_uscc"])
        #expect(try node.state("SZ-1") == "invalid")
        #expect(try node.log().count == 1)
    }

    @Test("a broken voucher row is told and leaves nothing behind")
    func brokenVoucher() throws {
        let before = try node.everything()
        let results = try node.issue(
            [Form.voucher("SLQ-2", line: 2, ["face_value_yuan": "0.00"]), Form.voucher("", line: 3)], now: .noon)

        #expect(results.map(\.outcome) == [.invalid, .invalid])
        #expect(results.map { $0.problems.map(\.column) } == [["face_value_yuan"], ["voucher_no"]])
        #expect(try node.everything() == before)
    }

    @Test("broken rows between good ones do not stop them")
    func mixed() throws {
        let results = try node.file(
            Form.claim(1), Form.claim(2, ["claimed_yuan": nil]), Form.claim(3), Form.claim(4, ["contract_no": "第号"]),
            Form.claim(5))

        #expect(results.map(\.outcome) == [.recorded, .invalid, .recorded, .invalid, .recorded])
        #expect(try node.store.verifyLog() == 4)
    }
}
