import Arbitration
import GeneratedJournals
import VoucherDomain

/// A journal of claims under every kind of rule, beside a naive ledger.
struct JournalProbe {
    private let journal: [JournalEntry]

    init(seed: UInt64) {
        var generator = JournalGenerator(
            seed: seed, statesOtherAmounts: false, policy: .sample(yearCap: JournalGenerator.yearCap))
        journal = generator.journal(length: 150)
    }

    func finding() -> String? {
        var (fold, naive) = (Fold(), NaiveLedger())
        var used: Set<ClaimName> = []
        for entry in journal {
            let place = "position \(entry.position)"
            if let fault = guardFault(entry, fold) { return "\(place): \(fault)" }
            let outcome = fold.apply(entry)
            if case .claimFiled(let claim) = entry.content {
                let wrong = naive.wronglyNamed(in: outcome, of: claim, city: entry.city)
                if !wrong.isEmpty { return "\(place): \(wrong[0]) is named and is not in the way" }
                let isUsed = used.contains(ClaimName(city: entry.city, number: claim.number))
                if isUsed, outcome.decision != .invalid { return "\(place): a claim number is decided again" }
                used.insert(ClaimName(city: entry.city, number: claim.number))
            }
            if case .voucherIssued(let voucher) = entry.content,
                let first = naive.vouchers[.voucher(city: entry.city, number: voucher.number)],
                first != VoucherFacts(voucher), outcome.decision != .refused
            {
                return "\(place): a voucher is issued again with other content"
            }
            if !outcome.decision.isLive, !outcome.taken.isEmpty { return "\(place): a refused claim takes keys" }
            naive.apply(outcome, of: entry)
            if let key = naive.unlawfullyShared.first { return "\(place): two hold \(key.readable)" }
            if let key = naive.overfull.first { return "\(place): more than fits stands under \(key.readable)" }
        }
        return nil
    }

    /// A claim one of whose keys the database refuses is never reserved.
    private func guardFault(_ entry: JournalEntry, _ fold: Fold) -> String? {
        guard entry.position.isMultiple(of: 10), let key = entry.keys.first else { return nil }
        var copy = fold
        let decision = copy.apply(entry, guarded: [key]).decision
        return decision == .reserved ? "a key that the database refuses is taken" : nil
    }
}
