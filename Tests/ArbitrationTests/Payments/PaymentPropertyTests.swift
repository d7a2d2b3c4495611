import TestSupport
import Testing
import VoucherDomain

@testable import Arbitration

@Suite("Promises of the fold over generated journals with payments")
struct PaymentPropertyTests {
    private static let seeds = UInt64(1)...16
    private static let length = 300

    /// To make a journal is to fold it.
    private static let journals = Kept<UInt64, [JournalEntry]>()

    private func journal(_ seed: UInt64) -> [JournalEntry] {
        Self.journals.value(for: seed) { PaymentWalk.journal(seed: seed, length: Self.length) }
    }

    /// Where a promise was first broken, and how.
    private struct Breach: Equatable {
        let position: Int64
        let found: [String]
    }

    /// By seed, what was broken in its journal: the audit looks at all promises at once.
    private static let audited = Kept<UInt64, [PaymentAudit.Promise: Breach]>()

    /// Folds the journal of a seed, and asks after each entry whether every promise is kept.
    private func breaches(_ seed: UInt64) -> [PaymentAudit.Promise: Breach] {
        var (fold, audit) = (Fold(), PaymentAudit(PaymentWalk.terms))
        var breaches: [PaymentAudit.Promise: Breach] = [:]
        for entry in journal(seed) {
            let outcome = fold.apply(entry)
            for (promise, found) in audit.take(entry, outcome, fold.ledger) where breaches[promise] == nil {
                breaches[promise] = Breach(position: entry.position, found: found)
            }
        }
        return breaches
    }

    private func check(_ promise: PaymentAudit.Promise, _ seed: UInt64) {
        let broken = Self.audited.value(for: seed) { breaches(seed) }
        #expect(broken[promise] == nil, "seed \(seed)")
    }

    @Test("the generated journals reach every stage, and what payments and rulings do to each other")
    func notVacuous() {
        var (stages, decisions): (Set<Payment.Stage>, Set<Outcome.Decision>) = ([], [])
        var (stopped, refusedAfterStop, partRefunds, secondTries) = (0, 0, 0, 0)
        for seed in Self.seeds {
            var fold = Fold()
            var failed: Set<ClaimName> = []
            for outcome in journal(seed).map({ fold.apply($0) }) {
                decisions.insert(outcome.decision)
                for effect in outcome.effects {
                    guard let payment = effect.payment else { continue }
                    stages.insert(payment.stage)
                    stopped += payment.isBarred && payment.stage.isAuthorized ? 1 : 0
                    refusedAfterStop += payment.stage == .failed && effect.state == .refused ? 1 : 0
                    partRefunds += payment.stage == .paid && payment.refunded > .zero ? 1 : 0
                    secondTries += payment.stage == .authorized && failed.contains(effect.name) ? 1 : 0
                    if payment.stage == .failed { failed.insert(effect.name) }
                }
            }
        }

        let expected: Set<Outcome.Decision> = [
            .noted, .reserved, .refused, .held, .withdrawn, .unchanged, .tooLate,
        ]
        #expect(stages == Set(Payment.Stage.allCases))
        #expect(decisions.isSuperset(of: expected))
        #expect([stopped, refusedAfterStop, partRefunds, secondTries].allSatisfy { $0 > 0 })
    }

    // MARK: The audit's promises

    @Test("no blocking key is approved for two holders that may not share it", arguments: seeds)
    func oneHolder(seed: UInt64) { check(.oneHolder, seed) }

    @Test("only what is released is submitted, and only what is authorised is paid", arguments: seeds)
    func order(seed: UInt64) { check(.order, seed) }

    @Test("what is paid is what was claimed, and what is back is all of it before the keys are free", arguments: seeds)
    func amounts(seed: UInt64) { check(.amounts, seed) }

    @Test("nothing is authorised before its gate opens", arguments: seeds)
    func gate(seed: UInt64) { check(.gate, seed) }

    @Test("nothing is released before enough cities have it", arguments: seeds)
    func release(seed: UInt64) { check(.release, seed) }

    @Test("an approved claim holds all of its keys until its payment failed or is paid back", arguments: seeds)
    func keys(seed: UInt64) { check(.keys, seed) }

    @Test("one claim has one reference, and no other claim has it", arguments: seeds)
    func references(seed: UInt64) { check(.reference, seed) }

    // MARK: The journal alone decides

    @Test("an act that is refused, invalid, too late or changes nothing leaves everything as it was", arguments: seeds)
    func idleActs(seed: UInt64) {
        var fold = Fold()
        for entry in journal(seed) {
            let before = fold
            let outcome = fold.apply(entry)
            guard [.invalid, .unchanged, .tooLate].contains(outcome.decision) || isRefusedPayment(entry, outcome) else {
                continue
            }
            #expect(fold == before, "at position \(entry.position) of seed \(seed)")
            #expect(outcome.effects == [])
        }
    }

    private func isRefusedPayment(_ entry: JournalEntry, _ outcome: Outcome) -> Bool {
        guard case .payment = entry.content else { return false }
        return outcome.decision == .refused
    }

    @Test("folding a journal twice, position by position, gives the same outcomes and equal ledgers", arguments: seeds)
    func foldedTwice(seed: UInt64) {
        var (first, second) = (Fold(), Fold())
        for entry in journal(seed) {
            let outcomes = [first.apply(entry), second.apply(entry.placed(at: entry.position))]
            #expect(outcomes[0] == outcomes[1], "at position \(entry.position) of seed \(seed)")
            guard first == second else {
                Issue.record("the ledgers differ at position \(entry.position) of seed \(seed)")
                return
            }
        }

        #expect(first.ledger.differences(from: second.ledger, atMost: 100) == [])
        #expect(second.ledger.differences(from: first.ledger, atMost: 100) == [])
    }
}
