import Arbitration
import FederationWire
import PostgresClient
import Replication
import VoucherDomain

/// What became of claims after they were decided: the rows from which the registry answers as of any past position.
///
/// Like every table but the logs, it can be made again from the journal, and an audit compares it.
enum ClaimHistory {
    /// One change of one claim.
    struct Row: Hashable {
        /// Where the claim was decided.
        let claim: Int64
        /// Where it changed.
        let position: Int64
        let state: Outcome.Decision
        /// The stage of its payment, where that changed.
        let stage: Payment.Stage?
    }

    /// What gives in SQL the state that the claim `c` had at a position.
    static func state(asOf place: String) -> String {
        """
        coalesce((SELECT h.state FROM claim_history h WHERE h.claim_position = c.position
            AND h.position <= \(place) ORDER BY h.position DESC LIMIT 1),
            (SELECT f.decision FROM feed f WHERE f.position = c.position))
        """
    }

    /// The changes that one entry made, a row for each claim, by the claims' positions.
    static func rows(of outcome: Outcome, at position: Int64) -> [Row] {
        var rows: [Int64: Row] = [:]
        for effect in outcome.effects {
            rows[effect.position] = Row(
                claim: effect.position, position: position, state: effect.state,
                stage: effect.payment?.stage ?? rows[effect.position]?.stage)
        }
        return rows.values.sorted { $0.claim < $1.claim }
    }

    /// Writes what a batch changed, and the names that its claims bear.
    static func write(_ decided: [FoldWriter.Decided], _ session: PostgresSession) throws {
        try insert(decided.flatMap { rows(of: $0.outcome, at: $0.position) }, session)
        try queue(PartyName.names(of: decided.map(\.journalEntry)), session)
    }

    private static func insert(_ changes: [Row], _ session: PostgresSession) throws {
        try session.insert(into: "claim_history (claim_position, position, state, stage)", changes) { change, rows in
            rows.row(fields: 4)
            rows.int8(change.claim)
            rows.int8(change.position)
            rows.int2(Int16(change.state.rawValue))
            if let stage = change.stage { rows.int2(Int16(stage.rawValue)) } else { rows.null() }
        }
    }

    /// Known names stay as they are.
    private static func queue(_ names: [PartyName: Int64], _ session: PostgresSession) throws {
        guard !names.isEmpty else { return }
        let names = names.sorted { ($0.key.code, $0.key.name) < ($1.key.code, $1.key.name) }
        try session.queue(
            """
            INSERT INTO party_name (uscc, name, position) SELECT * FROM unnest($1::text[], $2::text[], $3::int8[])
            ON CONFLICT DO NOTHING
            """,
            [
                .textArray(names.map(\.key.code)), .textArray(names.map(\.key.name)),
                .int8Array(names.map(\.value)),
            ])
    }

    /// Fills the tables of a database that was there before them, by folding its whole journal.
    ///
    /// - Parameter progress: Called with every position.
    static func seed(
        _ session: PostgresSession, _ dialect: Dialect, _ progress: (Int64) -> Void = { _ in }
    ) throws {
        var changes: [Row] = []
        var known: Set<PartyName> = []
        var names: [PartyName: Int64] = [:]
        func write() throws {
            try insert(changes, session)
            try queue(names, session)
            try session.flush()
            (changes, names) = ([], [:])
        }
        try RegistryStore.eachOutcome(session, dialect, progress) { entry, outcome in
            changes += rows(of: outcome, at: entry.position)
            for (name, position) in PartyName.names(of: [entry]) where known.insert(name).inserted {
                names[name] = position
            }
            if changes.count + names.count > 1_000 { try write() }
        }
        try write()
    }
}

/// A name under which a company is written on a claim.
struct PartyName: Hashable {
    let code: String
    let name: String

    /// The codes of companies that have a text in their name, on claims decided up to a position.
    static func companies(bearing name: String, asOf position: Int64?, _ session: PostgresSession) throws -> [String] {
        let result = try session.execute(
            """
            SELECT DISTINCT uscc FROM party_name WHERE name_pairs(name) @> name_pairs($1)
                AND position(folded_name($1) IN folded_name(name)) > 0 AND position <= $2
            """, [.text(name), .int8(position ?? .max)])
        return (0..<result.count).map { result.text($0, 0) }
    }

    /// The names on the claims among these entries, which are in order, with the position of the first that bears each.
    static func names(of entries: [JournalEntry]) -> [PartyName: Int64] {
        var names: [PartyName: Int64] = [:]
        for entry in entries {
            guard case .claimFiled(let claim) = entry.content else { continue }
            for (code, name) in [(claim.enterprise, claim.enterpriseName), (claim.provider, claim.providerName)]
            where !name.isEmpty {
                let party = PartyName(code: code.rawValue, name: name)
                if names[party] == nil { names[party] = entry.position }
            }
        }
        return names
    }
}
