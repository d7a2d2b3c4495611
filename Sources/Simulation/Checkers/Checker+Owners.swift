import Arbitration
import Replication
import VoucherDomain

extension Checker {
    /// I14: nobody changes what is not his. An act of the registry in a city's log is invalid; only its own city's word
    /// withdraws a claim, asks for its payment and tells what the bank did; only a ruling that names a claim turns it down
    /// once it was accepted; and in a case those alone are heard whose claims it names.
    package static let ownersAct = Checker("I14") { history in
        var book = OwnerBook()
        return history.decisions.flatMap { book.take($0) }
    }
}

private struct OwnerBook {
    private var states: [ClaimName: Outcome.Decision] = [:]
    /// The cases whose rulings go against a claim that was authorised or paid: it is refused when the payment has failed.
    private var stopped: [ClaimName: Set<String>] = [:]

    mutating func take(_ decision: DecisionFact) -> [String] {
        let city = decision.entry.city
        var faults: [String] = []
        if city != .registry, decision.entry.kind.isRegistryAct, decision.decision != .invalid {
            faults.append("city \(city) acts as the registry")
        }
        for event in decision.cases where event.kind == .answered {
            if event.city == city, event.parties.contains(where: { $0.claim.city == city }) { continue }
            faults.append("city \(city) is heard in case \(event.caseID), which names no claim of it")
        }
        let speaker = city == .registry ? "the registry" : "city \(city)"
        for (name, state) in decision.effects.sorted(by: { $0.key < $1.key }) {
            if may(decision, move: name, to: state) { continue }
            faults.append("by the word of \(speaker) \(name) is \(state)")
        }
        note(decision)
        return faults.map { "position \(decision.position): \($0)" }
    }

    private func may(_ decision: DecisionFact, move name: ClaimName, to state: Outcome.Decision) -> Bool {
        let city = decision.entry.city
        if states[name] == state { return true }
        // An answer says what its city thinks, and moves nothing.
        if decision.entry.kind == .caseAnswered { return false }
        switch state {
        // What was in its way is gone, whoever gave way.
        case .reserved: return city == name.city || states[name] == .held
        case .held, .authorized: return city == name.city || city == .registry
        case .withdrawn, .paid, .reversed: return city == name.city
        case .refused:
            if case .ruled(let ruling) = decision.saying { return city == .registry && ruling.ruledOut.contains(name) }
            return city == name.city && !(stopped[name] ?? []).isEmpty
        case .noted, .invalid, .unchanged, .unsupported, .pending, .tooLate: return false
        }
    }

    private mutating func note(_ decision: DecisionFact) {
        if case .ruled(let ruling) = decision.saying, decision.decision == .noted {
            for name in ruling.ruledOut where states[name]?.isBound ?? false {
                stopped[name, default: []].insert(ruling.caseID)
            }
            for name in ruling.kept { stopped[name]?.remove(ruling.caseID) }
        }
        states.take(decision)
    }
}
