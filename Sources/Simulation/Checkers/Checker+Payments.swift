import Arbitration

extension Checker {
    /// I2: the bank pays only for a claim that is authorised, once, what was claimed; and never for two claims that share an
    /// invoice, unless the first was paid back in full. In the end the registry knows of all that was paid.
    package static let paidOnce = Checker("I2") { history in
        var claims: [ClaimName: ClaimFact] = [:]
        var states: [ClaimName: Outcome.Decision] = [:]
        var paid: Set<ClaimName> = []
        var faults: [String] = []
        for moment in history.moments {
            switch moment.event {
            case .decided(let decision):
                if case .filed(let claim) = decision.saying, states[claim.name] == nil { claims[claim.name] = claim }
                states.take(decision)
                for (name, state) in decision.effects where state == .reversed { paid.remove(name) }
            case .paid(let name, let amount):
                if states[name] != .authorized, states[name] != .paid {
                    faults.append("\(name) was paid and not authorised")
                }
                if amount != claims[name]?.claimed { faults.append("\(name) was paid \(amount) fen") }
                if !paid.insert(name).inserted { faults.append("\(name) was paid twice") }
                let invoices = Set(claims[name]?.invoices ?? [])
                for other in paid.sorted() where other != name {
                    guard !invoices.isDisjoint(with: claims[other]?.invoices ?? []) else { continue }
                    faults.append("\(name) and \(other) were paid for one invoice")
                }
            default: break
            }
        }
        guard history.end != nil else { return faults }
        let unknown = paid.sorted().filter { states[$0] != .paid }
        return faults + unknown.map { "\($0) was paid, and the registry does not know of it" }
    }

    /// I15: a claim that was withdrawn is never authorised, and one that is authorised is never withdrawn.
    package static let neverBoth = Checker("I15") { history in
        var states: [ClaimName: Outcome.Decision] = [:]
        var faults: [String] = []
        for decision in history.decisions {
            if case .filed(let claim) = decision.saying, states[claim.name] == nil {
                states[claim.name] = decision.decision
            }
            for (name, state) in decision.effects.sorted(by: { $0.key < $1.key }) {
                switch (states[name], state) {
                case (.withdrawn, .authorized), (.authorized, .withdrawn), (.paid, .withdrawn):
                    faults.append("position \(decision.position): \(name) is withdrawn and authorised")
                default: break
                }
                states[name] = state
            }
        }
        return faults
    }
}
