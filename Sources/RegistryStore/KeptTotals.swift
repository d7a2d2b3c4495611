import Arbitration
import PostgresClient
import Replication
import VoucherDomain

/// Sums over all claims, and between which positions each day's claims stand: kept with every decision, for pages that
/// nobody waits for.
///
/// They follow from `claim` and `finding`; an audit adds those up and compares, as it does with all else that is kept for
/// pages and reports.
enum KeptTotals {
    /// What is counted under one key of a table.
    private struct Sum {
        var claims: Int64 = 0
        var fen: Int64 = 0

        mutating func add(_ claim: Claim) {
            claims += 1
            fen += claim.claimed.rawValue
        }
    }

    private struct Place: Hashable, Comparable {
        let city: Int32
        let day: Int32
        let state: Int32

        static func < (one: Place, other: Place) -> Bool {
            (one.city, one.day, one.state) < (other.city, other.day, other.state)
        }
    }

    private struct Meeting: Hashable, Comparable {
        let rule: String
        let city: Int32
        let other: Int32

        static func < (one: Meeting, other: Meeting) -> Bool {
            (one.rule, one.city, one.other) < (other.rule, other.city, other.other)
        }
    }

    /// Adds the claims of a batch. In the order of the keys, as everything that locks rows.
    ///
    /// - Parameter state: How a claim stands at the end of the batch.
    static func add(
        _ decided: [FoldWriter.Decided], state: (FoldWriter.Decided) -> Outcome.Decision, _ session: PostgresSession
    ) throws {
        var places: [Place: Sum] = [:]
        var rules: [String: Sum] = [:]
        var meetings: [Meeting: Sum] = [:]
        for item in decided where item.outcome.filing != nil {
            guard case .claimFiled(let claim) = item.journalEntry.content else { continue }
            let city = Int32(item.entry.city.rawValue)
            let day = CalendarDate.inChina(milliseconds: item.journalEntry.receivedAt).rawValue
            places[Place(city: city, day: day, state: Int32(state(item).rawValue)), default: Sum()].add(claim)
            let reasons = item.outcome.reasons.filter { $0.outcome != .flag }
            for rule in Set(reasons.map(\.rule)) { rules[rule, default: Sum()].add(claim) }
            let pairs = reasons.flatMap { reason in
                reason.blocking.filter { $0.city != .registry }.map { name in
                    let other = Int32(name.city.rawValue)
                    return Meeting(rule: reason.rule, city: min(city, other), other: max(city, other))
                }
            }
            for meeting in Set(pairs) { meetings[meeting, default: Sum()].add(claim) }
        }
        let (placed, ruled, met) = (
            places.sorted { $0.key < $1.key }, rules.sorted { $0.key < $1.key }, meetings.sorted { $0.key < $1.key }
        )
        try queue(
            into: "claim_total",
            [
                ("city_code", .int4Array(placed.map(\.key.city))), ("day", .int4Array(placed.map(\.key.day))),
                ("state", .int4Array(placed.map(\.key.state))),
            ], placed.map(\.value), session)
        try queueDays(decided, session)
        try queue(into: "rule_total", [("rule", .textArray(ruled.map(\.key)))], ruled.map(\.value), session)
        try queue(
            into: "rule_pair_total",
            [
                ("rule", .textArray(met.map(\.key.rule))), ("city_code", .int4Array(met.map(\.key.city))),
                ("other_city_code", .int4Array(met.map(\.key.other))),
            ], met.map(\.value), session)
    }

