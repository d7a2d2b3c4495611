package import Arbitration
import FederationWire
import PostgresClient
package import VoucherDomain

extension RegistryStore {
    /// Claims that met under one key and one rule.
    package struct Duplicate: Hashable, Sendable {
        package let rule: String
        /// The keyed hash; empty where the rule is about no key.
        package let keyHash: [UInt8]
        /// All claims involved, by name.
        package let claims: [ClaimName]
        /// What those of them that were refused or held had claimed.
        package let claimed: Money
        package let place: DuplicatePlace
    }

    /// Where a duplicate stands in the list: by rule, and by key as bytes.
    package struct DuplicatePlace: Hashable, Sendable, LosslessStringConvertible {
        let rule: String
        let key: [UInt8]

        init(rule: String, key: [UInt8]) {
            self.rule = rule
            self.key = key
        }

        /// Reads `RULE:HEX`, the cursor of a list.
        package init?(_ text: String) {
            guard let colon = text.lastIndex(of: ":"),
                let key = [UInt8](hexadecimal: String(text[colon...].dropFirst()))
            else { return nil }
            self.init(rule: String(text[..<colon]), key: key)
        }

        package var description: String { "\(rule):\(key.hexadecimal)" }
    }

    /// Which duplicates are looked for; all that is given must match.
    package struct DuplicateFilter: Hashable, Sendable {
        package var rule: String?
        /// Those in which claims of both cities met.
        package var pair: CityPair?
        /// Found up to this position; `nil` for all.
        package var asOf: Int64?

        package init() {}
    }

    /// The duplicates found by blocking and holding rules, in the order of their places, at most `limit` behind `after`.
    package func duplicates(
        _ filter: DuplicateFilter, after: DuplicatePlace?, limit: Int
    ) async throws -> [Duplicate] {
        let hasher = secrets.hasher
        return try await pool.run { try RegistryStore.duplicates(filter, after: after, limit: limit, $0, hasher) }
    }

    static func duplicates(
        _ filter: DuplicateFilter, after: DuplicatePlace?, limit: Int, _ session: PostgresSession, _ hasher: KeyHasher
    ) throws -> [Duplicate] {
        let (sql, parameters) = statement(filter, after: after, limit: limit)
        let result = try session.execute(sql, parameters)
        return (0..<result.count).map { row in
            let names = result.text(row, 3).split(separator: "\n").compactMap { ClaimName(String($0)) }
            return Duplicate(
                rule: result.text(row, 0),
                keyHash: result.isNull(row, 2) ? [] : hasher.hash(Key(bytes: result.bytes(row, 2))),
                claims: Set(names).sorted(), claimed: Money(rawValue: result.int(row, 4)),
                place: DuplicatePlace(rule: result.text(row, 0), key: result.bytes(row, 1)))
        }
    }

    private static func statement(
        _ filter: DuplicateFilter, after: DuplicatePlace?, limit: Int
    ) -> (String, [PostgresParameter]) {
        let pair = filter.pair.map {
            "least(city_code, blocking_city) = \($0.first.rawValue) AND greatest(city_code, blocking_city) = \($0.second.rawValue)"
        }
        let page = PlannedLimit.query(
            """
            SELECT DISTINCT rule, coalesce(key, int8send(position)) AS place FROM finding
            WHERE blocking_city <> 0 AND outcome <> 'flag' AND position <= $1 AND \(pair ?? "true")
                AND (rule, coalesce(key, int8send(position))) > ($2, $3) \(filter.rule == nil ? "" : "AND rule = $5")
            ORDER BY 1, 2
            """, limit, at: "$4")
        let sql = """
            WITH page AS MATERIALIZED \(page)
            SELECT page.rule, page.place, f.key, array_to_string(
                array_agg(DISTINCT lpad(f.city_code::text, 6, '0') || '/' || c.claim_no) ||
                    array_agg(DISTINCT lpad(f.blocking_city::text, 6, '0') || '/' || f.blocking_claim_no), E'\\n'),
                (SELECT sum(d.claimed_fen)::bigint FROM claim d WHERE d.position = ANY(array_agg(f.position)))
            FROM page
            CROSS JOIN LATERAL (
                SELECT key, position, city_code, blocking_city, blocking_claim_no FROM finding
                WHERE rule = page.rule AND coalesce(key, int8send(position)) = page.place
                    AND blocking_city <> 0 AND outcome <> 'flag' AND position <= $1 OFFSET 0) f
            JOIN claim c ON c.position = f.position
            GROUP BY page.rule, page.place, f.key ORDER BY page.rule, page.place
            """
        return (
            sql,
            [
                .int8(filter.asOf ?? .max), .text(after?.rule ?? ""), .bytea(after?.key ?? []), .int8(Int64(limit)),
            ] + (filter.rule.map { [.text($0)] } ?? [])
        )
    }

    /// How PostgreSQL goes about finding the first duplicates, in its own words: for benchmarks.
    package func planOfDuplicates(limit: Int) async throws -> String {
        let (sql, parameters) = RegistryStore.statement(DuplicateFilter(), after: nil, limit: limit)
        return try await pool.run { try $0.plan(of: sql, parameters) }
    }

    /// How claims stand, and what they claim.
    ///
    /// - Parameter position: As of which position, for claims decided up to there; `nil` for now.
    package func standings(
        of names: [ClaimName], asOf position: Int64? = nil
    ) async throws -> [ClaimName: (state: Outcome.Decision, claimed: Money)] {
        guard !names.isEmpty else { return [:] }
        return try await pool.run { session in
            let result = try session.execute(
                """
                SELECT c.city_code, c.claim_no, \(position == nil ? "c.state" : ClaimHistory.state(asOf: "$3")), c.claimed_fen
                FROM unnest($1::int4[], $2::text[]) AS n(city, number)
                JOIN claim c ON c.city_code = n.city AND c.claim_no = n.number COLLATE "C"
                WHERE c.position <= $3
                """,
                [
                    .int4Array(names.map { Int32($0.city.rawValue) }), .textArray(names.map(\.number)),
                    .int8(position ?? .max),
                ])
            var found: [ClaimName: (state: Outcome.Decision, claimed: Money)] = [:]
            for row in 0..<result.count {
                let name = ClaimName(city: try result.city(row, 0, in: "claim"), number: result.text(row, 1))
                guard let state = Outcome.Decision(rawValue: UInt8(result.int(row, 2))) else {
                    throw PostgresError(code: .unexpectedResult, message: "a damaged row in claim")
                }
                found[name] = (state, Money(rawValue: result.int(row, 3)))
            }
            return found
        }
    }
}
