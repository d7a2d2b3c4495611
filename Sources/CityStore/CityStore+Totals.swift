import Arbitration
import Foundation
import GRDB
package import VoucherDomain

// What officers add up: how many claims stand how, and what was paid.

extension CityStore {
    /// How many claims, or payments, stand in one way, and their money.
    package struct Total: Hashable, Sendable {
        /// A claim's state or a payment's stage.
        package let state: String
        package let count: Int
        /// What the claims claim; nothing for rows that are no entry. What the payments pay.
        package let amount: Money
        /// What was paid back, and what is to be paid back in all; nothing for claims.
        package let refunded: Money
        package let clawback: Money
    }

    /// Money that the bank moved for claims of this city.
    package struct BankTotal: Hashable, Sendable {
        /// Whether it came back.
        package let isPaidBack: Bool
        package let count: Int
        package let amount: Money
    }

    /// The months in which claims were filed or the bank moved money: the newest first, such as `2026-06`, and `–`
    /// before them for claims that do not say when they were filed.
    package func months() throws -> [String] {
        try pool.read { database in
            try String.fetchAll(
                database.cachedStatement(
                    sql: """
                        SELECT \(CityStore.filingMonth) AS m FROM claim c
                        UNION SELECT \(CityStore.bankMonth) FROM \(CityStore.movements) ORDER BY m DESC
                        """))
        }
    }

    /// The month, in China, in which a claim was filed as its officer says.
    private static let filingMonth = "coalesce(strftime('%Y-%m', c.fields ->> 'filed_at', '+8 hours'), '–')"
    /// The month of the bank's day.
    private static let bankMonth = "strftime('%Y-%m', b.day * 86400, 'unixepoch')"
    /// What the bank did, where the registry has taken note of it: what it refused, or was told twice, does not count.
    private static let movements = """
        bank_movement b JOIN log_entry e ON e.sequence = b.sequence AND e.decision = \(Outcome.Decision.noted.rawValue)
        """

    /// Claims by state, in the order of the states' names.
    ///
    /// - Parameter month: Only those that their officers filed in it; `nil` for all.
    package func claimTotals(month: String? = nil) throws -> [Total] {
        try totals(
            """
            SELECT v.state AS state, count(*) AS number,
                sum(CASE WHEN v.state = 'invalid' THEN 0
                    ELSE CAST(replace(c.fields ->> 'claimed_yuan', '.', '') AS INTEGER) END) AS amount,
                0 AS refunded, 0 AS clawback
            FROM v1_claims v JOIN claim c ON c.id = v.id WHERE ? IS NULL OR \(CityStore.filingMonth) = ?
            GROUP BY v.state ORDER BY v.state
            """, [month, month])
    }

    /// Payments by stage, in the order of the stages' names.
    package func paymentTotals() throws -> [Total] {
        try totals(
            """
            SELECT stage AS state, count(*) AS number, sum(amount_fen) AS amount, sum(refunded_fen) AS refunded,
                sum(clawback_fen) AS clawback
            FROM v1_payments GROUP BY stage ORDER BY stage
            """)
    }

    /// What the bank paid, then what came back. A payment that was paid back in parts came back as often.
    ///
    /// - Parameter month: Only what it did on a day in that month; `nil` for all.
    package func bankTotals(month: String? = nil) throws -> [BankTotal] {
        try pool.read { database in
            let sql = """
                SELECT b.paid_back, count(*) AS number, sum(b.amount_fen) AS amount FROM \(CityStore.movements)
                WHERE ? IS NULL OR \(CityStore.bankMonth) = ? GROUP BY b.paid_back ORDER BY b.paid_back
                """
            return try Row.fetchAll(database.cachedStatement(sql: sql), arguments: [month, month]).map { row in
                BankTotal(
                    isPaidBack: row["paid_back"], count: row["number"], amount: Money(rawValue: row["amount"]))
            }
        }
    }

    private func totals(_ sql: String, _ arguments: StatementArguments = []) throws -> [Total] {
        try pool.read { database in
            try Row.fetchAll(database.cachedStatement(sql: sql), arguments: arguments).map { row in
                Total(
                    state: row["state"], count: row["number"], amount: Money(rawValue: row["amount"]),
                    refunded: Money(rawValue: row["refunded"]), clawback: Money(rawValue: row["clawback"]))
            }
        }
    }
}
