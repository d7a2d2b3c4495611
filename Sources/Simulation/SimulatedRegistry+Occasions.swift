import Arbitration
import Replication
import VoucherDomain

/// What a good run must have seen the registry decide (I24).
extension SimulatedRegistry {
    /// What a decision shows.
    func occasions(of fact: DecisionFact) -> [Sometimes] {
        var seen = fact.occasions
        if fact.effects.values.contains(.authorized) { seen.append(.authorized) }
        if cities[fact.entry.city]?.isSuspended ?? false { seen.append(.decidedWhileSuspended) }
        return seen
    }
}

extension DecisionFact {
    /// What the answer itself is.
    fileprivate var occasions: [Sometimes] {
        switch decision {
        case .reserved: [.reserved]
        case .held: [.held]
        case .withdrawn: [.withdrawn]
        case .refused:
            blockers.contains { $0.claim.city != entry.city } ? [.refused, .refusedForAnotherCity] : [.refused]
        default: []
        }
    }
}
