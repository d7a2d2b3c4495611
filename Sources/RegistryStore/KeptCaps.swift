import Arbitration
import PostgresClient

/// How far vouchers and enterprises' years are used, kept with every decision for the report that lists them.
///
/// Most claims leave them far from their limit, and then nothing is written: the fold knows how far.
enum KeptCaps {
    /// From which part of its capacity on a cap is kept: one in so many; `nil` for kinds that never are.
    ///
    /// Of a year from early on: what fits there is the policy's word, and a later policy may let less of it.
    private static func part(of kind: KeyKind) -> Int64? {
        switch kind {
        case .voucher: 2
        case .enterpriseYear: 10
        case .invoice, .contract, .contractParties, .service, .bankReceipt, .usageProof: nil
        }
    }

    /// Writes how far a batch leaves them used. In the order of the keys, as everything that locks rows.
    static func write(_ decided: [FoldWriter.Decided], _ session: PostgresSession) throws {
        var uses: [Key: CapUse] = [:]
        for use in decided.flatMap(\.caps) { uses[use.key] = use }
        let kept = uses.values.filter(isKept).sorted { $0.key < $1.key }
        // A cap from which was only taken was kept no more than it is now; but a claim that takes again comes before those
        // that took since, and its capacity may be another.
        let again = decided.flatMap(\.outcome.effects).flatMap(\.taken)
        let eased = Set((decided.flatMap(\.outcome.released) + again).map(\.key))
        let gone = uses.values.filter { eased.contains($0.key) && !isKept($0) }.map(\.key).sorted()
        if !gone.isEmpty {
            try session.queue("DELETE FROM cap_use WHERE key = ANY($1)", [.byteaArray(gone.map(\.bytes))])
        }
        guard !kept.isEmpty else { return }
        try session.queue(
            """
            INSERT INTO cap_use (key, claims, used_fen, capacity_fen)
            SELECT * FROM unnest($1::bytea[], $2::int8[], $3::int8[], $4::int8[])
            ON CONFLICT (key) DO UPDATE SET claims = excluded.claims, used_fen = excluded.used_fen,
                capacity_fen = excluded.capacity_fen
            """,
            [
                .byteaArray(kept.map(\.key.bytes)), .int8Array(kept.map { Int64($0.claims) }),
                .int8Array(kept.map(\.used)), .int8Array(kept.map(\.capacity)),
            ])
    }

    private static func isKept(_ use: CapUse) -> Bool {
        guard use.capacity > 0, let least = use.key.kind.flatMap(part(of:)) else { return false }
        return use.used >= use.capacity / least
    }

    /// The query that gives the same of all claims.
    static var rows: String {
        let parts = KeyKind.allCases.compactMap { kind in part(of: kind).map { (kind.rawValue, $0) } }
        return """
            SELECT key, claims, used_fen, capacity_fen FROM (
                SELECT key, count(*) AS claims, sum(amount_fen)::bigint AS used_fen,
                    (array_agg(capacity_fen ORDER BY position) FILTER (WHERE capacity_fen > 0))[1] AS capacity_fen
                FROM claim_key
                WHERE live AND get_byte(key, 0) IN (\(parts.map { "\($0.0)" }.joined(separator: ", ")))
                GROUP BY key) u
            WHERE used_fen >= capacity_fen /
                CASE get_byte(key, 0) \(parts.map { "WHEN \($0.0) THEN \($0.1)" }.joined(separator: " ")) END
            """
    }
}
