import GRDB
import Testing

@testable import CityStore

@Suite("Looking for claims")
struct ClaimFilterTests {
    private let node: TestNode

    /// SZ-1 to SZ-12, and two whose fields are written otherwise.
    init() throws {
        node = try TestNode()
        try node.issueVoucher()
        for index in 1...12 { try node.file(Form.claim(index)) }
        try node.file(
            Form.claim(
                13, ["claim_no": "bj-x", "contract_no": "ht（甲）７", "enterprise_name": "深圳（集团）ai公司"]),
            Form.claim(14, ["claim_no": "50%_A", "contract_no": "增50%号"]))
    }

    private func found(_ filter: CityStore.ClaimFilter) throws -> [String] {
        try node.store.claims(filter, limit: 100).map(\.number)
    }

    /// The claims of pages of two, one after the other.
    private func paged(_ filter: CityStore.ClaimFilter) throws -> [String] {
        var claims: [CityStore.ClaimView] = []
        while true {
            let page = try node.store.claims(filter, after: claims.last?.id ?? 0, limit: 2)
            #expect(page.count <= 2)
            claims += page
            if page.isEmpty { return claims.map(\.number) }
        }
    }

    /// How SQLite reads a page.
    private func plan(_ filter: CityStore.ClaimFilter) throws -> [String] {
        try node.store.pool.read { database in
            guard let page = try filter.condition(after: 7, limit: 5, database) else { return [] }
            let sql = "EXPLAIN QUERY PLAN \(CityStore.claimQuery(page.sql))"
            return try Row.fetchAll(database, sql: sql, arguments: page.arguments).map { $0["detail"] as String }
        }
    }

    @Test(
        "a claim is found by any of its numbers and its enterprise, whatever width and case they are typed or kept in",
        arguments: [
            ("bj-x", "bj-x"), ("BJ-X", "bj-x"), ("ｂｊ－Ｘ", "bj-x"), ("  bj-", "bj-x"), ("HT(甲)7", "bj-x"),
            ("ｈｔ（甲）７", "bj-x"), ("(集团)AI", "bj-x"), ("（集团）ａｉ公司", "bj-x"), ("sz-7", "SZ-7"),
            ("ＳＺ－７", "SZ-7"), (Form.invoice(7), "SZ-7"), ("算字第a7号", "SZ-7"),
        ])
    func folding(typed: String, number: String) throws {
        #expect(try found(.init(text: typed)) == [number])
    }

    @Test("a page behind 0 is the first one, in either order")
    func behindNothing() throws {
        for isNewestFirst in [false, true] {
            let filter = CityStore.ClaimFilter(isNewestFirst: isNewestFirst)
            #expect(try node.store.claims(filter, after: 0, limit: 3) == node.store.claims(filter, limit: 3))
            #expect(try node.store.claims(filter, after: 0, limit: 3).count == 3)
        }
    }

    @Test("a voucher, an enterprise and its credit code find all their claims")
    func shared() throws {
        for text in ["slq-2026", "91440300ma5examp0c", "深圳"] {
            #expect(try found(.init(text: text)).count == 14, "\(text)")
        }
        #expect(try found(.init(text: "某某科技")).count == 13)
        #expect(try found(.init(text: "北京")) == [])
    }

