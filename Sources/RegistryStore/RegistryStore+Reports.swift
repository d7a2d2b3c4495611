import Arbitration
import FederationWire
import Foundation
import PostgresClient
import Replication
package import VoucherDomain

extension RegistryStore {
    /// A table that auditors ask for by name.
    package struct Report: Hashable, Sendable {
        /// The names in the API, on the command line and in manifests.
        package enum Name: String, Hashable, Sendable, CaseIterable {
            /// How many claims of each pair of cities met under each rule.
            case duplicatesByRule = "duplicates-by-rule"
            /// Claims that were refused because of another, and were paid like that one. Must be empty.
            case duplicatesPaid = "duplicates-paid"
            /// Vouchers and years of enterprises, by what is used of them; those nearest to their limit first.
            case capsUsed = "caps-used"
            /// Open cases whose day to answer has passed.
            case overdueCases = "overdue-cases"
            /// What operators ruled, by name.
            case rulings = "rulings"
            /// Payments without the registry's authorisation: what no check had cleared. Must be empty.
            case unclearedPayments = "uncleared-payments"

            /// Whether a row in it is a breach of what the registry promises.
            package var mustBeEmpty: Bool { self == .duplicatesPaid || self == .unclearedPayments }
        }

        package let name: Name
        package let columns: [String]
        /// Cells by column; what ends in `_yuan` is money in yuan, two decimals.
        package let rows: [[String]]
    }

    /// Makes a report, at most `limit` rows of it.
    ///
    /// - Parameter today: In China; cases are overdue after their last day.
    package func report(_ name: Report.Name, today: CalendarDate, limit: Int) async throws -> Report {
        let query = ReportQuery(name, today: today)
        return try await pool.run { session in
            let result = try session.execute(query.sql + " LIMIT $1", [.int8(Int64(limit))] + query.parameters)
            let rows = (0..<result.count).map { row in
                query.columns.indices.map { query.text(result, row, $0) }
            }
            return Report(name: name, columns: query.columns, rows: rows)
        }
    }
}

/// The statement behind each report. Every column comes back as text, but keys as bytes and money as fen.
private struct ReportQuery {
    let name: RegistryStore.Report.Name
    var parameters: [PostgresParameter] = []

    init(_ name: RegistryStore.Report.Name, today: CalendarDate) {
        self.name = name
        if name == .overdueCases { parameters = [.text(today.iso8601)] }
    }

    var columns: [String] {
        switch name {
        case .duplicatesByRule: ["rule", "city_code", "other_city_code", "claims", "claimed_yuan"]
        case .duplicatesPaid: ["rule", "claim", "stage", "other_claim", "other_stage", "claimed_yuan"]
        case .capsUsed: ["key", "claims", "used_yuan", "capacity_yuan", "used_percent"]
        case .overdueCases: ["case_id", "state", "deadline", "days_over", "claims", "claimed_yuan"]
        case .rulings: ["position", "case_id", "event", "code", "by", "claims", "claimed_yuan", "reason"]
        case .unclearedPayments: ["claim", "state", "stage", "claimed_yuan"]
        }
    }

    func text(_ result: borrowing PostgresResult, _ row: Int, _ column: Int) -> String {
        let name = columns[column]
        if name == "key" { return Key(bytes: result.bytes(row, column)).readable }
        if name.hasSuffix("_yuan") { return Money(rawValue: result.int(row, column)).yuan }
        return result.text(row, column)
    }

    private static let city = "lpad((%)::text, 6, '0')"

    private static func code(_ column: String) -> String { city.replacingOccurrences(of: "%", with: column) }

    private static func claim(_ alias: String) -> String { "\(code("\(alias).city_code")) || '/' || \(alias).claim_no" }

    private static func stage(_ column: String) -> String {
        let names = Payment.Stage.allCases.map { "WHEN \($0.rawValue) THEN '\($0.name)'" }
        return "CASE \(column) \(names.joined(separator: " ")) ELSE '' END"
    }

    private static func state(_ column: String) -> String {
        let names = Outcome.Decision.allCases.map { "WHEN \($0.rawValue) THEN '\($0.name)'" }
        return "CASE \(column) \(names.joined(separator: " ")) ELSE '' END"
    }

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
        SELECT f.rule, \(code("f.one")), \(code("f.other")), count(*)::text, sum(c.claimed_fen)::bigint
        FROM (SELECT DISTINCT rule, least(city_code, blocking_city) AS one, greatest(city_code, blocking_city) AS other,
                position
            FROM finding WHERE blocking_city <> 0 AND outcome <> 'flag') f
        JOIN claim c ON c.position = f.position
        GROUP BY f.rule, f.one, f.other ORDER BY sum(c.claimed_fen) DESC, f.rule, f.one, f.other
        """

    /// A claim that a rule has blocked, and the one in its way, both with money out.
    private static let duplicatesPaid = """
        SELECT f.rule, \(claim("c")), \(stage("p.stage")), \(claim("o")), \(stage("q.stage")), c.claimed_fen
        FROM payment p
        JOIN claim c ON c.position = p.claim_position
        JOIN finding f ON f.position = c.position AND f.outcome = 'block' AND f.blocking_city <> 0
        JOIN claim o ON o.city_code = f.blocking_city AND o.claim_no = f.blocking_claim_no
        JOIN payment q ON q.claim_position = o.position AND q.stage \(isOut)
        WHERE p.stage \(isOut) ORDER BY c.position
        """

    private static let capsUsed = """
        SELECT k.key, count(DISTINCT k.position)::text, sum(k.amount_fen)::bigint, max(k.capacity_fen),
            round(100.0 * sum(k.amount_fen) / max(k.capacity_fen), 1)::text
        FROM claim_key k
        WHERE k.live AND k.capacity_fen > 0 AND get_byte(k.key, 0) IN
            (\(KeyKind.voucher.rawValue), \(KeyKind.enterpriseYear.rawValue))
        GROUP BY k.key ORDER BY sum(k.amount_fen)::numeric / max(k.capacity_fen) DESC, k.key
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

    private static let event =
        "CASE v.kind "
        + CaseEvent.Kind.allCases.map { "WHEN \($0.rawValue) THEN '\($0.name)'" }.joined(separator: " ") + " END"

    private static let rulingCode =
        "CASE v.code "
        + Ruling.Code.allCases.map { "WHEN \($0.rawValue) THEN '\($0.name)'" }.joined(separator: " ")
        + " ELSE '' END"

    /// Paid, or on its way to a bank, without a reference that the registry gave to this claim.
    private static let unclearedPayments = """
        SELECT \(claim("c")), \(state("c.state")), \(stage("p.stage")), c.claimed_fen
        FROM claim c LEFT JOIN payment p ON p.claim_position = c.position
        WHERE c.state IN (\(Outcome.Decision.authorized.rawValue), \(Outcome.Decision.paid.rawValue))
            AND (p.reference IS NULL OR p.authorized_position IS NULL OR p.authorized_position <= c.position)
        ORDER BY c.position
        """
}
