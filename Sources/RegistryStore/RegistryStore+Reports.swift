import Arbitration
import FederationWire
import PostgresClient
package import Replication
package import VoucherDomain

extension RegistryStore {
    /// A table that auditors ask for by name.
    package struct Report: Hashable, Sendable {
        /// The names in the API, on the command line and in manifests.
        package enum Name: String, Hashable, Sendable, CaseIterable {
            /// How many claims of each pair of cities met under each rule.
            case duplicatesByRule = "duplicates-by-rule"
            /// Pairs of claims under a key that only one may have, with money out for both. Must be empty.
            case duplicatesPaid = "duplicates-paid"
            /// Vouchers of which half is used, and years of enterprises of which a tenth is, those nearest to their limit
            /// first.
            case capsUsed = "caps-used"
            /// Open cases whose day to answer has passed.
            case overdueCases = "overdue-cases"
            /// What operators ruled, by name.
            case rulings = "rulings"
            /// What cities say was paid without the registry's authorisation: what no check had cleared. Must be empty.
            case unclearedPayments = "uncleared-payments"

            /// Whether a row in it is a breach of what the registry promises.
            package var mustBeEmpty: Bool { self == .duplicatesPaid || self == .unclearedPayments }

            /// What each column is called, in their order; money is in what ends in `_yuan`.
            package var columns: [String] {
                switch self {
                case .duplicatesByRule: ["rule", "city_code", "other_city_code", "claims", "claimed_yuan"]
                case .duplicatesPaid: ["key", "claim", "stage", "other_claim", "other_stage", "claimed_yuan"]
                case .capsUsed: ["key", "claims", "used_yuan", "capacity_yuan", "used_percent"]
                case .overdueCases: ["case_id", "state", "deadline", "days_over", "claims", "claimed_yuan"]
                case .rulings: ["position", "case_id", "event", "code", "by", "claims", "claimed_yuan", "reason"]
                case .unclearedPayments: ["claim", "city_code", "log_entry", "what", "claimed_yuan"]
                }
            }
        }

        package let name: Name
        package let columns: [String]
        /// Cells by column; what ends in `_yuan` is money in yuan, two decimals.
        package let rows: [[String]]
        /// Whether there are more.
        package let isCut: Bool
        /// The feed's end when they were read.
        package let head: FeedHead
    }

    /// Makes a report, at most `limit` rows of it.
    ///
    /// - Parameter today: In China; cases are overdue after their last day.
    package func report(_ name: Report.Name, today: CalendarDate, limit: Int) async throws -> Report {
        try await pool.run { session in
            try session.transaction(isSnapshot: true) {
                let query = ReportQuery(
                    name, today: today, policy: try policies.standing(session).current, limit: limit + 1)
                let result = try session.execute(query.sql, query.parameters)
                let rows = (0..<min(result.count, limit)).map { row in
                    query.columns.indices.map { query.text(result, row, $0) }
                }
                return Report(
                    name: name, columns: query.columns, rows: rows, isCut: result.count > limit,
                    head: try RegistryRow.read(session).feedHead)
            }
        }
    }

    /// How PostgreSQL goes about a report, in its own words: for benchmarks.
    package func plan(of name: Report.Name, today: CalendarDate, limit: Int) async throws -> String {
        try await pool.run { session in
            let query = ReportQuery(
                name, today: today, policy: try policies.standing(session).current, limit: limit + 1)
            return try session.plan(of: query.sql, query.parameters)
        }
    }
}

/// The statement behind each report. Every column comes back as text, but keys as bytes and money as fen.
private struct ReportQuery {
    let name: RegistryStore.Report.Name
    private let limit: Int
    let parameters: [PostgresParameter]

    /// - Parameter limit: The most rows; bound as `$1`.
    init(_ name: RegistryStore.Report.Name, today: CalendarDate, policy: Policy?, limit: Int) {
        self.name = name
        self.limit = limit
        let count = PostgresParameter.int8(Int64(limit))
        switch name {
        case .overdueCases: parameters = [count, .text(today.iso8601)]
        case .capsUsed: parameters = [count, .int8(policy?.fixedCapacity(of: .enterpriseYear)?.rawValue)]
        case .duplicatesByRule, .duplicatesPaid, .rulings, .unclearedPayments: parameters = [count]
        }
    }

    var columns: [String] { name.columns }

    func text(_ result: borrowing PostgresResult, _ row: Int, _ column: Int) -> String {
        let name = columns[column]
        if name == "key" { return Key(bytes: result.bytes(row, column)).readable }
        if name.hasSuffix("_yuan") { return Money(rawValue: result.int(row, column)).yuan }
        return result.text(row, column)
    }

    private static func code(_ column: String) -> String { "lpad((\(column))::text, 6, '0')" }

    private static func claim(_ alias: String) -> String { "\(code("\(alias).city_code")) || '/' || \(alias).claim_no" }

    /// What a stored number is called; nothing for NULL.
    private static func name<Value: RawRepresentable<UInt8>>(
        of column: String, _ values: [Value], _ name: (Value) -> String
    ) -> String {
        let names = values.map { "WHEN \($0.rawValue) THEN '\(name($0))'" }
        return "CASE \(column) \(names.joined(separator: " ")) ELSE '' END"
    }

