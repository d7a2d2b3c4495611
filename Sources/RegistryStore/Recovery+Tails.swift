import Arbitration
import FederationWire
import PostgresClient
import Replication
import VoucherDomain

/// Tails of the feed that cities brought when the registry was open: kept as evidence. Where a tail had a claim of those that
/// hold keys which stands as refused, a case names it and what is in its way.
extension Recovery {
    /// Notes a tail that was sent and is about to be kept.
    func noteKeptTail(after common: Int64) throws {
        try session.execute(
            """
            INSERT INTO given_up_tail (hash, incarnation, position, city_code, common, through)
            SELECT hash, incarnation, position, $1, $2, coalesce((
                SELECT max(sequence) FROM recovery_feed WHERE NOT adopted AND city_code = $1), 0)
            FROM recovery_feed WHERE NOT adopted ORDER BY position DESC LIMIT 1
            ON CONFLICT DO NOTHING
            """, [code, .int8(common)])
    }

    /// A part of the registry's own log, or of the feed, is given up and gone: what was told there of such tails, and of
    /// payments, is to be told again, unless what is left tells of it.
    ///
    /// - Parameter ofTails: Whether that part told of a tail.
    func forgetTold(ofTails: Bool) throws {
        if ofTails { try session.queue("UPDATE given_up_tail SET told = false") }
        try session.queue(
            """
            UPDATE given_up_payment p SET told = EXISTS (
                SELECT FROM entry e WHERE e.city_code = 0 AND e.kind = $1 AND position(p.reference IN e.bytes) > 0)
            WHERE told
            """, [.int4(Int32(bitPattern: EntryKind.paymentFound.rawValue))])
    }

    /// Whether anything can be told now of branches that were given up; what waits for a city may wait for ever.
    static func hasToTell(_ session: PostgresSession) throws -> Bool {
        try session.execute(
            """
            SELECT EXISTS (
                SELECT FROM given_up_tail t LEFT JOIN fold_cursor c USING (city_code)
                WHERE NOT t.told AND coalesce(c.folded_sequence, 0) >= t.through)
            OR EXISTS (
                SELECT FROM given_up_payment p WHERE NOT p.told AND (
                    EXISTS (
                        SELECT FROM payment y JOIN feed f ON f.position = y.authorized_position
                        WHERE y.reference = p.reference)
                    OR EXISTS (
                        SELECT FROM feed f WHERE f.position = p.authorized_position AND f.hash = p.authorized_hash)
                    OR EXISTS (
                        SELECT FROM entry e JOIN fold_cursor c USING (city_code)
                        WHERE e.city_code = p.city_code AND e.sequence = p.filing_sequence AND e.hash = p.filing_hash
                            AND e.fault IS NULL AND c.folded_sequence >= e.sequence)))
            """
        ).bool(0, 0)
    }

    /// Tells of tails in the registry's own log, once what they answer of their cities' logs is decided.
    func tellTails() throws {
        let rows = try session.execute(
            """
            SELECT t.hash, t.incarnation, t.position, t.city_code, t.common FROM given_up_tail t
            LEFT JOIN fold_cursor c USING (city_code)
            WHERE NOT t.told AND coalesce(c.folded_sequence, 0) >= t.through ORDER BY t.position, t.hash
            """)
        for row in 0..<rows.count {
            guard let hash = Digest(rawValue: rows.bytes(row, 0)) else { continue }
            let head = FeedHead(
                incarnation: UInt32(truncatingIfNeeded: rows.int(row, 1)), position: UInt64(rows.int(row, 2)),
                hash: hash)
            let city = try rows.city(row, 3, in: "given_up_tail")
            let claims = try claims(refusedUnlikeIn: head, after: rows.int(row, 4))
            try session.queue("UPDATE given_up_tail SET told = true WHERE hash = $1", [.bytea(hash.rawValue)])
            try Recovery.note(
                session, "tail looked at",
                "what city \(city) brought of the feed up to \(head.position): \(claims.count) claims stand otherwise, or are "
                    + "in their way", now: now)
            if !claims.isEmpty {
                let tail = KeptTail(city: city, head: head, claims: claims)
                try RegistryStore.append(.keptTail(tail), session, secrets, now: now)
            }
        }
    }

