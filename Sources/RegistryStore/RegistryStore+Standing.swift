package import Arbitration
import FederationWire
import PostgresClient
import Replication
package import VoucherDomain

// What operators watch: how cities keep up, and what is decided.

extension RegistryStore {
    /// How far a city is, and whether its log and ours agree.
    package struct CityHealth: Hashable, Sendable {
        package let summary: CitySummary
        /// Nothing of the city's will be filed before this: milliseconds since 1970; 0 before its first seal.
        package let watermark: UInt64
        /// The feed's entry that the city has sealed to have; `nil` before its first seal.
        package let sealedFeed: UInt64?
        /// Whether that entry is on this feed; `nil` before its first seal.
        package let agrees: Bool?
        /// The first digits of its public key, in hexadecimal; empty before it has joined.
        package let keyFingerprint: String
    }

    /// All cities by code.
    package func cityHealth() async throws -> [CityHealth] {
        let summaries = try await cities()
        return try await pool.run { session in
            try session.transaction(isSnapshot: true) {
                let seals = try NewSeals.latest(session)
                let rows = try session.execute(
                    "SELECT city_code, watermark, left(encode(public_key, 'hex'), 16) FROM city")
                var known: [CityCode: (watermark: UInt64, key: String)] = [:]
                for row in 0..<rows.count {
                    let watermark = HybridTime(rawValue: UInt64(bitPattern: rows.int(row, 1)))
                    known[try rows.city(row, 0, in: "city")] = (watermark.milliseconds, rows.text(row, 2))
                }
                return try summaries.map { summary in
                    let sealed = seals[summary.code]?.seal.feedHead
                    return CityHealth(
                        summary: summary, watermark: known[summary.code]?.watermark ?? 0,
                        sealedFeed: sealed?.position, agrees: try sealed.map { try NewSeals.isOurs($0, session) },
                        keyFingerprint: known[summary.code]?.key ?? "")
                }
            }
        }
    }

    /// Adds up anew the tables of what is kept added up that are wrong, while nothing is decided. Which these are is looked
    /// for before anybody has to wait.
    package func addUpAgain() async throws {
        let wrong = try await pool.run { try KeptTotals.differing($0) }
        guard !wrong.isEmpty else { return }
        try await pool.transaction { session in
            _ = try RegistryRow.lock(session)
            try KeptTotals.fill(session, only: wrong)
        }
    }

    /// How many claims were received on one day, and how they stand now.
    package struct DayTotal: Hashable, Sendable {
        /// In China.
        package let day: CalendarDate
        package let state: Outcome.Decision
        package let count: Int
        package let claimed: Money
    }

    /// Claims by the day on which they were received, from `day` on.
    package func dayTotals(since day: CalendarDate) async throws -> [DayTotal] {
        try await pool.run { session in
            let result = try session.execute(
                """
                SELECT day, state, sum(claims)::bigint, sum(claimed_fen)::bigint FROM claim_total
                WHERE day >= $1 GROUP BY day, state HAVING sum(claims) > 0 ORDER BY day, state
                """, [.int4(day.rawValue)])
            return (0..<result.count).compactMap { row in
                Outcome.Decision(rawValue: UInt8(result.int(row, 1))).map { state in
                    DayTotal(
                        day: CalendarDate(rawValue: Int32(result.int(row, 0))), state: state,
                        count: Int(result.int(row, 2)), claimed: Money(rawValue: result.int(row, 3)))
                }
            }
        }
    }

    /// What the claims of one rule's findings claim, those that are only flagged left out.
    package struct RuleTotal: Hashable, Sendable {
        package let rule: String
        package let claims: Int
        package let claimed: Money
    }

    /// By rule, the most money first. A claim that met several rules counts under each.
    package func ruleTotals() async throws -> [RuleTotal] {
        try await pool.run { session in
            let result = try session.execute(
                """
                SELECT rule, claims, claimed_fen::bigint FROM rule_total ORDER BY claimed_fen DESC, rule
                """)
            return (0..<result.count).map { row in
                RuleTotal(
                    rule: result.text(row, 0), claims: Int(result.int(row, 1)),
                    claimed: Money(rawValue: result.int(row, 2)))
            }
        }
    }

    /// How many cases are open, and what the claims in them that still hold their keys claim, each counted once.
    package func openCases() async throws -> (count: Int, claimed: Money) {
        try await pool.run { session in
            let result = try session.execute(
                """
                SELECT (SELECT count(*) FROM conflict_case WHERE state <> 'closed'), coalesce(sum(p.claimed_fen), 0)::bigint
                FROM (SELECT DISTINCT p.city_code, p.claim_no, p.claimed_fen FROM conflict_case k
                    JOIN conflict_case_claim p USING (case_id) WHERE k.state <> 'closed' AND p.live) p
                """)
            return (Int(result.int(0, 0)), Money(rawValue: result.int(0, 1)))
        }
    }
}