    private static func stage(_ column: String) -> String { name(of: column, Payment.Stage.allCases, \.name) }

    private static func state(_ column: String) -> String { name(of: column, Outcome.Decision.allCases, \.name) }

    var sql: String { "SELECT * FROM \(PlannedLimit.query(rows, limit, at: "$1")) AS report" }

    private var rows: String {
        switch name {
        case .duplicatesByRule: ReportQuery.duplicatesByRule
        case .duplicatesPaid: ReportQuery.duplicatesPaid
        case .capsUsed: capsUsed
        case .overdueCases: ReportQuery.overdueCases
        case .rulings: ReportQuery.rulings
        case .unclearedPayments: ReportQuery.unclearedPayments
        }
    }

    private static let duplicatesByRule = """
        SELECT rule, \(code("city_code")), \(code("other_city_code")), claims::text, claimed_fen::bigint
        FROM rule_pair_total ORDER BY claimed_fen DESC, rule, city_code, other_city_code
        """

    /// The pairs that the writer has found, as long as money is out for both.
    private static let duplicatesPaid = """
        SELECT t.key, \(claim("c")), \(stage("p.stage")), \(claim("o")), \(stage("q.stage")), c.claimed_fen
        FROM paid_twice t
        JOIN payment p ON p.claim_position = t.position AND p.stage \(KeptFaults.isOut)
        JOIN payment q ON q.claim_position = t.other_position AND q.stage \(KeptFaults.isOut)
        JOIN claim c ON c.position = t.position
        JOIN claim o ON o.position = t.other_position
        ORDER BY t.position, t.key, t.other_position
        """

    /// The first claim's word on a voucher stands; a year has what the policy in force says, and no limit where it says
    /// nothing. Each kind is read in the order of its index, as far as the page may reach.
    private var capsUsed: String {
        func first(_ kind: KeyKind, of capacity: String, where condition: String, by order: String) -> String {
            PlannedLimit.query(
                """
                SELECT key, claims, used_fen, \(capacity) AS capacity_fen FROM cap_use
                WHERE get_byte(key, 0) = \(kind.rawValue) AND \(condition) ORDER BY \(order) DESC, key
                """, limit, at: "$1")
        }
        let share = "used_fen::float8 / capacity_fen"
        return """
            SELECT key, claims::text, used_fen, capacity_fen, round(100.0 * used_fen / capacity_fen, 1)::text
            FROM (SELECT * FROM \(first(.voucher, of: "capacity_fen", where: "true", by: share)) AS voucher
                UNION ALL
                SELECT * FROM \(first(.enterpriseYear, of: "$2", where: "$2 > 0", by: "used_fen")) AS year) AS caps
            ORDER BY \(share) DESC, key
            """
    }

    private static let overdueCases = """
        SELECT k.case_id, k.state, k.deadline::text, ($2::text::date - k.deadline)::text,
            string_agg(\(claim("p")), ' ' ORDER BY p.place, p.city_code, p.claim_no), sum(p.claimed_fen)::bigint
        FROM conflict_case k
        JOIN conflict_case_claim p ON p.case_id = k.case_id
        WHERE k.state <> 'closed' AND k.deadline < $2::text::date
        GROUP BY k.case_id ORDER BY sum(p.claimed_fen) DESC, k.position
        """

    private static let rulings = """
        SELECT v.position::text, v.case_id, \(event), \(rulingCode), v.operator,
            string_agg(\(claim("p")), ' ' ORDER BY p.place, p.city_code, p.claim_no), sum(p.claimed_fen)::bigint, v.text
        FROM case_event v
        JOIN conflict_case_claim p ON p.case_id = v.case_id
        WHERE v.kind IN (\([CaseEvent.Kind.proposed, .ruled, .reopened].map { "\($0.rawValue)" }.joined(separator: ", ")))
            AND v.operator <> ''
        GROUP BY v.case_id, v.position, v.kind ORDER BY v.position, v.case_id
        """

    private static let event = name(of: "v.kind", CaseEvent.Kind.allCases, \.name)

    private static let rulingCode = name(of: "v.code", Ruling.Code.allCases, \.name)

    /// What the writer has found: claims without a reference that the registry gave to them; and what a city said that a
    /// bank has paid, and the registry did not take for the payment that it authorised.
    private static let unclearedPayments = """
        SELECT claim, city, entry, what, fen FROM (
            SELECT \(claim("c")) AS claim, \(code("c.city_code")) AS city, c.sequence::text AS entry,
                \(state("c.state")) AS what, c.claimed_fen AS fen, c.position AS place
            FROM uncleared_payment u JOIN claim c ON c.position = u.position
            UNION ALL
            SELECT '', \(code("e.city_code")), e.sequence::text, 'confirmation ' || \(state("f.decision")), 0, f.position
            FROM uncleared_payment u JOIN feed f ON f.position = u.position
            JOIN entry e ON e.city_code = f.city_code AND e.sequence = f.sequence
            WHERE e.kind = \(EntryKind.paymentConfirmed.rawValue)) found
        ORDER BY place
        """
}