    /// Claims that hold keys at the end of a branch and are refused here, then those for which they are; at most as many as
    /// one entry names.
    private func claims(refusedUnlikeIn head: FeedHead, after common: Int64) throws -> [ClaimName] {
        let entries = try session.execute(
            """
            WITH RECURSIVE branch AS (
                SELECT previous_hash, position, bytes FROM given_up_feed WHERE hash = $1
                UNION ALL SELECT g.previous_hash, g.position, g.bytes
                FROM branch b JOIN given_up_feed g ON g.hash = b.previous_hash WHERE g.position > $2)
            SELECT bytes FROM branch ORDER BY position
            """, [.bytea(head.hash.rawValue), .int8(common)])
        var filed: [UInt64: FiledClaim] = [:]
        for row in 0..<entries.count {
            let told = try RecoveryReplay.decode(entries.bytes(row, 0))
            if told.kind == .claimFiled {
                filed[told.position] = FiledClaim(
                    city: told.city, sequence: told.answers.sequence, isLive: told.decision.isLive)
            }
            if told.decision == .withdrawn { filed[told.claimPosition]?.isLive = false }
            for effect in told.effects { filed[effect.claimPosition]?.isLive = effect.decision.isLive }
        }
        return try refused(filed.values.filter(\.isLive))
    }

    /// A claim as a branch has it.
    private struct FiledClaim {
        let city: CityCode
        let sequence: UInt64
        var isLive: Bool
    }

    private func refused(_ claims: [FiledClaim]) throws -> [ClaimName] {
        let filings = try session.execute(
            """
            SELECT e.bytes FROM unnest($1::int4[], $2::int8[]) AS n(city, sequence)
            JOIN entry e ON e.city_code = n.city AND e.sequence = n.sequence
            """,
            [
                .int4Array(claims.map { Int32($0.city.rawValue) }), .int8Array(claims.map { Int64($0.sequence) }),
            ])
        let entries = try (0..<filings.count).map { try Recovery.entry(filings.bytes($0, 0)) }
        let numbered = entries.compactMap { entry in
            (try? PayloadCoding.claimAsWritten(entry.payload)).map { (entry: entry, number: $0.number) }
        }
        let lost = try session.execute(
            """
            SELECT c.city_code, c.claim_no, c.position
            FROM unnest($1::int4[], $2::text[], $3::int8[]) AS n(city, number, sequence)
            JOIN claim c ON c.city_code = n.city AND c.claim_no = n.number COLLATE "C" AND c.sequence = n.sequence
            WHERE c.state = $4 ORDER BY c.city_code, c.claim_no LIMIT $5
            """,
            [
                .int4Array(numbered.map { Int32($0.entry.city.rawValue) }), .textArray(numbered.map { $0.number }),
                .int8Array(numbered.map { Int64($0.entry.sequence) }),
                .int4(Int32(Outcome.Decision.refused.rawValue)), .int8(Int64(KeptTail.mostClaims)),
            ])
        guard lost.count > 0 else { return [] }
        let holders = try session.execute(
            """
            SELECT DISTINCT blocking_city, blocking_claim_no FROM finding
            WHERE position = ANY($1) AND outcome = 'block' AND blocking_city <> 0 ORDER BY 1, 2
            """, [.int8Array((0..<lost.count).map { lost.int($0, 2) })])
        var names: [ClaimName] = []
        for row in 0..<lost.count {
            names.append(ClaimName(city: try lost.city(row, 0, in: "claim"), number: lost.text(row, 1)))
        }
        for row in 0..<holders.count {
            let name = ClaimName(city: try holders.city(row, 0, in: "finding"), number: holders.text(row, 1))
            if !names.contains(name) { names.append(name) }
        }
        return Array(names.prefix(KeptTail.mostClaims))
    }
}
