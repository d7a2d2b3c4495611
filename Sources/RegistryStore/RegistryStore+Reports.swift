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
            /// Vouchers and years of enterprises, by what is used of them; those nearest to their limit first.
            case capsUsed = "caps-used"
            /// Open cases whose day to answer has passed.
            case overdueCases = "overdue-cases"
            /// What operators ruled, by name.
            case rulings = "rulings"
            /// What cities say was paid without the registry's authorisation: what no check had cleared. Must be empty.
            case unclearedPayments = "uncleared-payments"

            /// Whether a row in it is a breach of what the registry promises.
            package var mustBeEmpty: Bool { self == .duplicatesPaid || self == .unclearedPayments }
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
                let query = ReportQuery(name, today: today, policy: try policies.standing(session).current)
                let result = try session.execute(query.sql + " LIMIT $1", [.int8(Int64(limit) + 1)] + query.parameters)
                let rows = (0..<min(result.count, limit)).map { row in
                    query.columns.indices.map { query.text(result, row, $0) }
                }
                return Report(
                    name: name, columns: query.columns, rows: rows, isCut: result.count > limit,
                    head: try RegistryRow.read(session).feedHead)
            }
        }
    }
}

/// The statement behind each report. Every column comes back as text, but keys as bytes and money as fen.
private struct ReportQuery {
    let name: RegistryStore.Report.Name
    var parameters: [PostgresParameter] = []

    init(_ name: RegistryStore.Report.Name, today: CalendarDate, policy: Policy?) {
        self.name = name
        if name == .overdueCases { parameters = [.text(today.iso8601)] }
        if name == .capsUsed { parameters = [.int8(policy?.yearCapacity?.rawValue)] }
    }

    var columns: [String] {
        switch name {
        case .duplicatesByRule: ["rule", "city_code", "other_city_code", "claims", "claimed_yuan"]
        case .duplicatesPaid: ["key", "claim", "stage", "other_claim", "other_stage", "claimed_yuan"]
        case .capsUsed: ["key", "claims", "used_yuan", "capacity_yuan", "used_percent"]
        case .overdueCases: ["case_id", "state", "deadline", "days_over", "claims", "claimed_yuan"]
        case .rulings: ["position", "case_id", "event", "code", "by", "claims", "claimed_yuan", "reason"]
        case .unclearedPayments: ["claim", "city_code", "log_entry", "what", "claimed_yuan"]
        }
    }

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

    /// Between the registry's authorisation and a refund of everything: money may be out.
    private static let isOut = "BETWEEN \(Payment.Stage.authorized.rawValue) AND \(Payment.Stage.paid.rawValue)"

    var sql: String {
        switch name {
        case .duplicatesByRule: ReportQuery.duplicatesByRule
        case .duplicatesPaid: ReportQuery.duplicatesPaid
        case .capsUsed: ReportQuery.capsUsed
        case .overdueCases: ReportQuery.overdueCases
        case .rulings: ReportQuery.rulings
        case .unclearedPayments: ReportQuery.unclearedPayments
        }
    }

    private static let duplicatesByRule = """
        SELECT rule, \(code("city_code")), \(code("other_city_code")), claims::text, claimed_fen::bigint
        FROM rule_pair_total ORDER BY claimed_fen DESC, rule, city_code, other_city_code
        """

    /// Two claims that took one key, each for itself alone, and both with money out; contracts are one city's.
    ///
    /// From what was taken and paid, not from what rules found: a breach is what no rule found.
    private static let duplicatesPaid = """
        SELECT a.key, \(claim("c")), \(stage("p.stage")), \(claim("o")), \(stage("q.stage")), c.claimed_fen
        FROM payment p
        JOIN claim_key a ON a.position = p.claim_position
        JOIN claim_key b ON b.key = a.key AND b.position < a.position AND b.holder <> a.holder
        JOIN payment q ON q.claim_position = b.position AND q.stage \(isOut)
        JOIN claim c ON c.position = a.position
        JOIN claim o ON o.position = b.position
        WHERE p.stage \(isOut)
            AND (a.exclusive AND b.exclusive OR get_byte(a.key, 0) = \(KeyKind.contract.rawValue))
            AND (a.cofunding_group = '' OR a.cofunding_group <> b.cofunding_group)
        ORDER BY a.position, a.key
        """

