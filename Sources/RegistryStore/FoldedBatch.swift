import Arbitration
import Failpoints
import FederationWire
import PostgresClient
import Replication
import VoucherDomain

/// A batch that is folded and not yet committed.
struct FoldedBatch: Sendable {
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
            Failpoint.reach(.entryFolded, of: journalEntry.claimNumber)
            let outcome = fold.apply(journalEntry, guarded: guarded[journalEntry.position] ?? [])
            return FoldWriter.Decided(
                entry: item.entry, act: item.act, journalEntry: journalEntry, outcome: outcome,
                policy: fold.ledger.policy, caps: fold.ledger.capUses(after: outcome))
        }
    }

    /// Whether a payment is authorised in it.
    var authorizes: Bool {
        decided.contains { $0.outcome.effects.contains { $0.payment?.stage == .authorized } }
    }

    /// The first entry with which the batch cannot be written; nothing is written.
    func firstUnwritable(_ session: PostgresSession, _ composer: FeedComposer) throws -> FoldWriter.Decided {
        /// The first `fitting` entries can be written, the first `failing` ones cannot.
        var (fitting, failing) = (0, decided.count)
        while failing - fitting > 1 {
            let middle = (fitting + failing) / 2
            if try FoldWriter(Array(decided[..<middle]), composer: composer).isWritable(session) {
                fitting = middle
            } else {
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

extension FeedComposer {
    /// Goes on where the registry's feed ends.
    init(after registry: RegistryRow, _ secrets: RegistrySecrets) {
        self.init(
            head: registry.feedHead, incarnations: registry.incarnations, hasher: secrets.hasher,
            detailMaster: secrets.detailMaster, untimedThrough: registry.untimedThrough)
    }
}

extension JournalEntry {
    /// The number of the claim that it files; empty for others.
    fileprivate var claimNumber: String { if case .claimFiled(let claim) = content { claim.number } else { "" } }
}
