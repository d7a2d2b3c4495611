import TestSupport
import Testing
import VoucherDomain

@testable import Arbitration

@Suite("Promises of the fold over generated journals")
struct FoldPropertyTests {
    private static let seeds = UInt64(1)...12
    private static let length = 250

    private func journal(_ seed: UInt64, statesOtherAmounts: Bool = true) -> [JournalEntry] {
        var generator = JournalGenerator(
            seed: seed, statesOtherAmounts: statesOtherAmounts, policy: .sample(yearCap: JournalGenerator.yearCap))
        return generator.journal(length: Self.length)
    }

    private func outcomes(of journal: [JournalEntry]) -> [Outcome] {
        var fold = Fold()
        return journal.map { fold.apply($0) }
    }

    @Test("the generated journals reach every decision and every rule")
    func notVacuous() {
        let outcomes = Self.seeds.flatMap { self.outcomes(of: journal($0)) }

        let elsewhere: Set<Outcome.Decision> = [.pending, .authorized, .paid, .reversed, .tooLate]
        #expect(Set(outcomes.map(\.decision)) == Set(Outcome.Decision.allCases).subtracting(elsewhere))
        let rules = Set(outcomes.flatMap(\.reasons).map(\.rule))
        #expect(rules == Set(Policy.sample().rules.map(\.id) + ["entry"]))
    }

    @Test("no key of a blocking rule ever has two holders that may not share it", arguments: seeds)
    func oneHolder(seed: UInt64) {
        var fold = Fold()
        var naive = NaiveLedger()
        for entry in journal(seed) {
            naive.apply(fold.apply(entry), of: entry)

            #expect(naive.unlawfullyShared == [], "at position \(entry.position)")
        }
    }

    @Test("no cap is ever passed while all claims state the same amounts", arguments: seeds)
    func capsHold(seed: UInt64) {
        var fold = Fold()
        var naive = NaiveLedger()
        for entry in journal(seed, statesOtherAmounts: false) {
            naive.apply(fold.apply(entry), of: entry)

            #expect(naive.overfull == [], "at position \(entry.position)")
        }
    }

    @Test("no claim fills a key past the capacity that stands, whatever the claims state", arguments: seeds)
    func capsHoldAtDecision(seed: UInt64) {
        var fold = Fold()
        var naive = NaiveLedger()
        for entry in journal(seed) {
            let outcome = fold.apply(entry)

            #expect(naive.overfilled(by: outcome) == [], "at position \(entry.position)")
            naive.apply(outcome, of: entry)
        }
    }

    @Test("every claim named as blocking is live on one of the filed claim's keys", arguments: seeds)
    func blockersAreLive(seed: UInt64) {
        var fold = Fold()
        var naive = NaiveLedger()
        for entry in journal(seed) {
            let outcome = fold.apply(entry)

            if case .claimFiled(let claim) = entry.content {
                let wrong = naive.wronglyNamed(in: outcome, of: claim, city: entry.city)
                #expect(wrong == [], "at position \(entry.position)")
            }
            naive.apply(outcome, of: entry)
        }
    }

    @Test("every holder and every overlap in the way is named, under each rule and key", arguments: seeds)
    func blockersAreComplete(seed: UInt64) throws {
        var fold = Fold()
        var naive = NaiveLedger()
        for entry in journal(seed) {
            let policy = fold.ledger.policy
            let outcome = fold.apply(entry)

            if case .claimFiled(let claim) = entry.content, outcome.decision != .invalid, let policy,
                let name = outcome.claim
            {
                let candidates = KeyDerivation(
                    policy: policy, claim: claim, name: name, keys: entry.keys, claimID: entry.id,
                    position: entry.position,
                    voucher: naive.vouchers[.voucher(city: entry.city, number: claim.voucherNumber)]
                ).holdings()
                let expected = naive.holderReasons(against: candidates, service: claim.service, policy: policy)
                #expect(outcome.reasons.filter(\.finding.isAboutHolders) == expected, "at position \(entry.position)")
            }
            naive.apply(outcome, of: entry)
        }
    }

    @Test("only reserved and held claims take keys, and a withdrawal gives back what its claim took", arguments: seeds)
    func takingAndGivingBack(seed: UInt64) {
        var taken: [ClaimName: [Holding]] = [:]
        for (entry, outcome) in zip(journal(seed), outcomes(of: journal(seed))) {
            switch outcome.decision {
            case .reserved, .held:
                #expect(outcome.taken.isEmpty == false)
                if let name = outcome.claim { taken[name] = outcome.taken }
            case .withdrawn:
                let expected = outcome.claim.flatMap { taken.removeValue(forKey: $0) } ?? []
                #expect(Set(outcome.released) == Set(expected), "at position \(entry.position)")
                #expect(outcome.released.count == expected.count, "at position \(entry.position)")
            case .noted, .refused, .invalid, .unchanged, .unsupported, .pending, .authorized, .paid, .reversed,
                .tooLate:
                #expect(outcome.taken + outcome.released == [], "at position \(entry.position)")
            }
        }
    }

    @Test("folding a journal twice gives the same outcomes and the same ledger", arguments: seeds)
    func foldedTwice(seed: UInt64) {
        let journal = journal(seed)
        var first = Fold()
        var second = Fold()

        #expect(journal.map { first.apply($0) } == journal.map { second.apply($0) })
        #expect(first == second)
    }

    @Test("a ledger with what a batch needs gives the same outcomes as the whole one", arguments: seeds)
    func partialLedger(seed: UInt64) {
        var generator = JournalGenerator(
            seed: seed, statesOtherAmounts: true, policy: .sample(yearCap: JournalGenerator.yearCap))
        let journal = generator.journal(length: Self.length)
        var whole = Fold()
        for batch in generator.batches(of: journal) {
            var partial = Fold(ledger: whole.ledger.holdingOnly(Needs(batch)))

            #expect(batch.map { partial.apply($0) } == batch.map { whole.apply($0) })
        }
    }
}
