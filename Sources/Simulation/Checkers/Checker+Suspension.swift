import Arbitration
import VoucherDomain

extension Checker {
    /// A suspended city is out at once: until it is reinstated nothing of it is received, promised or granted, and nothing
    /// is given to it to read; and the journal has what the operators did, in their order.
    package static let suspendedStayOut = Checker("suspension") { history in
        var suspended: Set<CityCode> = []
        var acts: [String] = []
        var faults: [String] = []
        for moment in history.moments {
            switch moment.event {
            case .suspended(let city):
                suspended.insert(city)
                acts.append("\(city) suspended")
            case .reinstated(let city):
                suspended.remove(city)
                acts.append("\(city) reinstated")
            case .received(let fact, _, _) where suspended.contains(fact.city):
                faults.append("\(fact.city)/\(fact.sequence) was received while its city was suspended")
            case .pushed(let city, _), .promised(let city, _), .granted(let city, _, _), .served(let city):
                if suspended.contains(city) { faults.append("suspended city \(city) had a request carried out") }
            default: break
            }
        }
        guard history.end != nil else { return faults }
        let decided = history.decisions.compactMap { decision -> String? in
            guard case .member(let city, let change) = decision.saying else { return nil }
            switch change {
            case .joined: return nil
            case .suspended: return "\(city) suspended"
            case .reinstated: return "\(city) reinstated"
            }
        }
        return decided == acts ? faults : faults + ["the operators did \(acts), the journal has \(decided)"]
    }
}
