import Arbitration
import Dispatch
import Failpoints
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
/// Under load three stages work side by side: while one batch is written, the next one is folded on what the first is
/// about to commit, and the one after that is read. If the writing fails, what was made ready is thrown away. Filings
/// alone go ahead: an entry that reaches far (``JournalEntry/isFarReaching``) waits until everything before it is
/// committed.
///
/// Use one arbiter from one task; after an error make a new one.
package struct Arbiter: Sendable {
    private let writer: PostgresConnection
    private let reader: PostgresConnection
    /// Folds, beside the threads that serve requests.
    private let folding = DispatchQueue(label: "arbiter-fold")
    private let store: RegistryStore
    private let ahead = Ahead()

    /// What the last call leaves to the next one.
    private final class Ahead: Sendable {
        /// What was made ready while the last transaction ran.
        let ready = Mutex<Ready?>(nil)
        /// How many batches are still to be taken one by one, because one of them cannot be written.
        let suspects = Mutex(0)
    }

    /// What is to be written next, and what was read behind it.
    private struct Ready: Sendable {
        var batch: FoldedBatch
        let following: WaitingWork?
    }

    /// What one transaction decided.
    package struct Report: Hashable, Sendable {
        package let decided: Int
        /// Whether more waits.
        package let more: Bool
        /// The positions of claims that the second guard holds: the ledger and the database disagree.
        package var guarded: [Int64] = []
        /// An entry that the database would not take, which is now answered `invalid` so that the others go on.
        package var poison: String?
    }

    /// The most entries folded in one transaction, unless one batch is larger.
    package static let maximumEntries = 4_000
    /// The most bytes of entries folded in one transaction, unless one batch is larger.
    package static let maximumBytes = 32 << 20
    /// The most batches folded in one transaction.
    package static let maximumBatches = 1_000

    /// The most batches that this arbiter folds in one transaction.
    private let most: Int

    /// - Parameter batches: The most batches to fold in one transaction.
    package init(store: RegistryStore, batches: Int = maximumBatches) {
        self.store = store
        most = batches
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
        let ready = ahead.ready.withLock { ready in
            defer { ready = nil }
            return ready
        }
        let isSuspect = ahead.suspects.withLock { suspects in
            defer { suspects = max(0, suspects - 1) }
            return suspects > 0
        }
        let batch: FoldedBatch
        if let ready { batch = ready.batch } else { batch = try await firstBatch(alone: isSuspect) }
        guard !batch.decided.isEmpty else { return Report(decided: 0, more: false) }
        Failpoint.reach(.foldDone)
        async let next = isSuspect ? nil : prepare(after: batch, ready?.following)
        let (decided, head): ([FoldWriter.Decided], FeedHead)
        do {
            (decided, head) = try await write(batch)
        } catch let error as PostgresError where error.isDataFault {
            return try await isolate(batch, error)
        }
        Failpoint.reach(.decisionCommitted)
        Failpoint.reach(.authorizationCommitted, when: batch.authorizes)
        let guarded = decided.filter(\.isGuarded).map(\.position)
        // What was folded on claims that are now held instead is wrong.
        if var ready = try await next, guarded.isEmpty {
            ready.batch.base = head
            let written = ready
            ahead.ready.withLock { $0 = written }
        }
        return Report(decided: decided.count, more: batch.work.more, guarded: guarded)
    }

    /// The same batch would fail for ever, and with it the nation: looks for the entry at fault, first batch by batch,
    /// then by halves, and has it answered `invalid`.
    private func isolate(_ batch: FoldedBatch, _ error: PostgresError) async throws -> Report {
        guard batch.work.batchIDs.count == 1 else {
            ahead.suspects.withLock { $0 = batch.work.batchIDs.count }
            return Report(decided: 0, more: true)
        }
        let secrets = store.secrets
        let culprit = try await writer.run { session in
            try session.transaction {
                let composer = FeedComposer(after: try Arbiter.lockRegistry(session, for: batch), secrets)
                let item = try batch.firstUnwritable(session, composer)
                // Without what it says it cannot be stored either: the fault is not in the entry.
                guard item.journalEntry.content != .faulty(Arbiter.poisonFault) else { throw error }
                let entry = item.entry
                try session.execute(
                    "UPDATE entry SET fault = $3 WHERE city_code = $1 AND sequence = $2",
                    [.int4(Int32(entry.city.rawValue)), .int8(Int64(entry.sequence)), .text(Arbiter.poisonFault)])
                return "entry \(entry.sequence) of city \(entry.city): \(error)"
            }
        }.get()
        ahead.suspects.withLock { $0 = 1 }
        return Report(decided: 0, more: true, poison: culprit)
    }

    /// What the feed says of an entry that the database would not take. Never changes.
    static let poisonFault = "the registry cannot store what it says"

    /// What is folded while nothing is being written.
    ///
    /// - Parameter isAlone: Whether to take a single batch.
    private func firstBatch(alone isAlone: Bool) async throws -> FoldedBatch {
        let work = try await reader.run { session in
            try WaitingWork.read(session, store.policies, store.dialect, inFlight: [], batches: isAlone ? 1 : most)
        }.get()
        return await fold { FoldedBatch(work, on: []) }
    }

    /// Folds what waits behind a batch that is being written, and reads what waits behind that.
    ///
    /// - Parameter work: What follows the batch, where that was read already.
    /// - Returns: `nil` where nothing may go ahead.
    private func prepare(after batch: FoldedBatch, _ work: WaitingWork?) async throws -> Ready? {
        guard batch.work.more, !batch.work.isFarReaching else { return nil }
        let work = if let work { work } else { try await read(behind: [batch.work]) }
        guard !work.items.isEmpty, !work.isFarReaching else { return nil }
        async let following = work.more ? read(behind: [batch.work, work]) : nil
        return Ready(batch: await fold { FoldedBatch(work, on: batch.trail) }, following: try await following)
    }

    /// Reads what waits behind batches that are not committed.
    private func read(behind works: [WaitingWork]) async throws -> WaitingWork {
        let inFlight = works.flatMap(\.batchIDs)
        return try await reader.run { session in
            // One snapshot: either from before such a batch was committed, or from after.
            try session.transaction(isSnapshot: true) {
                try WaitingWork.read(session, store.policies, store.dialect, inFlight: inFlight, batches: most)
            }
        }.get()
    }

    private func fold(_ body: @escaping @Sendable () -> FoldedBatch) async -> FoldedBatch {
        await withCheckedContinuation { continuation in folding.async { continuation.resume(returning: body()) } }
    }

    /// Writes what was folded, in one transaction; claims that the second guard refuses are held and the rest goes on.
    private func write(_ batch: FoldedBatch) async throws -> (decided: [FoldWriter.Decided], head: FeedHead) {
        let secrets = store.secrets
        return try await writer.run { session in
            var (batch, guarded) = (batch, [Int64: Set<Key>]())
            while true {
                do {
                    return try session.transaction {
                        let registry = try Arbiter.lockRegistry(session, for: batch)
                        let writer = FoldWriter(
                            batch.decided, composer: FeedComposer(after: registry, secrets))
                        let head = try writer.write(session)
                        try batch.work.finish(session, head: head)
                        if registry.recovery == .replaying {
                            try RecoveryReplay(session: session, secrets: secrets).decided(
                                from: registry.feedHead.position + 1, through: head)
                        }
                        Failpoint.reach(.decisionUncommitted)
                        Failpoint.reach(.authorizationUncommitted, when: batch.authorizes)
                        return (batch.decided, head)
                    }
                } catch let error as PostgresError where FoldWriter.isGuard(error) {
                    let refused = try session.transaction {
                        let registry = try Arbiter.lockRegistry(session, for: batch)
                        return try FoldWriter(batch.decided, composer: FeedComposer(after: registry, secrets))
                            .keysHeldByOthers(session)
                    }
                    guard !refused.isEmpty else { throw error }
                    guarded.merge(refused) { $0.union($1) }
                    batch = batch.folded(guarded: guarded)
                }
            }
        }.get()
    }

    /// Locks the registry's row: nobody else extends the feed until the transaction ends.
    ///
    /// - Parameter batch: What was folded: the feed must end where it begins.
    private static func lockRegistry(_ session: PostgresSession, for batch: FoldedBatch) throws -> RegistryRow {
        let registry = try RegistryRow.lock(session)
        guard registry.recovery != .collecting, registry.incarnations == batch.work.incarnations else {
            throw PostgresError(
                code: .serializationFailure, message: "the registry has entered recovery mode meanwhile")
        }
        guard registry.feedHead == batch.base else {
            throw PostgresError(code: .serializationFailure, message: "another arbiter has decided meanwhile")
        }
        return registry
    }
}

