import VoucherDomain

/// A sum in which each item counts once, with the largest amount stated for it, however many claims name it.
/// A holding without an item counts for itself.
///
/// An item may have several names (both numbers of one invoice); any of them finds it, and a claim that states
/// two names of what were two items makes them one.
struct ItemSums: Sendable {
    private(set) var total: Int64 = 0
    private var groupByName: [[UInt8]: Int] = [:]
    /// Amount and names of each item; an item that was merged into another has amount 0 and no names.
    private var groups: [(amount: Int64, names: [[UInt8]])] = []

    /// The bytes by which a holding names its item: each key with its length in front.
    static func item(_ keys: [Key]) -> [UInt8] {
        keys.flatMap { [UInt8($0.bytes.count >> 8), UInt8($0.bytes.count & 0xFF)] + $0.bytes }
    }

    /// What adding the holding would change the total by; negative when it makes two items one.
    func addition(of holding: Holding) -> Int64 {
        if !holding.countsOnce { return holding.amount }
        let amounts = groups(of: holding).map { groups[$0].amount }
        return max(holding.amount, amounts.max() ?? 0) - amounts.reduce(0, +)
    }

    /// Takes the holding in. The total never falls: when a claim makes two items one, the room that they took stays
    /// taken, because withdrawing that claim makes them two again.
    mutating func add(_ holding: Holding) {
        total += max(0, addition(of: holding))
        if !holding.countsOnce { return }
        let known = groups(of: holding)
        let amount = max(holding.amount, known.map { groups[$0].amount }.max() ?? 0)
        var names = ItemSums.names(of: holding.item)
        for group in known {
            names += groups[group].names
            groups[group] = (0, [])
        }
        for name in names { groupByName[name] = groups.count }
        groups.append((amount, names))
    }

    private func groups(of holding: Holding) -> [Int] {
        Set(ItemSums.names(of: holding.item).compactMap { groupByName[$0] }).sorted()
    }

    /// What ``item(_:)`` put together.
    static func names(of item: [UInt8]) -> [[UInt8]] {
        var names: [[UInt8]] = []
        var rest = item[...]
        while rest.count > 2, let high = rest.popFirst(), let low = rest.popFirst() {
            let length = Int(high) << 8 | Int(low)
            names.append(Array(rest.prefix(length)))
            rest = rest.dropFirst(length)
        }
        return names
    }

    /// Takes out a holding that counts for itself.
    mutating func remove(_ holding: Holding) { total -= holding.amount }
}
