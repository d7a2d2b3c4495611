import Replication
import TestSupport
import Testing
import VoucherDomain

@testable import Arbitration

@Suite("Promises of the fold over generated journals with cases")
struct CasePropertyTests {
    private static let seeds = UInt64(1)...12
    private static let length = 250

    /// To make a journal is to fold it.
    private static let journals = Kept<UInt64, [JournalEntry]>()

    private func journal(_ seed: UInt64) -> [JournalEntry] {
        Self.journals.value(for: seed) { CaseWalk.journal(seed: seed, length: Self.length) }
    }

    /// Folds the journal of a seed, and asks after each entry for what is amiss; nothing follows the first find.
    private func check(_ seed: UInt64, amiss: (_ before: Fold, _ outcome: Outcome, _ after: Fold) -> [String]) {
        var fold = Fold()
        for entry in journal(seed) {
            let before = fold
            let outcome = fold.apply(entry)
            let found = amiss(before, outcome, fold)
            #expect(found == [], "at position \(entry.position)")
            if !found.isEmpty { return }
        }
    }

    @Test("the generated journals reach every decision, every event and every state of a case")
    func notVacuous() {
        var (decisions, kinds, states): (Set<Outcome.Decision>, Set<CaseEvent.Kind>, Set<ConflictCase.State>) = (
            [], [], []
        )
        var mostParties = 0
        for seed in Self.seeds {
            var fold = Fold()
            for outcome in journal(seed).map({ fold.apply($0) }) {
                decisions.insert(outcome.decision)
                kinds.formUnion(outcome.events.map(\.kind))
                states.formUnion(outcome.cases.map(\.state))
                mostParties = max(mostParties, outcome.cases.map(\.parties.count).max() ?? 0)
            }
        }

        let ofPayments: Set<Outcome.Decision> = [.authorized, .paid, .reversed, .tooLate]
        #expect(decisions == Set(Outcome.Decision.allCases).subtracting(ofPayments.union([.unsupported])))
        #expect(kinds == Set(CaseEvent.Kind.allCases))
        #expect(states == [.open, .escalated, .closed])
        #expect(mostParties > 2)
    }

    // MARK: Cases and the claims that wait for them

    @Test("a held claim waits for exactly one case, which it opened and which is not closed", arguments: seeds)
    func heldClaimsWait(seed: UInt64) {
        check(seed) { _, _, fold in
            let own = Dictionary(grouping: fold.ledger.cases.values) { $0.parties.first?.claim }
            return fold.ledger.claims.filter { $0.value.state == .held }.keys.sorted().filter { name in
                let cases = own[name] ?? []
                return cases.count != 1 || cases.contains { $0.isClosed || $0.position != fold.position(of: name) }
            }.map(\.description)
        }
    }

    @Test("as long as a case was never closed, the claim that opened it waits for it", arguments: seeds)
    func openCasesHold(seed: UInt64) {
        var closed: Set<String> = []
        check(seed) { _, outcome, fold in
            closed.formUnion(outcome.cases.filter(\.isClosed).map(\.id))
            return fold.ledger.cases.values.filter { conflict in
                guard !closed.contains(conflict.id), let first = conflict.parties.first else { return false }
                return fold.ledger.claims[first.claim]?.state != (conflict.isAutomatic ? .refused : .held)
            }.map(\.id).sorted()
        }
    }

    @Test("a case knows which of its claims hold their keys", arguments: seeds)
    func partiesAreCurrent(seed: UInt64) {
        check(seed) { _, _, fold in
            fold.ledger.cases.values.filter { conflict in
                conflict.parties.contains { $0.isLive != fold.ledger.claims[$0.claim]?.isLive }
            }.map(\.id).sorted()
        }
    }

    @Test("a case is opened again by an appeal or the registry alone, and appealed once", arguments: seeds)
    func reopenings(seed: UInt64) {
        check(seed) { before, outcome, _ in
            outcome.cases.filter { conflict in
                guard let old = before.ledger.cases[conflict.id] else { return false }
                if old.isAppealed && !conflict.isAppealed { return true }
                guard old.isClosed, !conflict.isClosed else { return old.isAppealed != conflict.isAppealed }
                let event = outcome.events.first { $0.caseID == conflict.id }
                return event?.kind != .reopened && (event?.answer != .appeal || old.isAppealed)
            }.map(\.id)
        }
    }

