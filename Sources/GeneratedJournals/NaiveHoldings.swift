package import Arbitration
import VoucherDomain

/// What the rules ask of the holdings under one key, straight from their definitions, without any running total.
///
/// The holdings are in the order in which they were taken.
extension [Holding] {
    package var inPositionOrder: [Holding] { sorted { $0.position < $1.position } }

    /// The claims of the holdings that fit, each once, in the order of their positions.
    package func naiveClaims(where matches: (Holding) -> Bool = { _ in true }) -> [ClaimName] {
        var names: [ClaimName] = []
        for holding in inPositionOrder where matches(holding) && !names.contains(holding.claim) {
            names.append(holding.claim)
        }
        return names
    }

    package func naiveConflicts(with candidate: Holding) -> [ClaimName] {
        naiveClaims { !Self.naiveMayJoin($0, candidate) }
    }

    package func naiveOverlaps(with candidate: Holding) -> [ClaimName] {
        naiveClaims { other in
            guard let one = other.interval, let two = candidate.interval else { return false }
            let isDisjoint = one.until <= two.from || two.until <= one.from
            return !isDisjoint && !Self.naiveMayJoin(other, candidate)
        }
    }

    /// The largest amount stated for each item, added up; a claim's own amount is an item of its own, and items
    /// that share a name are one. What was once taken is not given back when items become one.
    package var naiveUsed: Int64 {
        var items: [(names: Set<[UInt8]>, amount: Int64)] = []
        var used: Int64 = 0
        for holding in self where holding.capacity > 0 {
            let before = items.map(\.amount).reduce(0, +)
            var names = Set(naiveNames(holding))
            var amount = holding.amount
            for item in items where !item.names.isDisjoint(with: names) { amount = Swift.max(amount, item.amount) }
            let joined = items.filter { !$0.names.isDisjoint(with: names) }
            items.removeAll { !$0.names.isDisjoint(with: names) }
            for item in joined { names.formUnion(item.names) }
            items.append((names, amount))
            used += Swift.max(0, items.map(\.amount).reduce(0, +) - before)
        }
        return used
    }

    private func naiveNames(_ holding: Holding) -> [[UInt8]] {
        if holding.item.isEmpty { return [[UInt8]("claim \(holding.position)".utf8)] }
        var names: [[UInt8]] = []
        var index = 0
        while index + 1 < holding.item.count {
            let length = Int(holding.item[index]) * 256 + Int(holding.item[index + 1])
            names.append([UInt8](holding.item[(index + 2)..<(index + 2 + length)]))
            index += 2 + length
        }
        return names
    }

    /// The capacity stated by the first claim under the key that states one.
    package var naiveStandingCapacity: Int64? { inPositionOrder.first { $0.capacity > 0 }?.capacity }

    package static func naiveMayJoin(_ one: Holding, _ other: Holding) -> Bool {
        one.holder == other.holder || (one.group != "" && one.group == other.group)
    }
}
