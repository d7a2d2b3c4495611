package import Arbitration
package import VoucherDomain

/// The live holdings as one plain list, judged by the definition of each promise.
package struct NaiveLedger {
    package private(set) var live: [Holding] = []
    package private(set) var vouchers: [Key: VoucherFacts] = [:]

    package init() {}

    package func holdings(under key: Key) -> [Holding] { live.filter { $0.key == key } }

    private var byKey: [Key: [Holding]] { Dictionary(grouping: live, by: \.key) }

    package mutating func apply(_ outcome: Outcome, of entry: JournalEntry) {
        if case .voucherIssued(let voucher) = entry.content, outcome.decision == .noted {
            vouchers[.voucher(city: entry.city, number: voucher.number)] = VoucherFacts(voucher)
        }
        let released = Set(outcome.released)
        live.removeAll { released.contains($0) }
        live += outcome.taken
    }

    // MARK: Promises that must hold after every entry

    /// Keys of blocking holder rules under which two claims stand that may not share them.
    package var unlawfullyShared: [Key] {
        let keys = byKey.filter { key, holdings in
            guard key.kind == .invoice || key.kind == .contract else { return false }
            return holdings.contains { !holdings.naiveConflicts(with: $0).isEmpty }
        }
        return keys.keys.sorted()
    }

    /// Keys under which more stands than the first statement allows.
    package var overfull: [Key] {
        byKey.filter { _, holdings in holdings.naiveStandingCapacity.map { holdings.naiveUsed > $0 } ?? false }
            .keys.sorted()
    }

    /// Keys that the outcome fills further although more would then stand there than the first statement allows.
    package func overfilled(by outcome: Outcome) -> [Key] {
        Set(outcome.taken.map(\.key)).sorted().filter { key in
            let before = holdings(under: key)
            let after = before + outcome.taken.filter { $0.key == key }
            guard let capacity = after.naiveStandingCapacity else { return false }
            return after.naiveUsed > before.naiveUsed && after.naiveUsed > capacity
        }
    }

    // MARK: What a decision must say

    /// Claims that the outcome names as blocking and that do not hold the key named, one of the filed claim's.
    package func wronglyNamed(in outcome: Outcome, of claim: Claim, city: CityCode) -> [ClaimName] {
        let keys = Set(claim.keys(in: city))
        return outcome.reasons.filter { !$0.finding.isDetected }.flatMap { reason in
            reason.blocking.filter { name in
                !live.contains {
                    $0.claim == name && isNamed($0.key, reason.key, of: claim) && $0.key.kind == reason.finding.kind
                } || reason.key.map { !keys.contains($0) } ?? true
            }
        }
    }

    /// Whether both keys name one thing: the same, or two names of one invoice by what the live claims and this one say.
    private func isNamed(_ key: Key, _ other: Key?, of claim: Claim) -> Bool {
        guard let other, key != other else { return key == other }
        var names: Set<Key> = [other]
        let stated = claim.invoices.map { Set($0.number.names.map(Key.invoice)) } + live.map { Set($0.linkedKeys) }
        while case let more = stated.filter({ !$0.isDisjoint(with: names) && !$0.isSubset(of: names) }), !more.isEmpty {
            for set in more { names.formUnion(set) }
        }
        return names.contains(key)
    }

    /// The reasons that the holder and overlap rules of a policy have against a claim, in the policy's order.
    package func holderReasons(against candidates: [Holding], service: DayInterval, policy: Policy) -> [Reason] {
        var seen: Set<Key> = []
        let candidates = candidates.filter { seen.insert($0.key).inserted }.sorted { $0.key < $1.key }
        return policy.rules.flatMap { rule -> [Reason] in
            guard rule.primitive == .holder || rule.primitive == .overlap else { return [] }
            return candidates.compactMap { candidate in
                guard let kind = candidate.key.kind, rule.keys.contains(kind) else { return nil }
                let present = holdings(under: candidate.key)
                let isHolder = rule.primitive == .holder
                let blocking =
                    isHolder ? present.naiveConflicts(with: candidate) : present.naiveOverlaps(with: candidate)
                if blocking.isEmpty { return nil }
                let finding = isHolder ? Reason.Finding.held(kind) : .overlapping(service)
                return Reason(
                    rule: rule.id, outcome: rule.outcome, finding: finding, blocking: blocking, key: candidate.key)
            }
        }
    }
}

extension Reason.Finding {
    /// The kind of key that the finding is about, where it is about one.
    package var kind: KeyKind? {
        switch self {
        case .held(let kind), .overCapacity(let kind, _, _, _), .capacityDiffers(let kind, _, _): kind
        case .overlapping: .service
        case .outsideVoucher, .outsideProgramme, .unknownVoucher, .otherEnterprise, .voucherReused, .faultyEntry,
            .payment,
            .invoiceReversed, .overRate, .detected:
            nil
        }
    }

    /// Whether a detector found it, for which claims need not share a key.
    package var isDetected: Bool { if case .detected = self { true } else { false } }

    package var isAboutHolders: Bool {
        switch self {
        case .held, .overlapping: true
        default: false
        }
    }
}