    @Test("every case that changes for its cities is told to them, as it is then", arguments: seeds)
    func changesAreTold(seed: UInt64) {
        check(seed) { before, outcome, _ in
            let untold = outcome.cases.filter { conflict in
                before.ledger.cases[conflict.id]?.state != conflict.state
                    && !outcome.events.contains { $0.caseID == conflict.id }
            }
            let wrong = outcome.events.filter { event in
                !outcome.cases.contains {
                    $0.id == event.caseID && $0.parties == event.parties && $0.deadline == event.deadline
                }
            }
            return untold.map(\.id) + wrong.map(\.caseID)
        }
    }

    // MARK: Keys

    @Test("no two live claims hold an exclusive key unless they share a group", arguments: seeds)
    func oneHolder(seed: UInt64) {
        check(seed) { _, _, fold in
            fold.ledger.occupancies.filter { key, occupancy in
                guard fold.ledger.policy?.isExclusive(key) ?? false else { return false }
                let holdings = occupancy.holdings
                return holdings.contains { one in holdings.contains { $0.claim != one.claim && !$0.mayJoin(one) } }
            }.keys.sorted().map(\.readable)
        }
    }

    @Test("exactly the reserved and the held claims hold keys", arguments: seeds)
    func holders(seed: UInt64) {
        check(seed) { _, _, fold in
            let holding = Set(fold.ledger.occupancies.values.flatMap(\.holdings).map(\.claim))
            let live = Set(fold.ledger.claims.filter { $0.value.isLive }.keys)
            return holding.symmetricDifference(live).sorted().map(\.description)
        }
    }

    @Test("what claims give back is what they took, once", arguments: seeds)
    func givingBack(seed: UInt64) {
        var taken: [ClaimName: Set<Key>] = [:]
        check(seed) { _, outcome, _ in
            if let name = outcome.claim, !outcome.taken.isEmpty { taken[name] = Set(outcome.taken.map(\.key)) }
            return outcome.effects.filter { effect in
                let due = effect.state.isLive ? [] : taken.removeValue(forKey: effect.name)
                return due != Set(effect.released.map(\.key))
            }.map(\.name.description)
        }
    }

    // MARK: The journal alone decides

    @Test("an act that is invalid or changes nothing leaves everything as it was", arguments: seeds)
    func invalidActs(seed: UInt64) {
        check(seed) { before, outcome, after in
            let isIdle = outcome.decision == .invalid || outcome.decision == .unchanged
            guard isIdle, before != after || outcome.effects != [] || outcome.events != [] else { return [] }
            return ["\(outcome.decision)"]
        }
    }

    @Test("folding a journal twice gives the same outcomes, and ledgers that do not differ", arguments: seeds)
    func foldedTwice(seed: UInt64) {
        let journal = journal(seed)
        var first = Fold()
        var second = Fold()

        #expect(journal.map { first.apply($0) } == journal.map { second.apply($0) })
        #expect(first == second)
        #expect(first.ledger.differences(from: second.ledger, atMost: 100) == [])
        #expect(second.ledger.differences(from: first.ledger, atMost: 100) == [])
    }

    @Test("a case that differs is found when two ledgers are compared", arguments: seeds)
    func differences(seed: UInt64) throws {
        var fold = Fold()
        for entry in journal(seed) { _ = fold.apply(entry) }
        let conflict = try #require(fold.ledger.cases.values.min { $0.position < $1.position })
        var other = fold.ledger
        other.insert(conflict.with(deadline: CalendarDate(rawValue: conflict.deadline.rawValue + 1)))

        let expected = ["case \(conflict.id): the table does not say what the journal says"]
        #expect(other.differences(from: fold.ledger, atMost: 100) == expected)
    }
}

extension Fold {
    /// Where the claim was decided.
    fileprivate func position(of name: ClaimName) -> Int64? { ledger.claims[name]?.position }
}
