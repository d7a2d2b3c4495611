import Replication

extension Checker {
    /// I16: what waits for the registry is bounded. A node's process has one request of each flow under way at most,
    /// whatever is filed, lost or answered late meanwhile.
    ///
    /// Memory, descriptors and the sizes of messages are not simulated.
    package static let requestsAreBounded = Checker("I16") { history in
        var underWay: [NodeID: [CitySession.Flow: Int]] = [:]
        var faults: [String] = []
        for moment in history.moments {
            switch moment.event {
            case .started: underWay[moment.node] = [:]
            case .asked(let flow):
                let count = underWay[moment.node]?[flow] ?? 0
                if count > 0 { faults.append("\(moment.node) has \(count + 1) requests of the flow \(flow) under way") }
                underWay[moment.node, default: [:]][flow] = count + 1
            case .answered(let flow): underWay[moment.node]?[flow]? -= 1
            default: break
            }
        }
        return faults
    }
}