    /// Widens what each day's claims stand between.
    private static func queueDays(_ decided: [FoldWriter.Decided], _ session: PostgresSession) throws {
        var days: [Int32: ClosedRange<Int64>] = [:]
        for item in decided where item.outcome.filing != nil {
            let day = CalendarDate.inChina(milliseconds: item.journalEntry.receivedAt).rawValue
            days[day] = (days[day]?.lowerBound ?? item.position)...item.position
        }
        guard !days.isEmpty else { return }
        let sorted = days.sorted { $0.key < $1.key }
        try session.queue(
            """
            INSERT INTO received_day SELECT * FROM unnest($1::int4[], $2::int8[], $3::int8[])
            ON CONFLICT (day) DO UPDATE SET first_position = least(received_day.first_position, excluded.first_position),
                last_position = greatest(received_day.last_position, excluded.last_position)
            """,
            [
                .int4Array(sorted.map(\.key)), .int8Array(sorted.map(\.value.lowerBound)),
                .int8Array(sorted.map(\.value.upperBound)),
            ])
    }

    /// Between which positions all claims stand that were received from `from` on and before `until`.
    ///
    /// - Parameters:
    ///   - from: Milliseconds since 1970; `nil` for whenever, as `until`.
    /// - Returns: `nil` where there is none. Others stand between them too.
    static func positions(from: Int64?, until: Int64?, _ session: PostgresSession) throws -> ClosedRange<Int64>? {
        func day(_ time: Int64) -> Int32 { CalendarDate.inChina(milliseconds: time).rawValue }
        let result = try session.execute(
            "SELECT min(first_position), max(last_position) FROM received_day WHERE day BETWEEN $1 AND $2",
            [.int4(from.map(day) ?? .min), .int4(until.map(day) ?? .max)])
        guard let first = result.optionalInt(0, 0), let last = result.optionalInt(0, 1) else { return nil }
        return first...last
    }

    private static func queue(
        into table: String, _ key: [(column: String, values: PostgresParameter)], _ sums: [Sum],
        _ session: PostgresSession
    ) throws {
        guard !sums.isEmpty else { return }
        let columns = key.map(\.column).joined(separator: ", ")
        let places = (1...key.count + 2).map { "$\($0)" }.joined(separator: ", ")
        try session.queue(
            """
            INSERT INTO \(table) (\(columns), claims, claimed_fen) SELECT * FROM unnest(\(places))
            ON CONFLICT (\(columns)) DO UPDATE SET claims = \(table).claims + excluded.claims,
                claimed_fen = \(table).claimed_fen + excluded.claimed_fen
            """, key.map(\.values) + [.int8Array(sums.map(\.claims)), .int8Array(sums.map(\.fen))])
    }

    /// Gives claims of earlier batches their new states, and counts them where they stand now.
    ///
    /// - Parameter changes: By position; where a claim was withdrawn, or `nil`.
    static func change(
        _ changes: [(position: Int64, state: Outcome.Decision, withdrawnAt: Int64?)], _ session: PostgresSession
    ) throws {
        try session.queue(
            """
            WITH changed AS (
                UPDATE claim SET state = n.state, withdrawn_position = nullif(n.withdrawn, 0)
                FROM unnest($1::int8[], $2::int4[], $3::int8[]) AS n(position, state, withdrawn), claim o
                WHERE claim.position = n.position AND o.position = n.position
                RETURNING claim.city_code, \(day(of: "claim")) AS day, o.state AS was,
                    claim.state AS now, claim.claimed_fen)
            INSERT INTO claim_total (city_code, day, state, claims, claimed_fen)
            SELECT city_code, day, state, sum(number), sum(number * claimed_fen) FROM (
                SELECT city_code, day, was, -1, claimed_fen FROM changed WHERE was <> now
                UNION ALL SELECT city_code, day, now, 1, claimed_fen FROM changed WHERE was <> now
            ) AS moves(city_code, day, state, number, claimed_fen)
            GROUP BY city_code, day, state ORDER BY city_code, day, state
            ON CONFLICT (city_code, day, state) DO UPDATE SET claims = claim_total.claims + excluded.claims,
                claimed_fen = claim_total.claimed_fen + excluded.claimed_fen
            """,
            [
                .int8Array(changes.map(\.position)), .int4Array(changes.map { Int32($0.state.rawValue) }),
                .int8Array(changes.map { $0.withdrawnAt ?? 0 }),
            ])
    }

