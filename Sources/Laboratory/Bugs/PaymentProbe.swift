import Arbitration
import GeneratedJournals

/// A journal of payments, cases and rulings, beside an audit with books of its own.
struct PaymentProbe {
    private let journal: [JournalEntry]

    init(seed: UInt64) { journal = PaymentWalk.journal(seed: seed, length: 300) }

    func finding() -> String? {
        var (fold, audit) = (Fold(), PaymentAudit(PaymentWalk.terms))
        for entry in journal {
            let outcome = fold.apply(entry)
            let found = audit.take(entry, outcome, fold.ledger)
            guard let (promise, faults) = found.min(by: { "\($0.key)" < "\($1.key)" }) else { continue }
            return "\(promise): position \(entry.position): \(faults[0])"
        }
        return nil
    }
}
