import Arbitration
import Replication
import VoucherDomain

/// What a good run must have seen the registry decide (I24).
extension SimulatedRegistry {
    /// What a decision shows, after it was taken over.
    mutating func occasions(of fact: DecisionFact, _ outcome: Outcome) -> [Sometimes] {
        var seen = fact.occasions
        if cities[fact.entry.city]?.isSuspended ?? false { seen.append(.decidedWhileSuspended) }
        for event in fact.cases {
            switch event.kind {
            case .proposed: proposedRulings.insert(event.caseID)
            case .ruled: if proposedRulings.remove(event.caseID) != nil { seen.append(.rulingSeconded) }
            case .opened, .answered, .reopened, .escalated, .settled, .left, .lapsed: break
            }
        }
        for effect in outcome.effects {
            guard let payment = effect.payment else { continue }
            if fact.entry.kind == .caseRuled, payment.isBarred { seen.append(.stoppedByRuling) }
            if payment.stage == .requested, isInOpenCase(effect.name) { seen.append(.gatedByCase) }
        }
        return seen
    }

    private func isInOpenCase(_ name: ClaimName) -> Bool {
        fold.ledger.cases.values.contains { conflict in
            !conflict.isClosed && conflict.parties.contains { $0.claim == name }
        }
    }
}

extension DecisionFact {
    /// What the answer itself is.
    fileprivate var occasions: [Sometimes] {
        var seen: [Sometimes] =
            switch decision {
            case .reserved: [.reserved]
            case .held: [.held]
            case .withdrawn: [.withdrawn]
            case .refused:
                blockers.contains { $0.claim.city != entry.city } ? [.refused, .refusedForAnotherCity] : [.refused]
            default: []
            }
        if effects.values.contains(.authorized) { seen.append(.authorized) }
        if entry.kind == .caseRuled, effects.values.contains(.refused) { seen.append(.ruledOut) }
        return seen + cases.compactMap(\.occasion)
    }
}

extension CaseEvent {
    fileprivate var occasion: Sometimes? {
        switch kind {
        case .answered: answer == .appeal ? .caseAppealed : .caseAnswered
        case .ruled: .ruled
        case .reopened: .caseReopened
        case .opened, .proposed, .escalated, .settled, .left, .lapsed: nil
        }
    }
}
