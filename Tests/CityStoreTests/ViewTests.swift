import FederationWire
import GRDB
import Replication
import TestSupport
import Testing
import VoucherDomain

@testable import CityStore

@Suite("The documented views")
struct ViewTests {
    private let node: TestNode
    private let registry: TestRegistry

    init() throws {
        node = try TestNode()
        registry = try TestRegistry()
    }

    @Test(
        "each view has its columns, in their order",
        arguments: [
            (
                "v1_claims",
                """
                claim_no state voucher_no enterprise_uscc enterprise_name provider_uscc provider_name contract_no \
                contract_amount_yuan service_from service_until resource_class card_hours invoice_numbers \
                invoice_amounts_yuan claimed_yuan cofunding_group filed_at case_id position log_sequence id
                """
            ),
            (
                "v1_vouchers",
                """
                voucher_no state programme enterprise_uscc enterprise_name face_value_yuan issued_on valid_from \
                valid_until id
                """
            ),
            (
                "v1_sync",
                """
                city_code city_name log_head received_through feed_position unsent undecided policy_version \
                last_contact_ms
                """
            ),
        ])
    func columns(view: String, columns: String) throws {
        let names = try node.rows("SELECT name FROM pragma_table_info(?) ORDER BY cid", [view])

        #expect(names.map { $0["name"] as String? } == columns.split(separator: " ").map { String($0) })
    }

    @Test("a claim is recorded, then received, then decided")
    func claimStates() throws {
        func row() throws -> Row? {
            try node.rows("SELECT state, position, log_sequence FROM v1_claims WHERE claim_no = 'SZ-1'").first
        }
        try node.issueVoucher()
        try node.file(Form.claim(1))
        #expect(try row() == ["state": "recorded", "position": nil, "log_sequence": 2])
        for entry in try node.push(to: registry) { try registry.decide(entry) }
        #expect(try row() == ["state": "received", "position": nil, "log_sequence": 2])
        try node.pull(from: registry)
        #expect(try row() == ["state": "reserved", "position": 3, "log_sequence": 2])
    }

    @Test("a voucher is recorded, then received, then registered")
    func voucherStates() throws {
        func state() throws -> String? { try node.store.vouchers(after: 0, limit: 9).first?.state }
        try node.issueVoucher()
        #expect(try state() == "recorded")
        for entry in try node.push(to: registry) { try registry.decide(entry) }
        #expect(try state() == "received")
        try node.pull(from: registry)
        #expect(try state() == "registered")
    }

    @Test("a claim's fields are shown by the names of the exchanged file")
    func claimFields() throws {
        try node.issueVoucher()
        try node.file(Form.claim(1, ["card_hours": "12000", "resource_class": "h20", "cofunding_group": "g-1"]))
        let row = try #require(try node.rows("SELECT * FROM v1_claims").first)

        let expected = [
            "claim_no": "SZ-1", "voucher_no": "SLQ-2026-0001", "enterprise_uscc": Form.buyer,
            "provider_uscc": Form.supplier, "contract_no": "算字第A1号", "contract_amount_yuan": "90000.00",
            "service_from": "2026-03-01", "service_until": "2026-06-01", "resource_class": "H20",
            "card_hours": "12000", "invoice_numbers": Form.invoice(1), "invoice_amounts_yuan": "50000.00",
            "claimed_yuan": "20000.00", "cofunding_group": "G-1",
        ]
        for (column, text) in expected { #expect(row[column] as String? == text, "\(column)") }
        #expect(row["filed_at"] as String? == nil)
    }

    @Test("a voucher's fields are shown by the names of the exchanged file")
    func voucherFields() throws {
        try node.issueVoucher()
        let row = try #require(try node.rows("SELECT * FROM v1_vouchers").first)

        for (column, text) in Form.voucher().fields { #expect(row[column] as String? == text, "\(column)") }
    }

    @Test("the state of replication counts what is unsent and undecided")
    func sync() throws {
        func row() throws -> [Int?] {
            let columns = [
                "city_code", "log_head", "received_through", "feed_position", "unsent", "undecided", "policy_version",
            ]
            let row = try #require(try node.rows("SELECT * FROM v1_sync").first)
            return columns.map { row[$0] }
        }
        #expect(try row() == [440_300, 0, 0, 0, 0, 0, 0])
        try node.issueVoucher()
        try node.file(Form.claim(1), Form.claim(2, ["claimed_yuan": ""]))
        #expect(try row() == [440_300, 2, 0, 0, 2, 2, 0])
        for entry in try node.push(to: registry) { try registry.decide(entry) }
        #expect(try row() == [440_300, 2, 2, 0, 0, 2, 0])
        try node.pull(from: registry)
        #expect(try row() == [440_300, 2, 2, 3, 0, 0, 1])
    }

    @Test("before the node has joined there is nothing to show")
    func notJoined() throws {
        let directory = try TemporaryDirectory()
        let store = try CityStore(directory: directory.path)

        for view in ["v1_claims", "v1_vouchers", "v1_sync"] {
            #expect(try store.pool.read { try Row.fetchAll($0, sql: "SELECT * FROM \(view)") } == [])
        }
        try store.close()
    }

    @Test("pages of lists follow each other without a gap or a repetition")
    func paging() throws {
        try node.issue((1...5).map { Form.voucher("SLQ-\($0)") } + [Form.voucher()], now: .noon)
        for index in 1...5 { try node.file(Form.claim(index)) }
        var claims: [String] = []
        while true {
            let page = try node.store.claims(.init(state: "recorded"), after: try lastID(claims), limit: 2)
            if page.isEmpty { break }
            claims += page.map(\.number)
        }

        #expect(claims == (1...5).map { "SZ-\($0)" })
        let first = try node.store.vouchers(after: 0, limit: 4)
        let second = try node.store.vouchers(after: try #require(first.last).id, limit: 4)
        #expect((first + second).map(\.number) == (1...5).map { "SLQ-\($0)" } + ["SLQ-2026-0001"])
    }

    private func lastID(_ numbers: [String]) throws -> Int64 {
        try numbers.last.flatMap { try node.store.claim($0)?.id } ?? 0
    }
}