    /// Makes what is kept anew: all of it, or some tables.
    static func fill(_ session: PostgresSession, only tables: [String]? = nil) throws {
        for kept in kept where tables?.contains(kept.table) ?? true {
            try session.run(script: "DELETE FROM \(kept.table); INSERT INTO \(kept.table) \(kept.rows)")
        }
    }

    /// The first row that is not what the claims give, in words for an auditor; `nil` where all are.
    static func difference(_ session: PostgresSession) throws -> String? {
        for kept in kept {
            guard let row = try difference(kept, session) else { continue }
            return "\(kept.table) at \(row): the claims give something else; audit add-up adds up anew"
        }
        return nil
    }

    /// The tables that are not what the claims give. Each is looked at as of one moment, while others decide.
    static func differing(_ session: PostgresSession) throws -> [String] {
        try kept.filter { try difference($0, session) != nil }.map(\.table)
    }

    /// What tells the first row apart that is not what the claims give.
    private static func difference(_ kept: Kept, _ session: PostgresSession) throws -> String? {
        let result = try session.execute(
            """
            WITH kept AS (SELECT * FROM \(kept.table) WHERE \(kept.condition)), due AS (\(kept.rows))
            SELECT concat_ws(', ', \(kept.key)) FROM (
                (TABLE kept EXCEPT ALL TABLE due) UNION ALL (TABLE due EXCEPT ALL TABLE kept)) AS differing
            ORDER BY \(kept.key) LIMIT 1
            """)
        return result.count > 0 ? result.text(0, 0) : nil
    }

    /// The day in China on which a claim was received, as ``CalendarDate/inChina(milliseconds:)`` has it.
    private static func day(of table: String) -> String {
        "((\(table).received_at_ms + 28800000) / 86400000)::integer"
    }

    /// A table that is kept, what tells its rows apart, and the query that gives the same rows from all claims.
    private struct Kept {
        let table: String
        let key: String
        /// Which rows count: sums of nothing may stay.
        var condition = "true"
        let rows: String
    }

    private static let isSum = "(claims, claimed_fen) <> (0, 0)"

    private static let kept = [
        Kept(
            table: "claim_total", key: "city_code, day, state", condition: isSum,
            rows: """
                SELECT city_code, \(day(of: "claim")) AS day, state, count(*) AS claims, sum(claimed_fen) AS claimed_fen
                FROM claim GROUP BY 1, 2, 3
                """),
        Kept(
            table: "received_day", key: "day",
            rows: """
                SELECT \(day(of: "claim")) AS day, min(position) AS first_position, max(position) AS last_position
                FROM claim GROUP BY 1
                """),
        Kept(
            table: "rule_total", key: "rule", condition: isSum,
            rows: """
                SELECT f.rule, count(*) AS claims, sum(c.claimed_fen) AS claimed_fen
                FROM (SELECT DISTINCT rule, position FROM finding WHERE outcome <> 'flag') f
                JOIN claim c USING (position) GROUP BY f.rule
                """),
        Kept(
            table: "rule_pair_total", key: "rule, city_code, other_city_code", condition: isSum,
            rows: """
                SELECT f.rule, f.city_code, f.other_city_code, count(*) AS claims, sum(c.claimed_fen) AS claimed_fen
                FROM (SELECT DISTINCT rule, least(city_code, blocking_city) AS city_code,
                        greatest(city_code, blocking_city) AS other_city_code, position
                    FROM finding WHERE outcome <> 'flag' AND blocking_city <> 0) f
                JOIN claim c USING (position) GROUP BY 1, 2, 3
                """),
        Kept(table: "cap_use", key: "key", rows: KeptCaps.rows),
        Kept(table: "paid_twice", key: "key, position, other_position", rows: KeptFaults.allPairs),
        Kept(table: "uncleared_payment", key: "position", rows: KeptFaults.allUncleared),
    ]
}
