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
        /// What this arbiter has learnt when it began, until it has decided something.
        let beginning = Mutex<FoldWatch.Beginning?>(nil)
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
        /// An entry that the database would not take, or that ends the processes which fold it: it is now answered `invalid`
        /// so that the others go on.
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
    /// - Throws: ``RegistryRefusal`` when the database is of a newer build: one that was overlooked at an update would decide
    ///   beside tables that it does not know.
    package func acquire() async throws -> Bool {
        let (ahead, store) = (ahead, store)
        return try await writer.run { session in
            let result = try session.execute("SELECT pg_try_advisory_lock(\(Locks.arbiter))")
            guard result.bool(0, 0) else { return false }
            do { _ = try RegistryStore.appliedMigrations(session) } catch {
                try session.run(script: "SELECT pg_advisory_unlock_all()")
                throw error
            }
            try session.run(script: "LISTEN \(RegistryStore.inboxChannel)")
            try session.run(script: Arbiter.watch)
            let beginning = try FoldWatch(session: session).begin(store.processNonce)
            ahead.beginning.withLock { $0 = beginning }
            return true
        }.get()
    }

    /// How the server finds out that this process is gone, and its lock free. A connection that is closed it notices at once
    /// while it rests, and every half second while a statement runs (PostgreSQL 14 and later). Of a host that vanished
    /// without a word it notices within five seconds that nothing is answered.
    private static let watch = """
        SET tcp_keepalives_idle = 2;
        SET tcp_keepalives_interval = 1;
        SET tcp_keepalives_count = 3;
        SET tcp_user_timeout = 5000;
        SELECT set_config(name, '500ms', false) FROM pg_settings WHERE name = 'client_connection_check_interval'
        """

    /// Gives the lock up, so that another process can decide.
    package func release() async {
        _ = await writer.run { session in try session.run(script: "SELECT pg_advisory_unlock_all()") }
    }

    /// Makes sure of the lock: what ticks goes over other connections than the one that holds it.
    package func confirm() async throws { try await writer.run { _ = try $0.execute("SELECT 1") }.get() }

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
        let beginning = ahead.beginning.withLock { $0 }
        if let poison = beginning?.poison {
            ahead.beginning.withLock { $0?.poison = nil }
            return Report(decided: 0, more: true, poison: poison)
        }
        if beginning?.isCareful ?? false {
            try await reader.run { try FoldWatch(session: $0).tryOldestBatch(store) }.get()
            ahead.suspects.withLock { $0 = max($0, 1) }
        }
        let isSuspect = ahead.suspects.withLock { suspects in
            defer { suspects = max(0, suspects - 1) }
            return suspects > 0
        }
        let batch: FoldedBatch
        if let ready { batch = ready.batch } else { batch = try await firstBatch(alone: isSuspect) }
        guard !batch.decided.isEmpty else {
            if batch.work.isRewinding {
                try await rewindTables()
                return Report(decided: 0, more: true)
            }
            if beginning != nil {
                try await writer.run { try FoldWatch(session: $0).settle() }.get()
                ahead.beginning.withLock { $0 = nil }
            }
            return Report(decided: 0, more: false)
        }
        Failpoint.reach(.foldDone)
        async let next = isSuspect ? nil : prepare(after: batch, ready?.following)
        let rest = beginning?.after(batch.decided.count)
        let (decided, head): ([FoldWriter.Decided], FeedHead)
        do {
            (decided, head) = try await write(batch, settling: beginning != nil && rest == nil)
        } catch let error as PostgresError where error.isDataFault {
            return try await isolate(batch, error)
        }
        ahead.beginning.withLock { $0 = rest }
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

    /// Makes the tables anew that follow from the journal, of which a part was given up.
    private func rewindTables() async throws {
        let (secrets, dialect) = (store.secrets, store.dialect)
        try await writer.run { session in
            try session.transaction { try TableRewind.run(session, secrets, dialect) }
        }.get()
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

    /// What the feed says of an entry that the database would not take, or that no process survives. Never changes.
    static let poisonFault = "the registry cannot store what it says"

    /// What is folded while nothing is being written.
    ///
    /// - Parameter isAlone: Whether to take a single batch.
    private func firstBatch(alone isAlone: Bool) async throws -> FoldedBatch {
        let work = try await reader.run { session in
            try WaitingWork.read(session, store.policies, store.dialect, behind: [], batches: isAlone ? 1 : most)
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
        try await reader.run { session in
            // One snapshot: either from before such a batch was committed, or from after.
            try session.transaction(isSnapshot: true) {
                try WaitingWork.read(session, store.policies, store.dialect, behind: works, batches: most)
            }
        }.get()
    }

    private func fold(_ body: @escaping @Sendable () -> FoldedBatch) async -> FoldedBatch {
        await withCheckedContinuation { continuation in folding.async { continuation.resume(returning: body()) } }
    }

    /// Writes what was folded, in one transaction; claims that the second guard refuses are held and the rest goes on.
    ///
    /// - Parameter settles: Whether this ends what the arbiter has learnt when it began.
    private func write(
        _ batch: FoldedBatch, settling settles: Bool
    ) async throws -> (decided: [FoldWriter.Decided], head: FeedHead) {
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
                        if settles { try FoldWatch(session: session).settle() }
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
        guard registry.isDeciding, registry.incarnations == batch.work.incarnations else {
            throw PostgresError(
                code: .serializationFailure, message: "the registry has entered recovery mode meanwhile")
        }
        guard registry.feedHead == batch.base else {
            throw PostgresError(code: .serializationFailure, message: "another arbiter has decided meanwhile")
        }
        return registry
    }
}
