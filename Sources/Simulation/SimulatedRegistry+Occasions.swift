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
        return seen + outcome.effects.compactMap { occasion(of: $0, in: fact) }
    }

    /// What becomes of a payment.
    private mutating func occasion(of effect: Outcome.Effect, in fact: DecisionFact) -> Sometimes? {
        guard let payment = effect.payment else { return nil }
        if fact.entry.kind == .caseRuled { return payment.isBarred ? .stoppedByRuling : nil }
        switch payment.stage {
        case .requested: return isInOpenCase(effect.name) ? .gatedByCase : nil
        case .authorized:
            let isNew = payment.authorization?.position == Int64(fact.position)
            return isNew && failedPayments.remove(effect.name) != nil ? .authorizedAgain : nil
        case .failed:
            failedPayments.insert(effect.name)
            return .paymentFailed
        case .paid: return payment.refunded > .zero ? .partlyPaidBack : nil
        case .reversed: return .reversed
        case .released, .submitted: return nil
        }
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
