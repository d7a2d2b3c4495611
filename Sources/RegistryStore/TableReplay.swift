import PostgresClient

/// The tables that follow from the journal, written once more beside the real ones and compared with them, row by row and
/// column by column.
///
/// They are temporary tables of one connection, which must not be used for anything else: they have the names of the real
/// ones. Their rows are what the arbiter's own writer makes of a fold of the whole journal, so what differs was changed by
/// something else than the arbiter. They need as much space as the real ones while the audit runs.
struct TableReplay {
    private let session: PostgresSession
    /// Where the real tables are.
    private let schema: String

    /// A table that is compared: all of its rows and columns, unless it says less.
    private struct Table {
        let name: String
        var columns = "*"
        var condition = "true"
    }

    private static let tables = [
        // Whom a claim stands beside, and the largest capacity so far, depend on what was over within one transaction.
        Table(name: "authorized_key", columns: "key, position, service, amount_fen, guarded"),
        Table(name: "authorized_sum", columns: "key, total_fen", condition: "total_fen <> 0"),
        Table(name: "cap_use"), Table(name: "case_event"), Table(name: "claim"), Table(name: "claim_history"),
        // Of keys that were given back it is only kept that they were.
        Table(
            name: "claim_key",
            columns: "key, position, live, holder, item, amount_fen, capacity_fen, service_from, service_until"
        ),
        Table(name: "claim_key", columns: "key, position, exclusive, cofunding_group, item", condition: "live"),
        Table(name: "company"), Table(name: "conflict_case"), Table(name: "conflict_case_claim"),
        Table(name: "finding"), Table(name: "member"), Table(name: "paid_twice"), Table(name: "party_name"),
        Table(name: "payment"),
        Table(name: "policy"), Table(name: "price_class", condition: "claims <> 0"), Table(name: "provider"),
        Table(name: "red_letter"), Table(name: "tick"), Table(name: "trace"), Table(name: "uncleared_payment"),
        Table(name: "unread_entry"), Table(name: "voucher"),
    ]

    /// What the writer writes and somebody else compares.
    private static let others = ["claim_total", "received_day", "rule_pair_total", "rule_total"]

    /// All tables that follow from the journal, each once, by name.
    static let names = Set(tables.map(\.name) + others).sorted()

    /// Makes the empty tables; outside of any transaction.
    init(_ session: PostgresSession) throws {
        self.session = session
        schema = try session.execute("SELECT quote_ident(current_schema())").text(0, 0)
        for name in TableReplay.names {
            try session.run(script: "CREATE TEMP TABLE \(name) (LIKE \(schema).\(name) INCLUDING ALL)")
        }
        try session.run(script: "SET search_path = \(schema), pg_temp")
    }

    /// Writes what became of the next entries.
    func write(_ writer: FoldWriter) throws {
        // Statements are planned while the tables are empty, and never again: they must not be planned to read them whole.
        try session.run(script: "SET search_path = pg_temp, \(schema); SET enable_seqscan = off")
        try writer.writeTables(session)
        try session.run(script: "SET search_path = \(schema), pg_temp; RESET enable_seqscan")
    }

    /// The first difference of each table, in words for an auditor.
    func differences() throws -> [String] {
        try TableReplay.tables.compactMap { table in
            func first(in one: String, notIn other: String) throws -> String? {
                let rows = "SELECT \(table.columns) FROM %.\(table.name) WHERE \(table.condition)"
                let result = try session.execute(
                    """
                    SELECT left(r::text, 200) FROM (
                        \(rows.replacing("%", with: one)) EXCEPT ALL \(rows.replacing("%", with: other))) r LIMIT 1
                    """)
                return result.count == 0 ? nil : result.text(0, 0)
            }
            if let row = try first(in: schema, notIn: "pg_temp") {
                return "\(table.name): the journal does not give the row \(row)"
            }
            return try first(in: "pg_temp", notIn: schema).map { "\(table.name): the row \($0) is missing" }
        }
    }
}
