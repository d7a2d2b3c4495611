import Arbitration
import FederationWire
import PostgresClient
import Replication
import TestSupport
import VoucherDomain

@testable import RegistryStore

// What the fold has written, read back with queries of the tests' own.
extension TestRegistry {
    func storedClaims() async throws -> [ClaimName: StoredClaim] {
        try await store.pool.run { session in
            let result = try session.execute(
                """
                SELECT city_code, claim_no, position, state, policy_version, reasons, case_id, withdrawn_position
                FROM claim
                """)
            var claims: [ClaimName: StoredClaim] = [:]
            for row in 0..<result.count {
                let reasons = result.bytes(row, 5)
                claims[.stored(result.int(row, 0), result.text(row, 1))] = StoredClaim(
                    position: result.int(row, 2), state: valid(Outcome.Decision(rawValue: UInt8(result.int(row, 3)))),
                    policyVersion: UInt32(result.int(row, 4)),
                    reasons: reasons.isEmpty ? [] : try ReasonCoding.decode(reasons).reasons,
                    caseID: result.isNull(row, 6) ? nil : result.text(row, 6),
                    withdrawnAt: result.optionalInt(row, 7))
            }
            return claims
        }
    }

    func storedHoldings() async throws -> [StoredHolding] {
        try await store.pool.run { session in
            let result = try session.execute(
                """
                SELECT k.key, k.position, c.city_code, c.claim_no, k.holder, k.cofunding_group, k.item, k.amount_fen,
                    k.capacity_fen, k.service_from, k.service_until, k.live
                FROM claim_key k LEFT JOIN claim c ON c.position = k.position
                """)
            return (0..<result.count).map { row in
                let from = result.date(row, 9).map(CalendarDate.init(rawValue:))
                let until = result.date(row, 10).map(CalendarDate.init(rawValue:))
                let interval = from.flatMap { from in until.flatMap { DayInterval(from: from, until: $0) } }
                return StoredHolding(
                    holding: Holding(
                        key: Key(bytes: result.bytes(row, 0)), position: result.int(row, 1),
                        claim: .stored(result.int(row, 2), result.text(row, 3)), holder: result.bytes(row, 4),
                        group: result.text(row, 5), item: result.bytes(row, 6), amount: result.int(row, 7),
                        capacity: result.int(row, 8), interval: interval),
                    isLive: result.bool(row, 11))
            }
        }
    }

    func storedFindings() async throws -> [StoredFinding] {
        try await store.pool.run { session in
            let result = try session.execute(
                "SELECT position, rule, outcome, key, blocking_city, blocking_claim_no FROM finding")
            return (0..<result.count).map { row in
                StoredFinding(
                    position: result.int(row, 0), rule: result.text(row, 1), outcome: result.text(row, 2),
                    key: result.bytes(row, 3),
                    blocking: .stored(result.int(row, 4), result.text(row, 5)))
            }
        }
    }

    /// The part of the ledger that these entries touch, loaded as the arbiter loads it.
    func ledger(for journal: [JournalEntry]) async throws -> Ledger {
        try await store.pool.run { session in
            try LedgerLoader(session: session).load(Needs(journal), PolicyCache().standing(session))
        }
    }
}

extension ClaimName {
    fileprivate static func stored(_ city: Int64, _ number: String) -> ClaimName {
        ClaimName(city: valid(CityCode(rawValue: UInt32(city))), number: number)
    }
}
