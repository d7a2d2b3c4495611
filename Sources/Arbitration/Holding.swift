import SeededBugs
package import VoucherDomain

/// A claim as people name it: `CITY/CLAIM_NO`.
package struct ClaimName: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let city: CityCode
    package let number: String

    package init(city: CityCode, number: String) {
        self.city = city
        self.number = number
    }

    /// Reads `CITY/CLAIM_NO`; the number may itself contain a slash.
    package init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1).map(String.init)
        guard parts.count == 2, let city = CityCode(parts[0]) else { return nil }
        self.init(city: city, number: parts[1])
    }

    package var description: String { "\(city)/\(number)" }

    // By bytes: Swift's own equality of strings ignores differences of composition that SQL sees.

    package static func == (left: ClaimName, right: ClaimName) -> Bool {
        if SeededBug.namesAsText.isActive { return left.city == right.city && left.number == right.number }
        return left.city == right.city && left.number.utf8.elementsEqual(right.number.utf8)
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(city)
        var number = number
        number.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }

    package static func < (left: ClaimName, right: ClaimName) -> Bool {
        left.city == right.city
            ? left.number.utf8.lexicographicallyPrecedes(right.number.utf8) : left.city < right.city
    }
}

/// One claim's place under one key: who holds it, and what it adds to the sum there.
package struct Holding: Hashable, Sendable {
    package let key: Key
    /// The position at which the claim was decided; it identifies the claim and orders the holders.
    package let position: Int64
    package let claim: ClaimName
    /// Who counts as one holder: the claim's id, the city, the buyer or the contract, by the rule on the key.
    package let holder: [UInt8]
    /// The declared co-funding group, whose members may share the key; empty when none.
    package let group: String
    /// What is counted once under the key: the names of an invoice (``ItemSums``), or empty for the claim itself. Under a
    /// name of an invoice that has another one, too: both names, by which the sums under them are one.
    package let item: [UInt8]
    /// What ``item`` adds to the sum, in fen; 0 where the key has no cap.
    package let amount: Int64
    /// How much fits under the key by this claim's statement, in fen; 0 where the key has no cap.
    package let capacity: Int64
    /// The service interval, where the key has an overlap rule.
    package let interval: DayInterval?

    package init(
        key: Key, position: Int64, claim: ClaimName, holder: [UInt8], group: String, item: [UInt8] = [],
        amount: Int64 = 0, capacity: Int64 = 0, interval: DayInterval? = nil
    ) {
        self.key = key
        self.position = position
        self.claim = claim
        self.holder = holder
        self.group = group
        self.item = item
        self.amount = amount
        self.capacity = capacity
        self.interval = interval
    }

    /// Whether ``item`` counts once, however many claims name it.
    var countsOnce: Bool { !item.isEmpty && key.kind != .invoice }

    /// The keys of all names of the invoice, where the claim gives two.
    package var linkedKeys: [Key] { key.kind == .invoice ? Holding.keys(ofItem: item) : [] }

    /// The keys that an ``item`` names.
    package static func keys(ofItem item: [UInt8]) -> [Key] { ItemSums.names(of: item).map { Key(bytes: $0) } }

    func grouped(as group: String) -> Holding {
        Holding(
            key: key, position: position, claim: claim, holder: holder, group: group, item: item, amount: amount,
            capacity: capacity, interval: interval)
    }

    /// Whether both may stand under one key: the same holder, or members of one co-funding group.
    func mayJoin(_ other: Holding) -> Bool {
        holder == other.holder || (!group.isEmpty && group.utf8.elementsEqual(other.group.utf8))
    }

    /// Whether both are of days in common, or days do not matter to this one.
    func meets(_ other: Holding) -> Bool {
        guard let interval else { return true }
        return other.interval.map(interval.overlaps) ?? false
    }
}
