package import Arbitration
import FederationWire
import PostgresClient

extension RegistryStore {
    /// Holds every live claim that is not paid against the rule book once more, with all that is known by now: the
    /// nightly pass. For each in which something new is found, a review is appended to the registry's log; the fold finds
    /// it again there, and opens a case.
    ///
    /// Folds the whole journal in memory, as an audit does. Repeating it before the arbiter has decided appends the same
    /// reviews again, which then change nothing.
    ///
    /// - Parameters:
    ///   - isTrial: Only says what would be reviewed.
    ///   - progress: Called now and then with the position reached.
    /// - Returns: The claims, by name.
    package func sweep(
        isTrial: Bool, now: UInt64, progress: @escaping @Sendable (Int) -> Void
    ) async throws -> [ClaimName] {
        let dialect = dialect
        let found = try await pool.run { session in
            try session.transaction(isSnapshot: true) {
                var fold = Fold()
                try RegistryStore.eachFeedRow(session) { row in
                    _ = fold.apply(try row.journalEntry(in: dialect, session))
                    if row.position.isMultiple(of: 1_000) { progress(Int(row.position)) }
                    return true
                }
                return fold.ledger.claims.keys.sorted().filter(fold.findsSomethingNew)
            }
        }
        guard !isTrial, !found.isEmpty else { return found }
        let secrets = secrets
        try await pool.transaction { session in
            for piece in found.pieces(of: 1_000) {
                try RegistryStore.append(piece.map { .reviewed($0) }, session, secrets, now: now)
            }
        }
        return found
    }
}
