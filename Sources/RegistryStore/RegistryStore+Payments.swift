package import Arbitration
import PostgresClient

extension RegistryStore {
    /// Payments by the positions of their claims, at most `limit` after the position `after`.
    package func payments(stage: Payment.Stage?, after: Int64, limit: Int) async throws -> [Payment] {
        try await pool.run { session in
            let result = try session.execute(
                """
                SELECT \(PaymentLoader.columns) FROM payment p
                WHERE claim_position > $1 AND ($2 = 0 OR stage = $2) ORDER BY claim_position LIMIT $3
                """, [.int8(after), .int4(Int32(stage?.rawValue ?? 0)), .int8(Int64(limit))])
            return try (0..<result.count).map { try PaymentLoader.payment(result, $0) }
        }
    }
}