extension FeedComposer {
    /// Goes on where the registry's feed ends.
    fileprivate init(after registry: RegistryRow, _ secrets: RegistrySecrets) {
        self.init(
            head: registry.feedHead, incarnations: registry.incarnations, hasher: secrets.hasher,
            detailMaster: secrets.detailMaster, untimedThrough: registry.untimedThrough)
    }
}

/// A batch that is folded and not yet committed.
private struct FoldedBatch: Sendable {
    typealias Trail = [[FoldWriter.Decided]]

    let work: WaitingWork
    /// The feed head that it was folded on, as soon as that is known.
    var base: FeedHead?
    private(set) var decided: [FoldWriter.Decided]
    /// What was decided just before it and may not have been committed when later work was read.
    private let before: Trail
    private let first: Int64
    private let ledger: Ledger

    /// - Parameter trail: What was decided before it and may not have been committed when `work` was read, in order.
    init(_ work: WaitingWork, on trail: Trail) {
        self.work = work
        let missing = trail.filter { $0.last.map { $0.position > work.asOf.position } ?? false }
        base = trail.isEmpty ? work.asOf : nil
        before = trail.suffix(1)
        first = (missing.last?.last?.position ?? Int64(work.asOf.position)) + 1
        ledger = work.ledger(after: missing)
        decided = FoldedBatch.fold(work, ledger, first: first, guarded: [:])
    }

