import Arbitration
import FederationWire
import PostgresClient
import Replication
import Synchronization
import VoucherDomain

/// The one process that decides, for as long as it holds the database's advisory lock.
///
/// Takes what all cities have pushed, in the order of the batches' ids, folds it in memory on the part of the
/// ledger that it touches, and writes outcome, keys and feed in the same transaction as the counter of positions.
/// A crash anywhere leaves nothing half-done; the next arbiter goes on at the same place.
///
/// Under load two connections work side by side: while one writes a batch, the other reads and folds the next one
/// on what the first is about to commit. If that fails, what was folded on it is thrown away.
///
/// Use one arbiter from one task; after an error make a new one.
package struct Arbiter: Sendable {
    private let writer: PostgresConnection
    private let reader: PostgresConnection
    private let store: RegistryStore
    private let ahead = Ahead()

    /// What was folded while the last transaction ran.
    private final class Ahead: Sendable {
        let batch = Mutex<FoldedBatch?>(nil)
    }

    /// What one transaction decided.
    package struct Report: Hashable, Sendable {
        package let decided: Int
        /// Whether more waits.
        package let more: Bool
        /// The positions of claims that the second guard holds: the ledger and the database disagree.
        package let guarded: [Int64]
    }

    /// The most entries folded in one transaction, unless one batch is larger.
    package static let maximumEntries = 8_000
    /// The most bytes of entries folded in one transaction, unless one batch is larger.
    package static let maximumBytes = 32 << 20

    package init(store: RegistryStore) {
        self.store = store
        writer = store.pool.dedicated()
        reader = store.pool.dedicated()
    }

    /// Tries to become the arbiter. The lock lives as long as this connection.
    ///
    /// - Returns: Whether this process is the arbiter now.
    package func acquire() async throws -> Bool {
        try await writer.run { session in
            let result = try session.execute("SELECT pg_try_advisory_lock(\(Locks.arbiter))")
            let isHeld = result.bool(0, 0)
            if isHeld { try session.run(script: "LISTEN \(RegistryStore.inboxChannel)") }
            return isHeld
        }.get()
    }

    /// Gives the lock up, so that another process can decide.
    package func release() async {
        _ = await writer.run { session in try session.run(script: "SELECT pg_advisory_unlock_all()") }
    }

    /// Waits for a committed batch.
    ///
    /// - Returns: Whether there was a notification before the time was over.
    package func waitForWork(milliseconds: Int32) async throws -> Bool {
        try await writer.run { try $0.waitForNotification(milliseconds: milliseconds) }.get()
    }

    /// Decides what waits, at most ``maximumEntries`` in one transaction, and tells the feed's readers.
    ///
    /// - Throws: ``PostgresError``; when the connection broke, the lock is gone with it.
    package func decide() async throws -> Report {
        let folded = ahead.batch.withLock { batch in
            defer { batch = nil }
            return batch
        }
        let batch: FoldedBatch
        if let folded { batch = folded } else { batch = try await fold(after: nil) }
        guard !batch.decided.isEmpty else { return Report(decided: 0, more: false, guarded: []) }
        async let next = batch.work.more ? fold(after: batch) : nil
        let decided = try await write(batch)
        if let next = try await next, !next.decided.isEmpty, next.base == decided.last?.feedEntry.head {
            ahead.batch.withLock { $0 = next }
        }
        return Report(
            decided: decided.count, more: batch.work.more, guarded: decided.filter(\.isGuarded).map(\.position))
    }

    /// Reads what waits and folds it.
    ///
    /// - Parameter current: The batch that is being written; `nil` when none is.
    private func fold(after current: FoldedBatch?) async throws -> FoldedBatch {
        let secrets = store.secrets
        return try await reader.run { session in
            try session.transaction {
                let work = try WaitingWork.read(session, inFlight: current?.work.batchIDs ?? [])
                let registry = try RegistryRow.read(session)
                let head = current?.head ?? registry.feedHead
                guard let ledger = work.ledger(through: head, decided: current?.decided ?? []) else {
                    throw PostgresError(code: .serializationFailure, message: "another arbiter has decided meanwhile")
                }
                return try FoldedBatch(
                    work: work, base: head, incarnation: registry.incarnation, ledger: ledger, secrets: secrets)
            }
        }.get()
    }

    /// Writes what was folded, in one transaction; claims that the second guard refuses are held and the rest goes on.
    private func write(_ batch: FoldedBatch) async throws -> [FoldWriter.Decided] {
        try await writer.run { session in
            try session.transaction {
                guard try RegistryRow.lock(session).feedHead == batch.base else {
                    throw PostgresError(code: .serializationFailure, message: "another arbiter has decided meanwhile")
                }
                let batch = try batch.written(session)
                try session.execute(
                    "UPDATE registry SET feed_position = $1, feed_hash = $2",
                    [.int8(Int64(batch.head.position)), .bytea(batch.head.hash.rawValue)])
                try batch.work.markFolded(session)
                try session.run(script: "NOTIFY \(RegistryStore.feedChannel)")
                return batch.decided
            }
        }.get()
    }
}

/// A batch that is folded and not yet committed.
private struct FoldedBatch: Sendable {
    let work: WaitingWork
    /// The feed head that it was folded on.
    let base: FeedHead
    let decided: [FoldWriter.Decided]
    /// The feed head that it leads to.
    let head: FeedHead
    private let incarnation: UInt32
    private let ledger: Ledger
    private let secrets: RegistrySecrets

    /// - Parameter guarded: Keys that the second guard refused to claims of this batch, by position.
    init(
        work: WaitingWork, base: FeedHead, incarnation: UInt32, ledger: Ledger, secrets: RegistrySecrets,
        guarded: [Int64: Set<Key>] = [:]
    ) throws {
        self.work = work
        self.base = base
        self.incarnation = incarnation
        self.ledger = ledger
        self.secrets = secrets
        var fold = Fold(ledger: ledger)
        var composer = FeedComposer(
            head: base, incarnation: incarnation, hasher: secrets.hasher, detailMaster: secrets.detailMaster)
        decided = try work.items.map { item in
            let journalEntry = item.journalEntry.placed(at: Int64(composer.head.position) + 1)
            let outcome = fold.apply(journalEntry, guarded: guarded[journalEntry.position] ?? [])
            return FoldWriter.Decided(
                entry: item.entry, journalEntry: journalEntry, outcome: outcome,
                feedEntry: try composer.compose(item.entry, outcome), policy: fold.ledger.policy)
        }
        head = composer.head
    }

    /// Writes the batch, and gives it as it was written: folded again where the second guard refused a claim.
    func written(_ session: PostgresSession) throws -> FoldedBatch {
        var batch = self
        var guarded: [Int64: Set<Key>] = [:]
        while true {
            let writer = FoldWriter(batch.decided)
            do {
                try session.savepoint { try writer.write(session) }
                return batch
            } catch let error as PostgresError where error.constraint == FoldWriter.guardConstraint {
                let refused = try writer.keysHeldByOthers(session)
                guard !refused.isEmpty else { throw error }
                guarded.merge(refused) { $0.union($1) }
                batch = try FoldedBatch(
                    work: work, base: base, incarnation: incarnation, ledger: ledger, secrets: secrets,
                    guarded: guarded)
            }
        }
    }
}
