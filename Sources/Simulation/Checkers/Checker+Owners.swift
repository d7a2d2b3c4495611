import Arbitration
import Replication
import VoucherDomain

extension Checker {
    /// I14: nobody changes what is not his: an act of the registry in a city's log is invalid, and only its own city's word
    /// withdraws a claim or begins its payment.
    package static let ownersAct = Checker("I14") { history in
        history.decisions.flatMap { decision -> [String] in
            let city = decision.entry.city
            guard city != .registry else { return [] }
            var faults: [String] = []
            if decision.entry.kind.isRegistryAct, decision.decision != .invalid {
                faults.append("position \(decision.position): city \(city) acts as the registry")
            }
            for (name, state) in decision.effects.sorted(by: { $0.key < $1.key }) where name.city != city {
                guard [.withdrawn, .paid, .reversed].contains(state) else { continue }
                faults.append("position \(decision.position): by city \(city)'s word \(name) is \(state)")
            }
            return faults
        }
    }
}
