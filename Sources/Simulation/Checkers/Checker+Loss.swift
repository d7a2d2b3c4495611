import Arbitration
import Replication

extension Checker {
    /// I4: every claim that an officer was told is recorded is in the union of what the registry received, under its
    /// permanent id and once, except on a disk that was lost; and everything that a receipt covers is, with the same hash, always.
    package static let nothingLost = Checker("I4") { history in
        let received = Set(history.received.map(\.fact.hash))
        let ids = Set(history.received.map(\.fact.id))
        var open: [(node: NodeID, name: ClaimName, id: EntryID)] = []
        var faults: [String] = []
        for moment in history.moments {
            switch moment.event {
            case .acknowledged(let name, let fact):
                if open.contains(where: { $0.node == moment.node && $0.name == name }) {
                    faults.append("\(name) was recorded twice at \(moment.node)")
                }
                open.append((moment.node, name, fact.id))
            case .diskLost: open.removeAll { $0.node == moment.node }
            case .receipted(let city, let sequence, let hash) where !received.contains(hash):
                faults.append("the receipt for \(city)/\(sequence) names an entry that the registry has not")
            default: break
            }
        }
        guard history.end != nil else { return faults }
        return faults
            + open.filter { !ids.contains($0.id) }.map { "\($0.name) was recorded at \($0.node) and is lost" }
    }
}
