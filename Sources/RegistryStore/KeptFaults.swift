import Arbitration
import PostgresClient
import Replication

/// Payments that must not be, kept for the reports that must be empty.
///
/// Whenever payments move, the tables are looked at as they are by then: neither the fold that decided is asked, nor the
/// constraints below it. An audit holds what is kept to a look at everything.
enum KeptFaults {
    /// Between the registry's authorisation and a refund of everything: money may be out.
    static let isOut = "BETWEEN \(Payment.Stage.authorized.rawValue) AND \(Payment.Stage.paid.rawValue)"

    /// Looks at the claims that a batch has moved, after it is written.
    static func look(at decided: [FoldWriter.Decided], _ session: PostgresSession) throws {
        let effects = decided.flatMap(\.outcome.effects)
        try lookForUncleared(Set(effects.map(\.position)).sorted(), session)
        let found = decided.filter(isFound).flatMap(\.outcome.effects)
        try lookForPairs(Set((effects.filter(mayChangePairs) + found).map(\.position)).sorted(), session)
        let refused = decided.filter(isRefusedConfirmation).map(\.position)
        if !refused.isEmpty {
            try session.queue("INSERT INTO uncleared_payment SELECT unnest($1::int8[])", [.int8Array(refused)])
        }
    }

    // MARK: Two payments under one key

    /// Whether it binds keys to a payment, whoever has them.
    private static func isFound(_ item: FoldWriter.Decided) -> Bool {
        if case .paymentFound = item.journalEntry.content { true } else { false }
    }

    /// Whether money may be out from now on or no more, or who may share the claim's keys has changed.
    private static func mayChangePairs(_ effect: Outcome.Effect) -> Bool {
        let stage = effect.payment?.stage
        return stage == .authorized || stage == .failed || stage == .reversed || !effect.regrouped.isEmpty
    }

    /// Whether a row of `claim_key` may be one of a key that one alone may have. Contracts are one city's.
    private static let mayBeAlone = "(exclusive OR get_byte(key, 0) = \(KeyKind.contract.rawValue))"

    private static func lookForPairs(_ positions: [Int64], _ session: PostgresSession) throws {
        guard !positions.isEmpty else { return }
        try session.queue(
            "DELETE FROM paid_twice WHERE position = ANY($1) OR other_position = ANY($1)", [.int8Array(positions)])
        // A contract of many claims is looked up once.
        let held = """
            SELECT k.* FROM (
                SELECT DISTINCT own.key FROM unnest($1::int8[]) AS n(position)
                CROSS JOIN LATERAL (
                    SELECT key FROM claim_key WHERE position = n.position AND \(mayBeAlone) OFFSET 0) AS own) AS moved
            CROSS JOIN LATERAL (SELECT * FROM claim_key WHERE key = moved.key AND \(mayBeAlone) OFFSET 0) AS k
            CROSS JOIN LATERAL (
                SELECT FROM payment WHERE claim_position = k.position AND stage \(isOut) OFFSET 0) AS p
            """
        try session.queue(
            "INSERT INTO paid_twice \(pairs(among: held)) ON CONFLICT DO NOTHING", [.int8Array(positions)])
    }

    /// Claims that took one key, each for itself alone, and both with money out.
    ///
    /// - Parameter held: Gives rows of `claim_key` of claims with money out.
    private static func pairs(among held: String) -> String {
        """
        WITH held AS MATERIALIZED (\(held)),
        shared AS (SELECT key FROM held GROUP BY key HAVING count(DISTINCT holder) > 1)
        SELECT DISTINCT key, a.position, b.position AS other_position
        FROM shared JOIN held a USING (key) JOIN held b USING (key)
        WHERE b.position < a.position AND b.holder <> a.holder
            AND (a.exclusive AND b.exclusive OR get_byte(key, 0) = \(KeyKind.contract.rawValue))
            AND (a.cofunding_group = '' OR a.cofunding_group <> b.cofunding_group)
        """
    }

    /// The query that gives all pairs, from what was taken and paid, not from what rules found: a breach is what no rule
    /// found.
    static let allPairs = pairs(
        among: """
            SELECT k.* FROM payment p
            JOIN (SELECT * FROM claim_key WHERE \(mayBeAlone)) k ON k.position = p.claim_position WHERE p.stage \(isOut)
            """)

    // MARK: Payments that nobody cleared

    private static func lookForUncleared(_ positions: [Int64], _ session: PostgresSession) throws {
        guard !positions.isEmpty else { return }
        try session.queue("DELETE FROM uncleared_payment WHERE position = ANY($1)", [.int8Array(positions)])
        let moved = """
            unnest($1::int8[]) AS n(position)
            CROSS JOIN LATERAL (SELECT * FROM claim WHERE position = n.position OFFSET 0) AS c
            LEFT JOIN LATERAL (SELECT * FROM payment WHERE claim_position = c.position OFFSET 0) AS p ON true
            """
        try session.queue("INSERT INTO uncleared_payment \(uncleared(among: moved))", [.int8Array(positions)])
    }

    /// Claims that stand as paid, or as on their way, without a reference that the registry gave to them.
    ///
    /// - Parameter claims: Gives rows `c` of `claim`, each with its payment `p` if it has one.
    private static func uncleared(among claims: String) -> String {
        """
        SELECT c.position FROM \(claims)
        WHERE c.state IN (\(Outcome.Decision.authorized.rawValue), \(Outcome.Decision.paid.rawValue))
            AND (p.reference IS NULL OR p.authorized_position IS NULL OR p.authorized_position <= c.position)
        """
    }

    /// Whether a city said that a bank has paid, and the registry did not take it for the payment that it authorised.
    private static func isRefusedConfirmation(_ item: FoldWriter.Decided) -> Bool {
        (item.act ?? item.entry).kind == .paymentConfirmed && notTaken.contains(item.outcome.decision)
    }

    private static let notTaken: [Outcome.Decision] = [.refused, .invalid]

    /// The query that gives the positions of all of both.
    static let allUncleared = """
        \(uncleared(among: "claim c LEFT JOIN payment p ON p.claim_position = c.position"))
        UNION ALL
        SELECT f.position FROM entry e JOIN feed f ON f.city_code = e.city_code AND f.sequence = e.sequence
        WHERE e.kind = \(EntryKind.paymentConfirmed.rawValue)
            AND f.decision IN (\(notTaken.map { "\($0.rawValue)" }.joined(separator: ", ")))
        """
}
