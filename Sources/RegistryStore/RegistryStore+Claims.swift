package import Arbitration
import FederationWire
import PostgresClient
package import Replication
package import VoucherDomain

extension RegistryStore {
    /// A decided claim as the registry has it, now or as of a position.
    package struct ClaimRecord: Hashable, Sendable {
        package let name: ClaimName
        package let claim: Claim
        package let entryID: EntryID
        /// Where its entry is in its city's log, and under which grant it was written.
        package let sequence: UInt64
        package let epoch: Epoch
        package let state: Outcome.Decision
        package let reasons: [Reason]
        package let caseID: String?
        package let policyVersion: UInt32
        /// When the registry received it, and when it was filed as far as the registry believes it: milliseconds since 1970.
        package let receivedAt: Int64
        package let filedAt: Int64
        /// Where it was decided.
        package let decidedAt: FeedHead
        /// The receipt for the batch it came in.
        package let receipt: SignedBytes
        /// `nil` where none was asked for, and of a claim as of a past position.
        package let payment: Payment?
    }

    /// Decided claims in the order of their positions, at most `limit` behind the position `after`.
    ///
    /// - Parameter after: `nil` begins with the first, or with the last where the newest come first.
    package func claims(_ filter: ClaimFilter, after: Int64?, limit: Int) async throws -> [ClaimRecord] {
        try await pool.run { try RegistryStore.claims(filter, after: after, limit: limit, $0) }
    }

    static func claims(
        _ filter: ClaimFilter, after: Int64?, limit: Int, _ session: PostgresSession
    ) throws -> [ClaimRecord] {
        guard filter.pastState != nil, let asOf = filter.asOf else {
            return try page(filter, after: after, limit: limit, session)
        }
        // All that ever stood in the state would be sorted for one page: they are asked for by positions, by ever more of
        // them while few are found.
        let end = min(asOf, Int64(try RegistryRow.read(session).feedHead.position))
        let isNewestFirst = filter.isNewestFirst
        var found: [ClaimRecord] = []
        var place = isNewestFirst ? min(after ?? .max, end + 1) : after ?? 0
        var length = shortestWindow
        while found.count < limit, isNewestFirst ? place > 1 : place < end {
            let next = isNewestFirst ? max(1, place - length) : min(end, place + length)
            let window = isNewestFirst ? next...place - 1 : place + 1...next
            if filter.positions?.overlaps(window) ?? true {
                var filter = filter
                filter.positions = filter.positions?.clamped(to: window) ?? window
                found += try page(filter, after: nil, limit: limit - found.count, session)
            }
            (place, length) = (next, 2 * length)
        }
        return found
    }

    /// How many positions are looked at first for claims of a past state; twice as many each time.
    private static let shortestWindow: Int64 = 20_000

    private static func page(
        _ filter: ClaimFilter, after: Int64?, limit: Int, _ session: PostgresSession
    ) throws -> [ClaimRecord] {
        guard let query = try query(filter, after: after, limit: limit, session) else { return [] }
        let result = try session.execute(query.sql, query.parameters)
        return try (0..<result.count).map { try RegistryStore.record(result, $0) }
    }

    /// - Returns: `nil` where no company bears the name that is looked for, or no claim was received then.
    private static func query(
        _ filter: ClaimFilter, after: Int64?, limit: Int, _ session: PostgresSession
    ) throws -> ClaimQuery? {
        var filter = filter
        if filter.receivedFrom != nil || filter.receivedUntil != nil {
            guard
                let period = try KeptTotals.positions(
                    from: filter.receivedFrom, until: filter.receivedUntil, session),
                filter.positions?.overlaps(period) ?? true
            else { return nil }
            filter.positions = filter.positions?.clamped(to: period) ?? period
        }
        guard let name = filter.partyName else { return ClaimQuery(filter, after: after, limit: limit) }
        let companies = try PartyName.companies(bearing: name, asOf: filter.asOf, session)
        return companies.isEmpty ? nil : ClaimQuery(filter, companies: companies, after: after, limit: limit)
    }

