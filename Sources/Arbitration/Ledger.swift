import VoucherDomain

/// What the fold remembers: who holds which keys, the vouchers, and where each claim stands.
///
/// A value. It may be whole (the reference, the auditor's recomputation) or hold just what a batch touches
/// (the arbiter loads that from the database); the fold cannot tell the difference, which is what keeps the two
/// alike. ``Needs`` says what must be loaded.
package struct Ledger: Equatable, Sendable {
    /// Where a claim stands.
    package struct ClaimRecord: Hashable, Sendable {
        package let position: Int64
        package let state: Outcome.Decision

        package init(position: Int64, state: Outcome.Decision) {
            self.position = position
            self.state = state
        }
    }

    /// A voucher as first issued.
    package struct VoucherRecord: Equatable, Sendable {
        package let facts: VoucherFacts

        package init(facts: VoucherFacts) { self.facts = facts }
    }

    package private(set) var occupancies: [Key: Occupancy] = [:]
    package private(set) var vouchers: [Key: VoucherRecord] = [:]
    package private(set) var claims: [ClaimName: ClaimRecord] = [:]
    private var keysByPosition: [Int64: [Key]] = [:]
    package private(set) var policy: Policy?

    package init(policy: Policy? = nil) { self.policy = policy }

    // MARK: Loading

    /// Makes room for that many keys.
    package mutating func reserveCapacity(_ keys: Int) { occupancies.reserveCapacity(keys) }

    package mutating func insert(_ holding: Holding) {
        occupancies[holding.key, default: Occupancy()].take(holding)
        if keysByPosition[holding.position]?.last != holding.key {
            keysByPosition[holding.position, default: []].append(holding.key)
        }
    }

    package mutating func insert(_ record: ClaimRecord, for name: ClaimName) { claims[name] = record }

    package mutating func insert(_ record: VoucherRecord, under key: Key) { vouchers[key] = record }

    // MARK: Folding

    /// What the claim decided at `position` holds, in the order of keys and items, however it was loaded.
    func holdings(ofClaimAt position: Int64) -> [Holding] {
        Set(keysByPosition[position] ?? []).sorted().flatMap { key in
            (occupancies[key]?.holdings.filter { $0.position == position } ?? [])
                .sorted { $0.item.lexicographicallyPrecedes($1.item) }
        }
    }

    /// Takes over what an entry's outcome changed.
    package mutating func apply(_ outcome: Outcome, of entry: JournalEntry) {
        switch entry.content {
        case .policyPublished(let policy) where outcome.decision == .noted: self.policy = policy
        case .voucherIssued(let voucher) where outcome.decision == .noted:
            vouchers[.voucher(city: entry.city, number: voucher.number)] = VoucherRecord(facts: VoucherFacts(voucher))
        default: break
        }
        let taken = outcome.taken
        if !taken.isEmpty { keysByPosition[entry.position] = entry.keys }
        for holding in taken { occupancies[holding.key, default: Occupancy()].take(holding) }
        for key in Set(outcome.released.map(\.key)) {
            guard let position = outcome.released.first?.position else { continue }
            occupancies[key]?.release(position: position)
            if occupancies[key]?.holdings.isEmpty ?? false { occupancies[key] = nil }
        }
        guard let claim = outcome.claim else { return }
        switch (entry.content, outcome.decision) {
        case (.claimFiled, .reserved), (.claimFiled, .held), (.claimFiled, .refused):
            claims[claim] = ClaimRecord(position: entry.position, state: outcome.decision)
        case (.claimWithdrawn, .withdrawn):
            guard let record = claims[claim] else { return }
            claims[claim] = ClaimRecord(position: record.position, state: .withdrawn)
            keysByPosition[record.position] = nil
        default: break
        }
    }
}

extension Ledger {
    /// Takes over what an earlier entry's outcome changed, as far as `needs` asks for it.
    package mutating func catchUp(with outcome: Outcome, of entry: JournalEntry, for needs: Needs) {
        guard case .claimFiled = entry.content, let claim = outcome.claim, !needs.withdrawnClaims.contains(claim) else {
            return apply(outcome, of: entry)
        }
        for holding in outcome.taken where needs.keys.contains(holding.key) { insert(holding) }
        guard needs.claims.contains(claim), outcome.decision != .invalid else { return }
        insert(ClaimRecord(position: entry.position, state: outcome.decision), for: claim)
    }
}

extension Ledger {
    /// Where this ledger, which a database keeps, differs from the one that the journal gives; in words for an auditor.
    package func differences(from journal: Ledger, atMost limit: Int) -> [String] {
        var found: [String] = []
        for name in Set(claims.keys).union(journal.claims.keys).sorted() where claims[name] != journal.claims[name] {
            found.append(
                "claim \(name): the table says \(Ledger.text(claims[name])), the journal \(Ledger.text(journal.claims[name]))"
            )
        }
        for key in Set(vouchers.keys).union(journal.vouchers.keys).sorted() where vouchers[key] != journal.vouchers[key]
        {
            found.append("voucher \(key.readable): the table does not say what the journal says")
        }
        for key in Set(occupancies.keys).union(journal.occupancies.keys).sorted() {
            let (kept, due) = (Ledger.ordered(occupancies[key]), Ledger.ordered(journal.occupancies[key]))
            guard kept != due else { continue }
            let holders = [kept, due].map { $0.map(\.claim.description).joined(separator: ", ") }
            found.append(
                holders[0] == holders[1]
                    ? "key \(key.readable): the table has other amounts, dates or holders than the journal"
                    : "key \(key.readable): held by [\(holders[0])] in the table, by [\(holders[1])] in the journal")
        }
        return Array(found.prefix(limit))
    }

    private static func text(_ record: ClaimRecord?) -> String {
        record.map { "\($0.state) at \($0.position)" } ?? "nothing"
    }

    private static func ordered(_ occupancy: Occupancy?) -> [Holding] {
        (occupancy?.holdings ?? []).sorted {
            $0.position == $1.position ? $0.item.lexicographicallyPrecedes($1.item) : $0.position < $1.position
        }
    }
}

/// What a ledger must hold before a batch of entries can be folded on it.
package struct Needs: Hashable, Sendable {
    /// Every live holding under these keys.
    package private(set) var keys: Set<Key> = []
    /// These vouchers, where they exist.
    package private(set) var vouchers: Set<Key> = []
    /// These claims, where they exist.
    package private(set) var claims: Set<ClaimName> = []
    /// Every live holding of these claims, too.
    package private(set) var withdrawnClaims: Set<ClaimName> = []

    package init(_ entries: [JournalEntry]) {
        keys.reserveCapacity(entries.reduce(0) { $0 + $1.keys.count })
        for entry in entries {
            switch entry.content {
            case .voucherIssued(let voucher): vouchers.insert(.voucher(city: entry.city, number: voucher.number))
            case .claimFiled(let claim):
                for key in entry.keys { keys.insert(key) }
                vouchers.insert(.voucher(city: entry.city, number: claim.voucherNumber))
                claims.insert(ClaimName(city: entry.city, number: claim.number))
            case .claimWithdrawn(let number):
                claims.insert(ClaimName(city: entry.city, number: number))
                withdrawnClaims.insert(ClaimName(city: entry.city, number: number))
            case .policyPublished, .act, .unsupported, .faulty: break
            }
        }
    }
}
