import VoucherDomain

@testable import Arbitration

/// What the rules ask of the holdings under one key, straight from their definitions, without any running total.
///
/// The holdings are in the order in which they were taken.
extension [Holding] {
    var inPositionOrder: [Holding] { sorted { $0.position < $1.position } }

    /// The claims of the holdings that fit, each once, in the order of their positions.
    func naiveClaims(where matches: (Holding) -> Bool = { _ in true }) -> [ClaimName] {
        var names: [ClaimName] = []
        for holding in inPositionOrder where matches(holding) && !names.contains(holding.claim) {
            names.append(holding.claim)
        }
        return names
    }

    func naiveConflicts(with candidate: Holding) -> [ClaimName] {
        naiveClaims { !Self.naiveMayJoin($0, candidate) }
    }

    func naiveOverlaps(with candidate: Holding) -> [ClaimName] {
        naiveClaims { other in
            guard let one = other.interval, let two = candidate.interval else { return false }
            let isDisjoint = one.until <= two.from || two.until <= one.from
            return !isDisjoint && !Self.naiveMayJoin(other, candidate)
        }
    }

    /// The largest amount stated for each item, added up; a claim's own amount is an item of its own.
    var naiveUsed: Int64 {
        var largest: [[UInt8]: Int64] = [:]
        for holding in self where holding.capacity > 0 {
            let item = holding.item.isEmpty ? [UInt8]("claim \(holding.position)".utf8) : holding.item
            largest[item] = Swift.max(largest[item] ?? 0, holding.amount)
        }
        return largest.values.reduce(0, +)
    }

    /// The capacity stated by the first claim under the key that states one.
    var naiveStandingCapacity: Int64? { inPositionOrder.first { $0.capacity > 0 }?.capacity }

    static func naiveMayJoin(_ one: Holding, _ other: Holding) -> Bool {
        one.holder == other.holder || (one.group != "" && one.group == other.group)
    }
}
