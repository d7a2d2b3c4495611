import Arbitration

/// How claims stand, by what was decided.
extension [ClaimName: Outcome.Decision] {
    /// Takes over a decision: of a claim that is new, and what it changes of earlier ones.
    mutating func take(_ decision: DecisionFact) {
        if case .filed(let claim) = decision.saying, self[claim.name] == nil { self[claim.name] = decision.decision }
        merge(decision.effects) { _, later in later }
    }
}