    /// What may not have been committed when work behind this batch was read.
    var trail: Trail { before + [decided] }

    /// - Parameter guarded: Keys that the second guard refused to claims of this batch, by position.
    private static func fold(
        _ work: WaitingWork, _ ledger: Ledger, first: Int64, guarded: [Int64: Set<Key>]
    ) -> [FoldWriter.Decided] {
        var fold = Fold(ledger: ledger)
        return work.items.enumerated().map { index, item in
            let journalEntry = item.journalEntry.placed(at: first + Int64(index))
            let outcome = fold.apply(journalEntry, guarded: guarded[journalEntry.position] ?? [])
            return FoldWriter.Decided(
                entry: item.entry, act: item.act, journalEntry: journalEntry, outcome: outcome,
                policy: fold.ledger.policy)
        }
    }

    /// Whether a payment is authorised in it.
    var authorizes: Bool {
        decided.contains { $0.outcome.effects.contains { $0.payment?.stage == .authorized } }
    }

    /// The first entry with which the batch cannot be written; nothing is written.
    func firstUnwritable(_ session: PostgresSession, _ composer: FeedComposer) throws -> FoldWriter.Decided {
        struct Undone: Error {}
        /// The first `fitting` entries can be written, the first `failing` ones cannot.
        var (fitting, failing) = (0, decided.count)
        while failing - fitting > 1 {
            let middle = (fitting + failing) / 2
            do {
                try session.savepoint {
                    _ = try FoldWriter(Array(decided[..<middle]), composer: composer).write(session)
                    try session.flush()
                    throw Undone()
                }
            } catch is Undone {
                fitting = middle
            } catch let error as PostgresError where error.isDataFault {
                failing = middle
            }
        }
        return decided[failing - 1]
    }

    /// The same batch folded again, without the keys that the second guard refused to its claims, by position.
    func folded(guarded: [Int64: Set<Key>]) -> FoldedBatch {
        var batch = self
        batch.decided = FoldedBatch.fold(work, ledger, first: first, guarded: guarded)
        return batch
    }
}
