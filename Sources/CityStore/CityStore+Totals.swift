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

    /// The months, in China, in which claims were filed as their officers say; the newest first, such as `2026-06`, and `–`
    /// for claims that do not say it.
    package func filingMonths() throws -> [String] {
        try pool.read { database in
            try String.fetchAll(
                database.cachedStatement(
                    sql: "SELECT DISTINCT \(CityStore.month) AS m FROM claim c ORDER BY m DESC"))
        }
    }

    private static let month = "coalesce(strftime('%Y-%m', c.fields ->> 'filed_at', '+8 hours'), '–')"

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
            FROM v1_claims v JOIN claim c ON c.id = v.id WHERE ? IS NULL OR \(CityStore.month) = ?
            GROUP BY v.state ORDER BY v.state
            """, [month, month])
    }

    /// Payments by stage, in the order of the stages' names.
    package func paymentTotals(month: String? = nil) throws -> [Total] {
        try totals(
            """
            SELECT v.stage AS state, count(*) AS number, sum(v.amount_fen) AS amount, sum(v.refunded_fen) AS refunded,
                sum(v.clawback_fen) AS clawback
            FROM v1_payments v JOIN claim c ON c.id = v.id WHERE ? IS NULL OR \(CityStore.month) = ?
            GROUP BY v.stage ORDER BY v.stage
            """, [month, month])
    }

    private func totals(_ sql: String, _ arguments: StatementArguments) throws -> [Total] {
        try pool.read { database in
            try Row.fetchAll(database.cachedStatement(sql: sql), arguments: arguments).map { row in
                Total(
                    state: row["state"], count: row["number"], amount: Money(rawValue: row["amount"]),
                    refunded: Money(rawValue: row["refunded"]), clawback: Money(rawValue: row["clawback"]))
            }
        }
    }
}
