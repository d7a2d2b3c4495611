package import Arbitration
import PostgresClient
package import VoucherDomain

extension RegistryStore {
    /// A case: a held claim with every claim that it met, for people to look at.
    package struct ConflictCase: Hashable, Sendable {
        /// One claim of a case, as it stands now.
        package struct Party: Hashable, Sendable {
            package let claim: ClaimName
            package let state: Outcome.Decision
            package let claimed: Money
        }

        /// The spoken id.
        package let id: String
        /// Where the held claim was decided.
        package let position: Int64
        /// Whether the held claim still waits; a case is closed when that claim is withdrawn.
        package let isOpen: Bool
        /// The rules that hold the claim, in the policy's order.
        package let rules: [String]
        /// By city and number; the held claim is among them.
        package let parties: [Party]
    }

    /// Cases by position, at most `limit` after the position `after`.
    ///
    /// - Parameters:
    ///   - isOpen: Only open or only closed ones; `nil` for all.
    ///   - id: Only this one.
    package func cases(
        isOpen: Bool? = nil, id: String? = nil, after: Int64 = 0, limit: Int
    ) async throws -> [ConflictCase] {
        try await pool.run { session in
            let result = try session.execute(
                """
                SELECT k.case_id, k.position, k.state, array_to_string(k.rules, ' '), p.city_code, p.claim_no,
                    c.state, c.claimed_fen
                FROM (SELECT * FROM conflict_case
                    WHERE position > $1 AND ($2 = '' OR state = $2) AND ($3 = '' OR case_id = $3)
                    ORDER BY position LIMIT $4) k
                JOIN conflict_case_claim p ON p.case_id = k.case_id
                JOIN claim c ON c.city_code = p.city_code AND c.claim_no = p.claim_no
                ORDER BY k.position, p.city_code, p.claim_no
                """,
                [
                    .int8(after), .text(isOpen.map { $0 ? "open" : "closed" } ?? ""), .text(id ?? ""),
                    .int8(Int64(limit)),
                ])
            var cases: [ConflictCase] = []
            for row in 0..<result.count {
                guard let city = CityCode(rawValue: UInt32(result.int(row, 4))),
                    let state = Outcome.Decision(rawValue: UInt8(result.int(row, 6)))
                else { throw PostgresError(code: .unexpectedResult, message: "a damaged row in conflict_case_claim") }
                let party = ConflictCase.Party(
                    claim: ClaimName(city: city, number: result.text(row, 5)), state: state,
                    claimed: Money(rawValue: result.int(row, 7)))
                let known = cases.last.flatMap { $0.position == result.int(row, 1) ? $0 : nil }
                if known != nil { cases.removeLast() }
                cases.append(
                    ConflictCase(
                        id: result.text(row, 0), position: result.int(row, 1), isOpen: result.text(row, 2) == "open",
                        rules: result.text(row, 3).split(separator: " ").map(String.init),
                        parties: (known?.parties ?? []) + [party]))
            }
            return cases
        }
    }
}
