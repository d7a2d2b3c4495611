/// What the runs of a batch have seen (I24): each fault and each chosen branch must have occurred.
package struct Coverage: Hashable, Sendable {
    package private(set) var faults: [FaultKind: Int] = [:]
    package private(set) var occasions: [Sometimes: Int] = [:]

    package init() {}

    package mutating func take(_ history: History) {
        for moment in history.moments {
            switch moment.event {
            case .fault(let kind): faults[kind, default: 0] += 1
            case .sometimes(let occasion): occasions[occasion, default: 0] += 1
            default: break
            }
        }
    }

    package mutating func take(_ other: Coverage) {
        faults.merge(other.faults, uniquingKeysWith: +)
        occasions.merge(other.occasions, uniquingKeysWith: +)
    }

    /// What was never seen.
    package var missing: [String] {
        FaultKind.allCases.filter { faults[$0] == nil }.map { "fault \($0.rawValue)" }
            + Sometimes.allCases.filter { occasions[$0] == nil }.map(\.rawValue)
    }

    /// One line each, in a fixed order.
    package var lines: [String] {
        FaultKind.allCases.map { "fault \($0.rawValue): \(faults[$0] ?? 0)" }
            + Sometimes.allCases.map { "\($0.rawValue): \(occasions[$0] ?? 0)" }
    }
}