    /// The first claim's word on a capacity stands; an enterprise's year has what the policy in force says.
    private static let capsUsed = """
        SELECT key, claims::text, used, capacity, round(100.0 * used / capacity, 1)::text
        FROM (SELECT k.key, count(DISTINCT k.position) AS claims, sum(k.amount_fen)::bigint AS used,
                CASE WHEN get_byte(k.key, 0) = \(KeyKind.enterpriseYear.rawValue) AND $2 > 0 THEN $2
                    ELSE (array_agg(k.capacity_fen ORDER BY k.position))[1] END AS capacity
            FROM claim_key k
            WHERE k.live AND k.capacity_fen > 0 AND get_byte(k.key, 0) IN
                (\(KeyKind.voucher.rawValue), \(KeyKind.enterpriseYear.rawValue))
            GROUP BY k.key) caps
        ORDER BY used::numeric / capacity DESC, key
        """

    private static let overdueCases = """
        SELECT k.case_id, k.state, k.deadline::text, ($2::text::date - k.deadline)::text,
            string_agg(\(claim("c")), ' ' ORDER BY p.place, p.city_code, p.claim_no), sum(c.claimed_fen)::bigint
        FROM conflict_case k
        JOIN conflict_case_claim p ON p.case_id = k.case_id
        JOIN claim c ON c.city_code = p.city_code AND c.claim_no = p.claim_no
        WHERE k.state <> 'closed' AND k.deadline < $2::text::date
        GROUP BY k.case_id ORDER BY sum(c.claimed_fen) DESC, k.position
        """

    private static let rulings = """
        SELECT v.position::text, v.case_id, \(event), \(rulingCode), v.operator,
            string_agg(\(claim("c")), ' ' ORDER BY p.place, p.city_code, p.claim_no), sum(c.claimed_fen)::bigint, v.text
        FROM case_event v
        JOIN conflict_case_claim p ON p.case_id = v.case_id
        JOIN claim c ON c.city_code = p.city_code AND c.claim_no = p.claim_no
        WHERE v.kind IN (\([CaseEvent.Kind.proposed, .ruled, .reopened].map { "\($0.rawValue)" }.joined(separator: ", ")))
            AND v.operator <> ''
        GROUP BY v.case_id, v.position, v.kind ORDER BY v.position, v.case_id
        """

    private static let event = name(of: "v.kind", CaseEvent.Kind.allCases, \.name)

    private static let rulingCode = name(of: "v.code", Ruling.Code.allCases, \.name)

    /// Claims that stand as paid, or as on their way, without a reference that the registry gave to them; and what a city
    /// said that a bank has paid, and the registry did not take for the payment that it authorised.
    private static let unclearedPayments = """
        SELECT claim, city, entry, what, fen FROM (
            SELECT \(claim("c")) AS claim, \(code("c.city_code")) AS city, c.sequence::text AS entry,
                \(state("c.state")) AS what, c.claimed_fen AS fen, c.position AS place
            FROM claim c LEFT JOIN payment p ON p.claim_position = c.position
            WHERE c.state IN (\(Outcome.Decision.authorized.rawValue), \(Outcome.Decision.paid.rawValue))
                AND (p.reference IS NULL OR p.authorized_position IS NULL OR p.authorized_position <= c.position)
            UNION ALL
            SELECT '', \(code("e.city_code")), e.sequence::text, 'confirmation ' || \(state("f.decision")), 0, f.position
            FROM entry e JOIN feed f ON f.city_code = e.city_code AND f.sequence = e.sequence
            WHERE e.kind = \(EntryKind.paymentConfirmed.rawValue) AND f.decision IN
                (\(Outcome.Decision.refused.rawValue), \(Outcome.Decision.invalid.rawValue))) found
        ORDER BY place
        """
}

extension Policy {
    /// What an enterprise may claim in a year, where a fixed amount is named.
    fileprivate var yearCapacity: Money? {
        rules.first { $0.primitive == .cap && $0.keys == [.enterpriseYear] }?.capacityFen.map(Money.init(rawValue:))
    }
}
