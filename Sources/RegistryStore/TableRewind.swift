import Arbitration
import FederationWire
import PostgresClient
import Replication

/// Makes the tables that follow from the journal anew, from the journal alone: what a part of it had written there that was
/// given up since goes with it.
///
/// Begins with empty tables and ends where the feed does, in one transaction: a process that dies meanwhile has done
/// nothing. What is folded must give each entry of the feed that stands, byte for byte.
struct TableRewind {
    private let session: PostgresSession
    private let registry: RegistryRow
    private let dialect: Dialect
    private var fold = Fold()
    private var composer: FeedComposer
    /// Not yet written.
    private var decided: [FoldWriter.Decided] = []

    private init(
        _ session: PostgresSession, _ secrets: RegistrySecrets, _ dialect: Dialect, registry: RegistryRow
    ) {
        self.session = session
        self.registry = registry
        self.dialect = dialect
        composer = FeedComposer(
            head: .empty, incarnations: registry.incarnations, hasher: secrets.hasher,
            detailMaster: secrets.detailMaster, untimedThrough: registry.untimedThrough)
    }

    /// Does it where it is to be done, and lets the arbiter decide again, inside the caller's transaction; for the arbiter
    /// alone. Cities are answered meanwhile; whoever reads these tables sees them as they were, until it is done.
    ///
    /// - Throws: ``RegistryRefusal`` `.diverged` where the journal does not give the feed; ``PostgresError`` where the
    ///   recovery has begun anew meanwhile.
    static func run(_ session: PostgresSession, _ secrets: RegistrySecrets, _ dialect: Dialect) throws {
        let registry = try RegistryRow.read(session)
        guard registry.recovery == .rewinding else { return }
        try run(from: registry, session, secrets, dialect)
    }

    /// - Parameter registry: The row as it was when this began.
    static func run(
        from registry: RegistryRow, _ session: PostgresSession, _ secrets: RegistrySecrets, _ dialect: Dialect
    ) throws {
        var rewind = TableRewind(session, secrets, dialect, registry: registry)
        do { try rewind.fill() } catch let refusal as RegistryRefusal {
            // A recovery that has begun anew may have cut the feed under it: nothing is wrong with what is left.
            try rewind.requireSame()
            throw refusal
        }
        try rewind.requireSame()
        try session.queue("UPDATE registry SET recovery_phase = 'replaying', tables_behind = false")
        let head = registry.feedHead
        try RecoveryReplay(session: session, secrets: secrets).decided(from: head.position + 1, through: head)
    }

    /// Locks the registry's row.
    ///
    /// - Throws: ``PostgresError`` where it is not that of the recovery for which this began.
    private func requireSame() throws {
        let still = try RegistryRow.lock(session)
        guard still.recovery == .rewinding, still.recoveryID == registry.recoveryID else {
            throw PostgresError(code: .serializationFailure, message: "the recovery has begun anew meanwhile")
        }
    }

    private mutating func fill() throws {
        // Whoever reads one snapshot of them would find them empty behind a TRUNCATE. Backwards: a case's claims go before
        // the case.
        let deletions = TableReplay.names.reversed().map { "DELETE FROM \($0);" }.joined(separator: " ")
        // Statements are planned while the tables are empty: they must not be planned to read them whole.
        try session.run(script: "\(deletions) SET LOCAL enable_seqscan = off")
        try RegistryStore.eachFeedRow(session) { row in
            try take(row)
            return true
        }
        try write()
        guard composer.head == registry.feedHead else { throw TableRewind.differs(at: composer.head.position + 1) }
        try session.run(script: "SET LOCAL enable_seqscan = DEFAULT")
    }

    private mutating func take(_ row: RegistryStore.FeedRow) throws {
        let journaled = try row.journaled(session)
        let journalEntry = journaled.placed(at: Int64(row.position), in: dialect)
        let outcome = fold.apply(journalEntry)
        decided.append(
            FoldWriter.Decided(
                entry: journaled.answered, act: journaled.act, journalEntry: journalEntry, outcome: outcome,
                policy: fold.ledger.policy, caps: fold.ledger.capUses(after: outcome)))
        let sealed = try composer.compose(
            journaled.answered, outcome, by: journaled.act, receivedAt: journalEntry.receivedAt)
        guard sealed.bytes == row.feed else { throw TableRewind.differs(at: row.position) }
        // Not together with what follows, as the arbiter does.
        if decided.count >= 1_000 || WaitingWork.isClosing(journaled.entry) { try write() }
    }

    private mutating func write() throws {
        try FoldWriter(decided, composer: composer).writeTables(session)
        decided = []
    }

    private static func differs(at position: UInt64) -> RegistryRefusal {
        RegistryRefusal(
            .diverged,
            "the feed at position \(position) is not what the logs give, and the tables cannot be made anew: nothing is "
                + "decided. Report this with the output of national-registry audit recompute")
    }
}
