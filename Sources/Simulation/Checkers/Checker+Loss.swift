import Arbitration
import Replication

extension Checker {
    /// I4: every claim that an officer was told is recorded is in the union of what the registry received, with the same
    /// hash, except on a disk that was lost; and everything that a receipt covers is, always.
    package static let nothingLost = Checker("I4") { history in
        let received = Set(history.received.map(\.fact.hash))
        var open: [(node: NodeID, name: ClaimName, hash: Digest)] = []
        var faults: [String] = []
        for moment in history.moments {
            switch moment.event {
            case .acknowledged(let name, let fact): open.append((moment.node, name, fact.hash))
            case .diskLost: open.removeAll { $0.node == moment.node }
            case .receipted(let city, let sequence, let hash) where !received.contains(hash):
                faults.append("the receipt for \(city)/\(sequence) names an entry that the registry has not")
            default: break
            }
        }
        guard history.end != nil else { return faults }
        return faults
            + open.filter { !received.contains($0.hash) }.map { "\($0.name) was recorded at \($0.node) and is lost" }
    }
}