    /// How PostgreSQL goes about finding claims, in its own words: for benchmarks.
    package func plan(of filter: ClaimFilter, limit: Int) async throws -> String {
        try await pool.run { session in
            guard let query = try RegistryStore.query(filter, after: nil, limit: limit, session) else { return "" }
            return try session.plan(of: query.sql, query.parameters)
        }
    }

    /// One claim by its name, or `nil` when the registry has not decided one.
    ///
    /// - Parameter position: As of which position; `nil` for now.
    package func claim(_ name: ClaimName, asOf position: Int64? = nil) async throws -> ClaimRecord? {
        var filter = ClaimFilter()
        filter.number = name
        filter.asOf = position
        return try await claims(filter, after: nil, limit: 1).first
    }

    private static func record(_ result: borrowing PostgresResult, _ row: Int) throws -> ClaimRecord {
        guard let city = CityCode(rawValue: UInt32(result.int(row, 1))),
            let state = Outcome.Decision(rawValue: UInt8(result.int(row, 3))),
            let hash = Digest(rawValue: result.bytes(row, 8))
        else { throw PostgresError(code: .unexpectedResult, message: "a damaged row in claim") }
        let entry = try EntryCoding.decode(result.bytes(row, 6))
        let reasons = result.bytes(row, 5)
        return ClaimRecord(
            name: ClaimName(city: city, number: result.text(row, 2)), claim: try PayloadCoding.claimAsWritten(entry.payload),
            entryID: entry.id, sequence: entry.sequence, epoch: entry.epoch, state: state,
            reasons: reasons.isEmpty ? [] : try ReasonCoding.decode(reasons).reasons,
            caseID: result.isNull(row, 4) ? nil : result.text(row, 4), policyVersion: UInt32(result.int(row, 11)),
            receivedAt: result.int(row, 12), filedAt: result.int(row, 13),
            decidedAt: FeedHead(
                incarnation: UInt32(result.int(row, 7)), position: UInt64(result.int(row, 0)), hash: hash),
            receipt: SignedBytes(body: result.bytes(row, 9), signature: result.bytes(row, 10)),
            payment: result.isNull(row, ClaimQuery.columns)
                ? nil : try PaymentLoader.payment(result, row, from: ClaimQuery.columns))
    }

    // MARK: What became of it

    /// A change of a claim after it was decided.
    package struct ClaimStep: Hashable, Sendable {
        package let position: Int64
        package let state: Outcome.Decision
        /// The stage of its payment, where that changed.
        package let stage: Payment.Stage?
        /// Whose entry did it; the registry's own acts and ticks under its code.
        package let city: CityCode
        package let receivedAt: Int64
    }

    /// What became of the claim that was decided at `position`, in the order of the journal.
    ///
    /// - Parameter end: Up to which position; `nil` for all.
    package func steps(ofClaim position: Int64, asOf end: Int64? = nil) async throws -> [ClaimStep] {
        try await pool.run { session in
            let result = try session.execute(
                """
                SELECT h.position, h.state, h.stage, f.city_code, b.received_at_ms
                FROM claim_history h JOIN feed f ON f.position = h.position
                CROSS JOIN LATERAL (
                    SELECT received_at_ms FROM batch b
                    WHERE b.city_code = f.city_code AND b.last_sequence >= f.sequence
                    ORDER BY b.last_sequence LIMIT 1) b
                WHERE h.claim_position = $1 AND h.position <= $2 ORDER BY h.position
                """, [.int8(position), .int8(end ?? .max)])
            return try (0..<result.count).map { row in
                guard let state = Outcome.Decision(rawValue: UInt8(result.int(row, 1))) else {
                    throw PostgresError(code: .unexpectedResult, message: "a damaged row in claim_history")
                }
                return ClaimStep(
                    position: result.int(row, 0), state: state,
                    stage: result.optionalInt(row, 2).flatMap { Payment.Stage(rawValue: UInt8($0)) },
                    city: try result.city(row, 3, in: "feed"), receivedAt: result.int(row, 4))
            }
        }
    }
}
