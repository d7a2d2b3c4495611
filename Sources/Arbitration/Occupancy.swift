import SeededBugs
import VoucherDomain

/// All live holdings under one key, with what the rules ask of them kept up to date.
///
/// Taking and asking "does anything stand in the way?" cost constant time while all holders agree, however many
/// there are; only a conflict walks the list, to name every blocking claim.
package struct Occupancy: Hashable, Sendable {
    /// In the order of their positions.
    package private(set) var holdings: [Holding] = []
    private var sums = ItemSums()
    private var agreement = Agreement.empty

    // Everything else follows from the holdings.
    package static func == (left: Occupancy, right: Occupancy) -> Bool { left.holdings == right.holdings }
    package func hash(into hasher: inout Hasher) { hasher.combine(holdings) }

    /// What all holders have in common.
    private enum Agreement: Hashable {
        case empty, common(holder: [UInt8]?, group: String?)
    }

    package init() {}

    package mutating func take(_ holding: Holding) {
        let index = holdings.lastIndex { $0.position <= holding.position }.map { $0 + 1 } ?? 0
        holdings.insert(holding, at: index)
        count(holding)
    }

    /// Removes what the claim decided at `position` holds.
    package mutating func release(position: Int64) {
        let released = holdings.filter { $0.position == position }
        let rest = holdings.filter { $0.position != position }
        if !rest.isEmpty, !released.contains(where: \.countsOnce) {
            holdings = rest
            // What the others agree on stays true; that they may agree on more now costs a walk at most.
            for holding in released where holding.capacity > 0 && !SeededBug.sumKeptAfterRelease.isActive {
                sums.remove(holding)
            }
        } else {
            self = Occupancy()
            for holding in rest { take(holding) }
        }
    }

    /// Gives what the claim decided at `position` holds another co-funding group.
    package mutating func regroup(position: Int64, as group: String) {
        let all = holdings
        self = Occupancy()
        for holding in all { take(holding.position == position ? holding.grouped(as: group) : holding) }
    }

    /// As it would be without these claims, by position.
    func without(_ positions: Set<Int64>) -> Occupancy {
        guard !positions.isEmpty else { return self }
        var rest = Occupancy()
        for holding in holdings where !positions.contains(holding.position) { rest.take(holding) }
        return rest
    }

    private mutating func count(_ holding: Holding) {
        if holding.capacity > 0 { sums.add(holding) }
        switch agreement {
        case .empty:
            agreement = .common(holder: holding.holder, group: holding.group.isEmpty ? nil : holding.group)
        case .common(let holder, let group):
            agreement = .common(
                holder: holder == holding.holder ? holder : nil,
                group: group.flatMap { $0.utf8.elementsEqual(holding.group.utf8) ? $0 : nil })
        }
    }

    /// Whether no holder can stand in the candidate's way, decided without walking the list.
    private func agrees(with candidate: Holding) -> Bool {
        switch agreement {
        case .empty: true
        case .common(let holder, let group):
            holder == candidate.holder || (group.map { $0.utf8.elementsEqual(candidate.group.utf8) } ?? false)
        }
    }

    /// The claims with which the candidate may not share the key.
    func conflicts(with candidate: Holding) -> [ClaimName] {
        agrees(with: candidate) && !SeededBug.everyHolderWalked.isActive
            ? [] : claims { !$0.mayJoin(candidate) }
    }

    /// The claims of other holders whose interval overlaps the candidate's.
    func overlaps(with candidate: Holding) -> [ClaimName] {
        guard let interval = candidate.interval, !agrees(with: candidate) else { return [] }
        return claims { $0.interval.map(interval.overlaps) ?? false && !$0.mayJoin(candidate) }
    }

    /// What stands under the key, each item once.
    var used: Int64 { sums.total }

    /// What the candidates, all of one claim and under this key, would add to the sum.
    func addition(of candidates: [Holding]) -> Int64 {
        candidates.reduce(0) { $0 + max(0, sums.addition(of: $1)) }
    }

    /// The capacity that stands: that of the first claim that took the key.
    var standingCapacity: Int64? { holdings.first { $0.capacity > 0 }?.capacity }

    /// Every claim under the key.
    package var claims: [ClaimName] { claims { _ in true } }

    private func claims(where matches: (Holding) -> Bool) -> [ClaimName] {
        var names: [ClaimName] = []
        var last: Int64?
        for holding in holdings where holding.position != last && matches(holding) {
            names.append(holding.claim)
            last = holding.position
        }
        return names
    }
}
