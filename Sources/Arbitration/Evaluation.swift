import SeededBugs
import VoucherDomain

/// One claim held against every rule of the policy, before anything is taken.
struct Evaluation {
    let ledger: Ledger
    let claim: Claim
    let voucher: VoucherFacts?
    /// What the claim would take, in key order.
    let candidates: [Holding]
    /// The same by key.
    private let groups: [KeyGroup]
    /// What detectors may look at, in the order of their rules.
    let views: [DetectorView]
    /// Claims that are left out of account, by position.
    var absent: Set<Int64> = []

    init(
        ledger: Ledger, claim: Claim, voucher: VoucherFacts?, candidates: [Holding], views: [DetectorView]
    ) {
        self.ledger = ledger
        self.claim = claim
        self.voucher = voucher
        self.candidates = candidates
        self.views = views
        groups = KeyGroup.groups(of: candidates)
    }

    /// Every breach of one rule: one reason a key, in key order.
    func reasons(under rule: Rule, policy: Policy) -> [Reason] {
        switch rule.primitive {
        case .holder:
            return reasons(byKeyOf: rule) { group in
                let blocking = standing(under: group.key).conflicts(with: group.candidates[0])
                return blocking.isEmpty ? [] : [reason(rule, .held(group.kind), blocking, group.key)]
            }
        case .overlap:
            return reasons(byKeyOf: rule) { group in
                let blocking = standing(under: group.key).overlaps(with: group.candidates[0])
                return blocking.isEmpty ? [] : [reason(rule, .overlapping(claim.service), blocking, group.key)]
            }
        case .cap:
            return voucherFindings(rule) + reasons(byKeyOf: rule) { capReasons(rule, $0) }
        case .window:
            return windowReasons(rule, policy)
        case .event:
            return reversalReasons(rule)
        case .detector:
            return detectorReasons(rule)
        }
    }

    /// The earlier claims that a detector looked at and that hold nothing; none that stands under a key is among them.
    var idle: Set<ClaimName> { Set(views.flatMap(\.neighbours).filter { !$0.isLive }.map(\.name)) }

    private func detectorReasons(_ rule: Rule) -> [Reason] {
        guard let view = views.first(where: { $0.rule.id == rule.id }) else { return [] }
        return view.appointed.detector.matches(view).map { match in
            reason(rule, .detected(match.detection, match.evidence), match.neighbours.map(\.name))
        }
    }

    /// Under what the claim is to be found from now on, in ascending order.
    func traces(decided state: Outcome.Decision, _ reasons: [Reason]) -> [Trace] {
        var found: Set<Trace> = []
        for var view in views {
            view.filing.state = state
            found.formUnion(view.appointed.detector.tracesLeft(view, reasons))
        }
        return found.sorted()
    }

    private func reason(
        _ rule: Rule, _ finding: Reason.Finding, _ blocking: [ClaimName] = [], _ key: Key? = nil
    ) -> Reason {
        Reason(rule: rule.id, outcome: rule.outcome, finding: finding, inTheWay: blocking, key: key)
    }

    /// What is found under the keys of the rule's kinds, in key order.
    private func reasons(byKeyOf rule: Rule, _ find: (KeyGroup) -> [Reason]) -> [Reason] {
        var found: [Reason] = []
        for group in groups where rule.keys.contains(group.kind) { found += find(group) }
        return found
    }

    private func capReasons(_ rule: Rule, _ group: KeyGroup) -> [Reason] {
        let (kind, key, candidates) = (group.kind, group.key, group.candidates)
        let occupancy = ledger.occupancy(acrossNamesOf: candidates[0]).without(absent)
        let stated = candidates[0].capacity
        // A capacity of the policy's own is today's; one that claims state is the first claim's.
        let standing = rule.capacity == .fixed ? stated : occupancy.standingCapacity ?? stated
        var reasons: [Reason] = []
        if standing != stated {
            let finding = Reason.Finding.capacityDiffers(
                kind, stated: Money(rawValue: stated), standing: Money(rawValue: standing))
            reasons.append(Reason(rule: rule.id, outcome: .flag, finding: finding, key: key))
        }
        let adding = occupancy.addition(of: candidates)
        // Adding nothing breaks no cap, even one that a later policy lowered below what stands.
        if adding > 0, adding > standing - (SeededBug.capIgnoresStanding.isActive ? 0 : occupancy.used) {
            let finding = Reason.Finding.overCapacity(
                kind, used: Money(rawValue: occupancy.used), adding: Money(rawValue: adding),
                capacity: Money(rawValue: standing))
            reasons.append(reason(rule, finding, occupancy.claims, key))
        }
        return reasons
    }

