import Arbitration
import Replication
import VoucherDomain

extension Checker {
    /// I3: an entry is decided once, and so is a claim, but for a number that was used before; and no two entries of any
    /// city have one id.
    package static let oneDecision = Checker("I3") { history in
        var entries: Set<Digest> = []
        var claims: Set<ClaimName> = []
        var ids: Set<EntryID> = []
        var faults: [String] = []
        for (fact, isRejected) in history.received where !isRejected && !ids.insert(fact.id).inserted {
            faults.append("the id of entry \(fact.city)/\(fact.sequence) is another entry's, too")
        }
        for decision in history.decisions {
            if !entries.insert(decision.entry.hash).inserted {
                faults.append("entry \(decision.entry.city)/\(decision.entry.sequence) is decided twice")
            }
            guard case .filed(let claim) = decision.saying, decision.decision != .invalid else { continue }
            if !claims.insert(claim.name).inserted { faults.append("claim \(claim.name) is decided twice") }
        }
        return faults
    }

    /// I17: after the faults every claim that was acknowledged or received is decided, and no log is blocked.
    package static let everythingDecided = Checker("I17") { history in
        guard let end = history.end else { return ["the run never came to rest"] }
        var faults: [String] = []
        let decided = Set(history.decisions.map(\.entry.hash))
        for item in history.received where !decided.contains(item.fact.hash) {
            faults.append("entry \(item.fact.city)/\(item.fact.sequence) was received and never decided")
        }
        for node in end.nodes where node.unsent > 0 || node.undecided > 0 || node.alarm != nil {
            let alarm = node.alarm ?? "none"
            faults.append("\(node.id) has \(node.unsent) unsent and \(node.undecided) undecided, alarm \(alarm)")
        }
        return faults
    }

    /// I18: by id, what a city has filed is what its officers see decided, and as the registry decided it.
    package static let countsAgree = Checker("I18") { history in
        guard let end = history.end else { return [] }
        var states: [ClaimName: String] = [:]
        for decision in history.decisions {
            if case .filed(let claim) = decision.saying, states[claim.name] == nil {
                states[claim.name] = "\(decision.decision)"
            }
            for (name, state) in decision.effects { states[name] = "\(state)" }
        }
        return end.nodes.flatMap { node -> [String] in
            var seen = node.states
            var faults: [String] = []
            for (name, state) in states.sorted(by: { $0.key < $1.key }) where name.city == node.city {
                let shown = seen.removeValue(forKey: name.number)
                if shown != state { faults.append("\(name) is \(state), \(node.id) shows \(shown ?? "nothing")") }
            }
            // What is left is rows that are no entries.
            for (number, state) in seen.sorted(by: { $0.key < $1.key }) where state != "invalid" {
                faults.append("\(node.id) shows \(node.city)/\(number) as \(state), and the registry never decided it")
            }
            return faults
        }
    }

    /// A claim that an honest node let through is never answered `invalid`, but for a number that it used before.
    ///
    /// Excused, for a store that is put back cannot know of it: a promise of its city that only a report made, while the
    /// registry's clock was wrong.
    package static let honestClaimsAreValid = Checker("honest") { history in
        let liars = history.end?.liars ?? []
        var used: Set<ClaimName> = []
        var acknowledged: [Digest: ClaimName] = [:]
        var wasRegistryClockWrong = false
        for moment in history.moments {
            if case .acknowledged(let name, let fact) = moment.event { acknowledged[fact.hash] = name }
            if case .fault(.registryClock) = moment.event { wasRegistryClockWrong = true }
        }
        return history.decisions.compactMap { decision in
            if case .filed(let claim) = decision.saying { used.insert(claim.name) }
            guard let name = acknowledged[decision.entry.hash], !liars.contains(name.city) else { return nil }
            guard decision.decision == .invalid, decision.saying == .other || !used.contains(name) else { return nil }
            if wasRegistryClockWrong, decision.problem.contains("watermark") { return nil }
            return "\(name), recorded by an honest node, is invalid at \(decision.position): \(decision.problem)"
        }
    }
}