    @Test("a voucher's claims are those on its very number, not on one that begins with it")
    func voucher() throws {
        try node.issue([Form.voucher("V-1"), Form.voucher("V-10")])
        try node.file(
            Form.claim(15, ["voucher_no": "V-1"]), Form.claim(16, ["voucher_no": "V-10"]),
            Form.claim(17, ["voucher_no": "V-1", "claimed_yuan": ""]))

        #expect(try found(.init(voucherNumber: "V-1")) == ["SZ-15", "SZ-17"])
        #expect(try found(.init(voucherNumber: "V-10")) == ["SZ-16"])
        #expect(try found(.init(text: "SZ-1", voucherNumber: "V-1")) == [])
        #expect(try found(.init(text: "sz-", voucherNumber: "V-1", isNewestFirst: true)) == ["SZ-17", "SZ-15"])
        #expect(try found(.init(state: "invalid", voucherNumber: "V-1")) == ["SZ-17"])
        for other in ["V-", "v-1", "V-1\u{0}"] { #expect(try found(.init(voucherNumber: other)) == [], "\(other)") }
    }

    @Test(
        "a percent sign and an underscore are looked for as they are",
        arguments: [("%", ["50%_A"]), ("_", ["50%_A"]), ("0%", ["50%_A"]), ("SZ%", []), ("SZ_1", []), ("%_%", [])])
    func literal(text: String, numbers: [String]) throws {
        #expect(try found(.init(text: text)) == numbers)
    }

    @Test("a text that is a claim's number finds that claim alone, and a part of it all that have it")
    func number() throws {
        #expect(try found(.init(text: "SZ-1")) == ["SZ-1"])
        #expect(try found(.init(text: "A1")) == ["SZ-1", "SZ-10", "SZ-11", "SZ-12"])
        #expect(try plan(.init(text: "SZ-1")).contains { $0.contains("claim_no=?") })
    }

    @Test("white space alone asks for nothing, and what stands behind a zero byte is not left out")
    func nothing() throws {
        #expect(try found(.init(text: " \u{3000}")).count == 14)
        #expect(try found(.init(text: "SZ-1\u{0}")) == [])
    }

    @Test("a state is asked for beside the text")
    func state() throws {
        try node.file(Form.claim(15, ["claimed_yuan": ""]))

        #expect(try found(.init(state: "invalid", text: "SZ-1")) == [])
        #expect(try found(.init(state: "invalid", text: "SZ-")) == ["SZ-15"])
        #expect(try found(.init(state: "recorded", text: "SZ-")).count == 12)
    }

    @Test(
        "pages follow each other without a gap or a repetition, in both orders",
        arguments: [nil, "recorded"], [nil, "sz-", "a1", "SZ-1"])
    func paging(state: String?, text: String?) throws {
        let oldest = CityStore.ClaimFilter(state: state, text: text)
        let newest = CityStore.ClaimFilter(state: state, text: text, isNewestFirst: true)

        #expect(try !found(oldest).isEmpty)
        #expect(try paged(oldest) == found(oldest))
        #expect(try paged(newest) == Array(found(oldest).reversed()))
    }

    @Test("a page without a text is read in the claims' own order, from its first row on", arguments: [true, false])
    func ownOrder(isNewestFirst: Bool) throws {
        let steps = try plan(.init(isNewestFirst: isNewestFirst))

        #expect(steps.first?.hasPrefix("SEARCH c USING INTEGER PRIMARY KEY") == true)
        #expect(!steps.contains { $0.contains("TEMP B-TREE") })
        // There is one node.
        #expect(steps.filter { $0.hasPrefix("SCAN") } == ["SCAN n"])
    }

    @Test("a row that is no claim is found as it was typed, and once it is corrected as it is then")
    func corrected() throws {
        try node.file(Form.claim(15, ["contract_no": "ht-旧", "claimed_yuan": ""]))
        #expect(try found(.init(text: "HT-旧")) == ["SZ-15"])
        try node.file(Form.claim(15, ["contract_no": "ht-新", "claimed_yuan": "x"]))
        #expect(try found(.init(text: "HT-旧")) == [])
        try node.file(Form.claim(15, ["contract_no": "ht-末"]))

        #expect(try found(.init(text: "HT-新")) == [])
        #expect(try found(.init(text: "ht-末")) == ["SZ-15"])
        #expect(try node.state("SZ-15") == "recorded")
    }

    @Test("a store of an older build learns what its claims are looked for in")
    func migrated() throws {
        try node.file(Form.claim(15, ["claimed_yuan": ""]))
        let before = try node.everything()
        try node.execute(
            """
            ALTER TABLE claim DROP COLUMN search_text;
            DELETE FROM grdb_migrations WHERE identifier = 'city_v009_claim_search';
            """)
        try node.reopen()

        #expect(try node.everything() == before)
        #expect(try found(.init(text: "(集团)ai")) == ["bj-x"])
    }

    @Test("a damaged row does not keep a store of an older build from opening")
    func damaged() throws {
        try node.execute(
            """
            PRAGMA ignore_check_constraints = ON;
            UPDATE claim SET fields = '{"claim_no": 7' WHERE claim_no = 'SZ-7';
            PRAGMA ignore_check_constraints = OFF;
            ALTER TABLE claim DROP COLUMN search_text;
            DELETE FROM grdb_migrations WHERE identifier = 'city_v009_claim_search';
            """)
        try node.reopen()

        #expect(try found(.init(text: "SZ-8")) == ["SZ-8"])
        #expect(try found(.init(text: "(集团)ai")) == ["bj-x"])
    }
}
