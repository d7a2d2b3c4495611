import Arbitration
import FederationWire
import GRDB
import Replication
import Testing
import VoucherDomain

@testable import CityStore

@Suite("Filing")
struct FilingTests {
    private let node: TestNode

    init() throws {
        node = try TestNode()
        try node.issueVoucher()
    }

    @Test("a claim is one entry of the log and one row")
    func oneEntryOneRow() throws {
        let results = try node.file(Form.claim(1))

        #expect(results == [.init(line: nil, number: "SZ-1", outcome: .recorded, problems: [], repairs: [])])
        let entry = try #require(try node.log().last)
        #expect(entry.kind == .claimFiled)
        #expect(try PayloadCoding.claim(entry.payload) == ClaimForm(fields: Form.claim(1).fields).validated().value)
        #expect(try node.rows("SELECT claim_no, sequence FROM claim") == [["claim_no": "SZ-1", "sequence": 2]])
        #expect(try node.log().count == 2)
    }

    @Test("a voucher is one entry of the log and one row")
    func voucher() throws {
        let entry = try #require(try node.log().first)

        #expect(entry.kind == .voucherIssued)
        #expect(
            try PayloadCoding.voucher(entry.payload) == VoucherForm(fields: Form.voucher().fields).validated().value)
        #expect(
            try node.rows("SELECT voucher_no, sequence FROM voucher")
                == [["voucher_no": "SLQ-2026-0001", "sequence": 1]])
    }

    @Test("when the row cannot be written there is no entry either", arguments: ["claim", "voucher"])
    func neither(table: String) throws {
        try node.execute("CREATE TRIGGER broken BEFORE INSERT ON \(table) BEGIN SELECT RAISE(ABORT, 'no'); END")
        let before = try node.everything()

        #expect(throws: DatabaseError.self) {
            try node.issue([Form.voucher("SLQ-2")], now: .noon)
            try node.file(Form.claim(1))
        }
        // Of two forms the first one was whole where only claims cannot be written.
        #expect(try table == "claim" || node.everything() == before)
        #expect(try node.rows("SELECT * FROM claim").isEmpty)
        #expect(try node.store.verifyLog() == (table == "voucher" ? 1 : 2))
    }

    @Test("when the entry cannot be written there is no row either")
    func neitherEntry() throws {
        try node.execute("CREATE TRIGGER broken BEFORE INSERT ON log_entry BEGIN SELECT RAISE(ABORT, 'no'); END")
        let before = try node.everything()

        #expect(throws: DatabaseError.self) { try node.file(Form.claim(1)) }
        #expect(try node.everything() == before)
    }

    @Test("a failure in the middle of a piece of a file leaves nothing of the piece")
    func pieceIsOneTransaction() throws {
        try node.execute(
            """
            CREATE TRIGGER broken BEFORE INSERT ON claim WHEN NEW.claim_no = 'SZ-3'
            BEGIN SELECT RAISE(ABORT, 'no'); END
            """)
        let before = try node.everything()

        #expect(throws: DatabaseError.self) { try node.file(Form.claim(1), Form.claim(2), Form.claim(3)) }
        #expect(try node.everything() == before)
        #expect(try node.file(Form.claim(1), Form.claim(2)).map(\.outcome) == [.recorded, .recorded])
    }

    @Test("the same again changes nothing, however often and in whatever spelling")
    func sameAgain() throws {
        try node.file(Form.claim(1))
        let before = try node.everything()
        let spelled: [String: String?] = [
            "enterprise_uscc": "９１４４０３００ＭＡ５ＥＸＡＭＰ０Ｃ", "invoice_numbers": "2411-7000-0001-0000-0001",
            "contract_no": " 算字第A1号 ",
        ]

        #expect(try node.file(Form.claim(1), Form.claim(1)).map(\.outcome) == [.unchanged, .unchanged])
        #expect(try node.file(Form.claim(1, line: 9, spelled)).map(\.outcome) == [.unchanged])
        #expect(try node.issueVoucher().map(\.outcome) == [.unchanged])
        #expect(try node.everything() == before)
    }

    @Test(
        "a number with other content is in conflict and changes nothing",
        arguments: [
            ("claimed_yuan", "20000.01"), ("enterprise_name", "别家"), ("card_hours", "1"),
            ("filed_at", "2026-06-02T18:24:46+08:00"), ("cofunding_group", "G-1"), ("contract_no", "算字第A1号甲"),
        ])
    func conflict(column: String, text: String) throws {
        try node.file(Form.claim(1))
        let before = try node.everything()
        let result = try #require(try node.file(Form.claim(1, line: 4, [column: text])).first)

        #expect(result.outcome == .conflict)
        #expect(result.line == 4)
        #expect(result.problems.map(\.column) == ["claim_no"])
        #expect(try node.everything() == before)
    }

    @Test("a serial with other content is in conflict and changes nothing")
    func voucherConflict() throws {
        let before = try node.everything()
        let results = try node.issue(
            [Form.voucher(line: 2, ["face_value_yuan": "2000000.01"])], now: .noon)

        #expect(results.map(\.outcome) == [.conflict])
        #expect(results.first?.problems.map(\.column) == ["voucher_no"])
        #expect(try node.everything() == before)
    }

    @Test("one file may name a number twice: the second row is judged by the first")
    func twiceInOneFile() throws {
        let results = try node.file(
            Form.claim(1, line: 2), Form.claim(1, line: 3), Form.claim(1, line: 4, ["claimed_yuan": "1.00"]))

        #expect(results.map(\.outcome) == [.recorded, .unchanged, .conflict])
        #expect(results.map(\.line) == [2, 3, 4])
    }

    @Test("the log keeps the order of the rows")
    func order() throws {
        try node.file(Form.claim(5), Form.claim(3), Form.claim(9), Form.claim(1))

        let numbers = try node.log().dropFirst().map { try PayloadCoding.claim($0.payload).number }
        #expect(numbers == ["SZ-5", "SZ-3", "SZ-9", "SZ-1"])
        #expect(try node.store.claims(limit: 9).map(\.number) == numbers)
    }

    @Test("numbers are compared as bytes: two spellings that look alike are two claims")
    func numbersAreBytes() throws {
        let results = try node.file(
            Form.claim(1, ["claim_no": "Caf\u{E9}"]), Form.claim(2, ["claim_no": "Cafe\u{301}"]))

        #expect(results.map(\.outcome) == [.recorded, .recorded])
        #expect(try node.store.claim("Cafe\u{301}")?.fields["contract_no"] == "算字第A2号")
        #expect(try node.store.claim("Caf\u{E9}")?.fields["contract_no"] == "算字第A1号")
    }

    @Test("a repaired field is filed as read and shown with what was typed")
    func repairs() throws {
        let result = try #require(
            try node.file(Form.claim(1, ["provider_uscc": "91110108MA5PRQDRO7"])).first)

        let repair = FieldRepair(column: "provider_uscc", typed: "91110108MA5PRQDRO7", read: Form.supplier)
        #expect(result.outcome == .recorded)
        #expect(result.repairs == [repair])
        let view = try #require(try node.store.claim("SZ-1"))
        #expect(view.repairs == [repair])
        #expect(view.fields["provider_uscc"] == Form.supplier)
    }
}