    /// Invoices that red letters have taken back so far that they do not cover the claim's share.
    private func reversalReasons(_ rule: Rule) -> [Reason] {
        guard !ledger.redLetters.isEmpty else { return [] }
        let shares = claim.invoices.map(\.amount).apportioning(claim.claimed)
        return zip(claim.invoices, shares).compactMap { invoice, share in
            let others = otherHoldings(of: invoice.number)
            let reversed = ledger.redLetters(of: invoice.number).total(
                believing: Set(others.map(\.claim.city) + [city]))
            let standing = others.reduce(share.rawValue) { $0 + $1.amount }
            let uncovered = min(share.rawValue, standing - max(0, invoice.amount.rawValue - reversed))
            guard reversed > 0, uncovered > 0 else { return nil }
            let finding = Reason.Finding.invoiceReversed(
                reversed: Money(rawValue: reversed), uncovered: Money(rawValue: uncovered))
            return reason(rule, finding, [], .invoice(invoice.number.primary))
        }
    }

    /// What other live claims have of an invoice.
    private func otherHoldings(of invoice: InvoiceNumber) -> [Holding] {
        guard let own = candidates.first(where: { $0.key == .invoice(invoice.primary) }) else { return [] }
        return ledger.occupancy(acrossNamesOf: own).without(absent).holdings.filter { $0.position != own.position }
    }

    private func standing(under key: Key) -> Occupancy { (ledger.occupancies[key] ?? Occupancy()).without(absent) }

    /// The city that files.
    private var city: CityCode { candidates.first?.claim.city ?? .registry }

    private func voucherFindings(_ rule: Rule) -> [Reason] {
        guard rule.keys == [.voucher] else { return [] }
        guard let voucher else { return [reason(rule, .unknownVoucher)] }
        return voucher.enterprise == claim.enterprise ? [] : [reason(rule, .otherEnterprise)]
    }

    private func windowReasons(_ rule: Rule, _ policy: Policy) -> [Reason] {
        guard let voucher else { return [] }
        return (rule.within ?? []).compactMap { window in
            switch window {
            case .voucher:
                return lies(within: voucher.validity) ? nil : reason(rule, .outsideVoucher(voucher.validity))
            case .programme:
                guard let interval = policy.window(ofProgramme: voucher.programme) else { return nil }
                return lies(within: interval) ? nil : reason(rule, .outsideProgramme(interval))
            case .rate:
                guard let limit = rateLimit(policy.programme(voucher.programme)), claim.claimed > limit else {
                    return nil
                }
                return reason(rule, .overRate(claimed: claim.claimed, limit: limit))
            }
        }
    }

    /// The most that the programme pays for the claim's invoices.
    private func rateLimit(_ programme: Policy.Programme?) -> Money? {
        guard let rate = programme?.ratePermille, let total = claim.invoices.map(\.amount).total else { return nil }
        return total.scaled(by: rate, over: 1_000)
    }

    private func lies(within window: DayInterval) -> Bool {
        window.contains(claim.service) && claim.invoices.allSatisfy { $0.issuedOn.map(window.contains) ?? true }
    }
}

/// What a claim would take under one key, one holding an item.
private struct KeyGroup {
    let kind: KeyKind
    let key: Key
    var candidates: [Holding]

    /// - Parameter candidates: In key order.
    static func groups(of candidates: [Holding]) -> [KeyGroup] {
        var groups: [KeyGroup] = []
        for candidate in candidates {
            if groups.last?.key == candidate.key {
                groups[groups.count - 1].candidates.append(candidate)
            } else if let kind = candidate.key.kind {
                groups.append(KeyGroup(kind: kind, key: candidate.key, candidates: [candidate]))
            }
        }
        return groups
    }
}
