/// How far a cap is used under which each claim counts with all that it claims: that of a voucher, or of an enterprise's
/// year.
package struct CapUse: Hashable, Sendable {
    package let key: Key
    /// How many live claims stand under it.
    package let claims: Int
    /// What they take, in fen.
    package let used: Int64
    /// How much fits by the word of the first of them, in fen; 0 where nothing is capped.
    package let capacity: Int64

    fileprivate init(of key: Key, _ occupancy: Occupancy?) {
        self.key = key
        // A claim has one holding under such a key.
        claims = occupancy?.holdings.count ?? 0
        used = occupancy?.used ?? 0
        capacity = occupancy?.standingCapacity ?? 0
    }
}

extension Ledger {
    /// How far those caps are used that an outcome took from or gave back to, once it is applied. In no order, and some
    /// twice.
    package func capUses(after outcome: Outcome) -> [CapUse] {
        capUses(under: outcome.taken) + capUses(under: outcome.effects.flatMap(\.taken))
            + capUses(under: outcome.released)
    }

    private func capUses(under holdings: [Holding]) -> [CapUse] {
        holdings.compactMap { holding -> CapUse? in
            let kind = holding.key.kind
            guard kind == .voucher || kind == .enterpriseYear else { return nil }
            return CapUse(of: holding.key, occupancies[holding.key])
        }
    }
}
