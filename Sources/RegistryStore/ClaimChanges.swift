import Arbitration
import PostgresClient

/// What a batch makes of claims that were decided before it, or earlier in it.
struct ClaimChanges {
    /// All effects on one claim together.
    struct Change {
        var state: Outcome.Decision
        var withdrawnAt: Int64?
        /// Whether it holds nothing any more.
        var isReleased = false
        /// Whether detectors find nothing of it any more.
        var isLifted = false
        /// What it has taken again since it held nothing, and the claim as it is seen since.
        var taken: [Holding] = []
        var filing: Filing?
        /// The group that a key's holding has from now on.
        var groups: [Key: String] = [:]
        var lifted: [Trace] = []
    }

    /// By the positions of the claims.
    private let changes: [Int64: Change]

    init(_ decided: [FoldWriter.Decided]) {
        var changes: [Int64: Change] = [:]
        for item in decided {
            for effect in item.outcome.effects {
                var change = changes[effect.position] ?? Change(state: effect.state)
                change.state = effect.state
                if effect.state == .withdrawn { change.withdrawnAt = item.position }
                if !effect.state.isLive { (change.isReleased, change.isLifted) = (true, true) }
                if !effect.taken.isEmpty {
                    change.taken = effect.taken
                    (change.isReleased, change.withdrawnAt, change.groups) = (false, nil, [:])
                }
                change.filing = effect.filing ?? change.filing
                for holding in effect.regrouped { change.groups[holding.key] = holding.group }
                change.lifted += effect.lifted.traces
                changes[effect.position] = change
            }
        }
        self.changes = changes
    }

    /// What becomes of the claim that was decided at a position; `nil` where nothing does.
    subscript(position: Int64) -> Change? { changes[position] }

    /// Whether the claim gives back its keys in this batch.
    func isReleased(_ position: Int64) -> Bool { changes[position]?.isReleased ?? false }

    func isLifted(_ position: Int64) -> Bool { changes[position]?.isLifted ?? false }

    /// Writes what becomes of claims that were decided in earlier batches, but for what they take again.
    ///
    /// - Parameter first: Where this batch begins.
    func writeEarlier(than first: Int64, _ session: PostgresSession) throws {
        let earlier = changes.filter { $0.key < first }.sorted { $0.key < $1.key }
        guard !earlier.isEmpty else { return }
        let released = earlier.filter(\.value.isReleased)
        if !released.isEmpty {
            try session.queue(
                "UPDATE claim_key SET live = false WHERE position = ANY($1) AND live",
                [.int8Array(released.map(\.key))])
        }
        for (position, change) in earlier where !change.isReleased {
            for (key, group) in change.groups.sorted(by: { $0.key < $1.key }) {
                try session.queue(
                    """
                    UPDATE claim_key SET cofunding_group = $3, exclusive = false
                    WHERE position = $1 AND key = $2 AND live
                    """, [.int8(position), .bytea(key.bytes), .text(group)])
            }
        }
        try KeptTotals.change(earlier.map { ($0.key, $0.value.state, $0.value.withdrawnAt) }, session)
        let lifted = earlier.filter(\.value.isLifted)
        guard !lifted.isEmpty else { return }
        try session.queue(
            "UPDATE claim SET traces = '{}', resource_class = NULL, price_class = NULL WHERE position = ANY($1)",
            [.int8Array(lifted.map(\.key))])
        let traces = lifted.flatMap { position, change in change.lifted.map { ($0.rawValue, position) } }
        try session.queue(
            "DELETE FROM trace USING unnest($1::int8[], $2::int8[]) AS t(k, p) WHERE key = t.k AND position = t.p",
            [.int8Array(traces.map(\.0)), .int8Array(traces.map(\.1))])
    }

    /// Claims that hold keys again have them by the policy in force since, and none for themselves alone: others may stand
    /// beside them. Later claims meet them as they are seen since.
    func writeTaken(_ session: PostgresSession) throws {
        let filings = changes.values.compactMap(\.filing).sorted { $0.position < $1.position }
        if !filings.isEmpty {
            try session.queue(
                """
                UPDATE claim SET programme = n.programme, filed_at_ms = n.filed
                FROM unnest($1::int8[], $2::text[], $3::int8[]) AS n(position, programme, filed)
                WHERE claim.position = n.position
                """,
                [
                    .int8Array(filings.map(\.position)), .textArray(filings.map(\.programme)),
                    .int8Array(filings.map(\.filedAt)),
                ])
        }
        let taken = changes.filter { !$0.value.taken.isEmpty }.sorted { $0.key < $1.key }
        guard !taken.isEmpty else { return }
        try session.queue("DELETE FROM claim_key WHERE position = ANY($1)", [.int8Array(taken.map(\.key))])
        let holdings = taken.flatMap { _, change in change.taken.map { (holding: $0, change: change) } }
        try session.insert(into: FoldWriter.keyColumns, holdings) { item, rows in
            FoldWriter.addKey(
                item.holding, isLive: !item.change.isReleased, isExclusive: false,
                group: item.change.groups[item.holding.key], to: &rows)
        }
    }
}
