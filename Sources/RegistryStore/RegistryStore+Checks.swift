package import Arbitration
import FederationWire
import PostgresClient
package import Replication
package import VoucherDomain

extension RegistryStore {
    /// What the registry answers to a check, as of a feed head.
    package struct CheckResult: Hashable, Sendable {
        package let answer: PreCheck.Answer
        package let reasons: [Reason]
        package let position: FeedHead
        package let policyVersion: UInt32
    }

    /// Answers CLEAR or HIT as of the newest decided position; UNKNOWN while no policy is in force.
    package func check(_ question: PreCheck) async throws -> CheckResult { try await check([question])[0] }

    /// Answers several questions in their order, all as of one position.
    package func check(_ questions: [PreCheck]) async throws -> [CheckResult] {
        try await pool.run { session in
            try session.transaction(isSnapshot: true) {
                let registry = try RegistryRow.read(session)
                let head = registry.feedHead
                // While the registry is getting back what it has lost, it knows nothing for sure.
                guard registry.recovery == nil, let policy = try policies.current(session) else {
                    return questions.map { _ in
                        CheckResult(answer: .unknown, reasons: [], position: head, policyVersion: 0)
                    }
                }
                let keys = Set(questions.flatMap(\.keys))
                let ledger = try LedgerLoader(session: session).load(keys, policy: policy)
                return questions.map { question in
                    let reasons = question.reasons(in: ledger, policy: policy)
                    return CheckResult(
                        answer: reasons.isEmpty ? .clear : .hit, reasons: reasons, position: head,
                        policyVersion: policy.version)
                }
            }
        }
    }

    /// Which of these heads the feed has, or had as its end: that position with that hash.
    package func headsOnFeed(among heads: Set<FeedHead>) async throws -> Set<FeedHead> {
        try await pool.run { session in
            try session.transaction(isSnapshot: true) {
                let incarnations = try RegistryRow.read(session).incarnations
                let result = try session.execute(
                    "SELECT position, hash FROM feed WHERE position = ANY($1)",
                    [.int8Array(heads.map { Int64(clamping: $0.position) })])
                var hashes: [UInt64: [UInt8]] = [FeedHead.empty.position: FeedHead.empty.hash.rawValue]
                for row in 0..<result.count { hashes[UInt64(result.int(row, 0))] = result.bytes(row, 1) }
                return heads.filter {
                    $0.position == 0 && $0 == .empty
                        || $0.incarnation == incarnations.at($0.position) && hashes[$0.position] == $0.hash.rawValue
                }
            }
        }
    }

    /// The number and sum of a city's claims in one state, for the operators' tables.
    package struct StateTotal: Hashable, Sendable {
        package let city: CityCode
        package let state: Outcome.Decision
        package let count: Int
        package let claimed: Money
    }

    package func stateTotals() async throws -> [StateTotal] {
        try await pool.run { session in
            let result = try session.execute(
                """
                SELECT city_code, state, sum(claims)::bigint, sum(claimed_fen)::bigint FROM claim_total
                GROUP BY city_code, state HAVING sum(claims) > 0 ORDER BY city_code, state
                """)
            return (0..<result.count).compactMap { row in
                guard let city = CityCode(rawValue: UInt32(result.int(row, 0))),
                    let state = Outcome.Decision(rawValue: UInt8(result.int(row, 1)))
                else { return nil }
                return StateTotal(
                    city: city, state: state, count: Int(result.int(row, 2)),
                    claimed: Money(rawValue: result.int(row, 3)))
            }
        }
    }
}
