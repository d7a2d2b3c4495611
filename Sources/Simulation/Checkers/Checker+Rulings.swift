import Arbitration
import VoucherDomain

extension Checker {
    /// A ruling stands: what it goes against is refused at once and for ever, or stays as it is while its money is out; what
    /// it keeps stays; and in the end every city shows each of its cases as it stands.
    package static let rulingsStand = Checker("ruling") { history in
        var book = RulingBook()
        let faults = history.decisions.flatMap { book.take($0) }
        return faults + (history.end?.nodes ?? []).flatMap { book.faults(of: $0) }
    }
}

private struct RulingBook {
    private var cases = CaseBook()
    private var states: [ClaimName: Outcome.Decision] = [:]
    /// Claims that a ruling has refused.
    private var refused: Set<ClaimName> = []

    /// - Returns: What a ruling did or did not do that it should not or should have, and what became of refused claims.
    mutating func take(_ decision: DecisionFact) -> [String] {
        cases.take(decision)
        var faults: [String] = []
        for (name, state) in decision.effects.sorted(by: { $0.key < $1.key }) where refused.contains(name) {
            faults.append("\(name), which a ruling had refused, is \(state)")
        }
        if case .ruled(let ruling) = decision.saying, decision.decision == .noted { faults += judge(ruling, decision) }
        states.take(decision)
        return faults.map { "position \(decision.position): \($0)" }
    }

    private mutating func judge(_ ruling: Ruling, _ decision: DecisionFact) -> [String] {
        var faults: [String] = []
        for name in ruling.ruledOut {
            let after = decision.effects[name]
            switch states[name] {
            case .reserved, .held:
                if after == .refused { refused.insert(name) } else { faults.append("\(name) is ruled out, and stays") }
            case .authorized, .paid:
                if let after, after != states[name] { faults.append("\(name) is \(after), and its money is out") }
            default: break
            }
        }
        for name in ruling.kept {
            let after = decision.effects[name]
            if let after, !after.isLive { faults.append("\(name) is kept, and is \(after)") }
        }
        return faults
    }

    /// What a node shows otherwise.
    func faults(of node: EndState.Node) -> [String] {
        var shown = node.cases
        var faults: [String] = []
        for (id, standing) in cases.cases.sorted(by: { $0.key < $1.key }) {
            guard standing.claims.contains(where: { $0.city == node.city }) else { continue }
            let state = shown.removeValue(forKey: id)
            if state == standing.state { continue }
            faults.append("case \(id) is \(standing.state), \(node.id) shows \(state ?? "nothing")")
        }
        return faults + shown.keys.sorted().map { "\(node.id) shows case \($0), which names no claim of its city" }
    }
}
