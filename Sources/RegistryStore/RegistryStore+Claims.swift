package import Arbitration
import FederationWire
import PostgresClient
package import Replication
package import VoucherDomain

extension RegistryStore {
    /// A decided claim as the registry has it.
    package struct ClaimRecord: Hashable, Sendable {
        package let name: ClaimName
        package let claim: Claim
        package let entryID: EntryID
        package let state: Outcome.Decision
        package let reasons: [Reason]
        package let caseID: String?
        package let policyVersion: UInt32
        /// Where it was decided.
        package let decidedAt: FeedHead
        /// The receipt for the batch it came in.
        package let receipt: SignedBytes
        /// `nil` where none was asked for.
        package let payment: Payment?
    }

    /// What claims are looked for by; all that are given must match.
    package struct ClaimFilter: Hashable, Sendable {
        package var city: CityCode?
        package var state: Outcome.Decision?
        package var enterprise: CreditCode?
        package var provider: CreditCode?
        /// Any of these keys, held or only claimed.
        package var keys: [Key] = []
        /// A normalised contract number, whatever the parties.
        package var contract: ContractNumber?
        package var voucherNumber: String?
        package var number: ClaimName?

        package init() {}
    }

    /// Decided claims by position, at most `limit` after the position `after`.
    package func claims(_ filter: ClaimFilter, after: Int64, limit: Int) async throws -> [ClaimRecord] {
        try await pool.run { session in
            let query = ClaimQuery(filter, after: after, limit: limit)
            let result = try session.execute(query.sql, query.parameters)
            return try (0..<result.count).map { try RegistryStore.record(result, $0) }
        }
    }

    /// One claim by its name, or `nil` when the registry has not decided one.
    package func claim(_ name: ClaimName) async throws -> ClaimRecord? {
        var filter = ClaimFilter()
        filter.number = name
        return try await claims(filter, after: 0, limit: 1).first
    }

    private static func record(_ result: borrowing PostgresResult, _ row: Int) throws -> ClaimRecord {
        guard let city = CityCode(rawValue: UInt32(result.int(row, 1))),
            let state = Outcome.Decision(rawValue: UInt8(result.int(row, 3))),
            let hash = Digest(rawValue: result.bytes(row, 8))
        else { throw PostgresError(code: .unexpectedResult, message: "a damaged row in claim") }
        let entry = try EntryCoding.decode(result.bytes(row, 6))
        let reasons = result.bytes(row, 5)
        return ClaimRecord(
            name: ClaimName(city: city, number: result.text(row, 2)), claim: try PayloadCoding.claim(entry.payload),
            entryID: entry.id, state: state,
            reasons: reasons.isEmpty ? [] : try ReasonCoding.decode(reasons).reasons,
            caseID: result.isNull(row, 4) ? nil : result.text(row, 4), policyVersion: UInt32(result.int(row, 11)),
            decidedAt: FeedHead(
                incarnation: UInt32(result.int(row, 7)), position: UInt64(result.int(row, 0)), hash: hash),
            receipt: SignedBytes(body: result.bytes(row, 9), signature: result.bytes(row, 10)),
            payment: result.isNull(row, ClaimQuery.columns)
                ? nil : try PaymentLoader.payment(result, row, from: ClaimQuery.columns))
    }
}

/// The one query for claims: each condition is there only when it is asked for, so that its index can serve.
private struct ClaimQuery {
    private(set) var parameters: [PostgresParameter] = []
    private var conditions: [String] = []

    init(_ filter: RegistryStore.ClaimFilter, after: Int64, limit: Int) {
        require("c.position >", .int8(after))
        if let city = filter.city { require("c.city_code =", .int4(Int32(city.rawValue))) }
        if let state = filter.state { require("c.state =", .int4(Int32(state.rawValue))) }
        if let enterprise = filter.enterprise { require("c.enterprise_uscc =", .text(enterprise.rawValue)) }
        if let provider = filter.provider { require("c.provider_uscc =", .text(provider.rawValue)) }
        if let contract = filter.contract { require("c.contract_no =", .text(contract.rawValue)) }
        if let voucher = filter.voucherNumber { require("c.voucher_no =", .text(voucher)) }
        if let name = filter.number {
            require("c.city_code =", .int4(Int32(name.city.rawValue)))
            require("c.claim_no =", .text(name.number))
        }
        if !filter.keys.isEmpty {
            parameters.append(.byteaArray(filter.keys.map(\.bytes)))
            conditions.append("c.position IN (SELECT position FROM claim_key WHERE key = ANY($\(parameters.count)))")
        }
        parameters.append(.int8(Int64(limit)))
    }

    private mutating func require(_ column: String, _ value: PostgresParameter) {
        parameters.append(value)
        conditions.append("\(column) $\(parameters.count)")
    }

    /// How many columns a claim has, before those of its payment.
    static let columns = 12

    var sql: String {
        """
        SELECT c.position, c.city_code, c.claim_no, c.state, c.case_id, c.reasons, e.bytes, incarnation_at(c.position), f.hash,
            b.receipt_body, b.receipt_signature, c.policy_version, \(PaymentLoader.columns)
        FROM claim c
        LEFT JOIN payment p ON p.claim_position = c.position
        JOIN entry e ON e.city_code = c.city_code AND e.sequence = c.sequence
        JOIN feed f ON f.position = c.position
        JOIN LATERAL (
            SELECT receipt_body, receipt_signature FROM batch
            WHERE batch.city_code = c.city_code AND batch.last_sequence >= c.sequence
            ORDER BY batch.last_sequence LIMIT 1) b ON true
        WHERE \(conditions.joined(separator: " AND "))
        ORDER BY c.position LIMIT $\(parameters.count)
        """
    }
}
