package import Arbitration
import VoucherDomain

/// Follows a journal and what the fold answers to it, by its own books; of the fold's it reads who holds which key.
///
/// For journals of one policy, the sample one, and without red letters.
package struct PaymentAudit {
    /// What is to hold at every position.
    package enum Promise: Hashable, Sendable {
        /// No blocking key is authorised for two holders that may not share it.
        case oneHolder
        /// Stages follow each other: nothing is submitted that is not released or was stopped, nothing paid that is not
        /// authorised.
        case order
        /// What the bank says it has paid is what was claimed, and what came back is all of it before the keys are free.
        case amounts
        /// Nothing is authorised while cities were not heard and the dwell is not over, or while a case is open.
        case gate
        /// Nothing is released before enough cities have it.
        case release
        /// A claim holds all of its keys from its authorisation until its payment failed or is paid back.
        case keys
        /// One claim has one reference, and no other claim has it.
        case reference
    }

    private struct Filed {
        let name: ClaimName
        let claim: Claim
        let keys: Set<Key>
        let position: Int64
        let receivedAt: Int64
    }

    private struct City {
        var isActive = true
        var watermark: Int64
        var feed: Int64 = 0
    }

    private let terms: PaymentTerms
    private var filed: [ClaimName: Filed] = [:]
    private var stages: [ClaimName: Payment.Stage] = [:]
    private var references: [ClaimName: PaymentReference] = [:]
    /// What the bank has sent back, in fen.
    private var refunded: [ClaimName: Int64] = [:]
    private var cases: [String: ConflictCase] = [:]
    /// Claims that one ruling has kept.
    private var partners: [Set<ClaimName>] = []
    private var cities: [CityCode: City] = [:]
    private var ticks: [(position: Int64, interval: Int64)] = []

    package init(_ terms: PaymentTerms) { self.terms = terms }

    /// - Parameter ledger: As it is after the entry.
    /// - Returns: What broke which promise, in words.
    package mutating func take(_ entry: JournalEntry, _ outcome: Outcome, _ ledger: Ledger) -> [Promise: [String]] {
        note(entry, outcome)
        var found: [Promise: [String]] = [:]
        for effect in outcome.effects { follow(effect, by: entry, &found) }
        for name in bound.keys.sorted() {
            let missing = (filed[name]?.keys ?? []).filter { !holds(name, $0, ledger) }
            found[.keys, default: []] += missing.sorted().map { "\(name) does not hold \($0.readable)" }
        }
        for (name, stage) in stages where stage == .reversed {
            let left = (filed[name]?.keys ?? []).filter { holds(name, $0, ledger) }
            found[.keys, default: []] += left.sorted().map { "\(name) still holds \($0.readable)" }
        }
        return found.filter { !$0.value.isEmpty }
    }

    private var bound: [ClaimName: Payment.Stage] { stages.filter { PaymentAudit.isBound($0.value) } }

    private static func isBound(_ stage: Payment.Stage?) -> Bool {
        switch stage {
        case .authorized, .released, .submitted, .paid: true
        case .requested, .failed, .reversed, nil: false
        }
    }

    private func holds(_ name: ClaimName, _ key: Key, _ ledger: Ledger) -> Bool {
        ledger.occupancies[key]?.holdings.contains { $0.claim == name } ?? false
    }

    // MARK: The books

    private mutating func note(_ entry: JournalEntry, _ outcome: Outcome) {
        for conflict in outcome.cases { cases[conflict.id] = conflict }
        switch entry.content {
        case .claimFiled(let claim) where outcome.decision == .reserved || outcome.decision == .held:
            let name = ClaimName(city: entry.city, number: claim.number)
            filed[name] = Filed(
                name: name, claim: claim, keys: Set(claim.keys(in: entry.city)), position: entry.position,
                receivedAt: entry.receivedAt)
        case .caseRuled(let ruling) where outcome.decision == .noted: partners.append(Set(ruling.kept))
        case .membership(let city, .joined): cities[city] = City(watermark: entry.receivedAt)
        case .membership(let city, .suspended): cities[city]?.isActive = false
        case .membership(let city, .reinstated): cities[city]?.isActive = true
        case .ticked(let tick):
            ticks.append((entry.position, min(900_000, tick.intervalMilliseconds)))
            for report in tick.reports {
                guard var city = cities[report.city] else { continue }
                city.watermark = max(city.watermark, report.watermark)
                city.feed = max(city.feed, report.feedPosition)
                cities[report.city] = city
            }
        default: break
        }
    }

    private mutating func follow(
        _ effect: Outcome.Effect, by entry: JournalEntry, _ found: inout [Promise: [String]]
    ) {
        let (name, old) = (effect.name, stages[effect.name])
        guard let payment = effect.payment else {
            guard !effect.state.isLive else { return }
            if PaymentAudit.isBound(old) { found[.order, default: []].append("\(name) ended while it was approved") }
            stages[name] = nil
            return
        }
        let new = payment.stage
        stages[name] = new
        found[.amounts, default: []] += faults(ofAmountsIn: entry, name)
        guard new != old, let own = filed[name] else { return }
        if !PaymentAudit.mayFollow(new, old) {
            found[.order, default: []].append("\(name) went from \(old.map { "\($0)" } ?? "nothing") to \(new)")
        }
        if new == .submitted, payment.isBarred {
            found[.order, default: []].append("\(name) was submitted though it was stopped")
        }
        if new == .authorized {
            found[.oneHolder, default: []] += rivals(of: own)
            if !isOpen(for: own) { found[.gate, default: []].append("\(name) was authorised too early") }
            found[.reference, default: []] += faults(of: payment)
        }
        if new == .released, !isKnown(payment) {
            found[.release, default: []].append("\(name) was released too early")
        }
    }

    private static func mayFollow(_ new: Payment.Stage, _ old: Payment.Stage?) -> Bool {
        switch new {
        case .requested: old == nil || old == .failed
        case .authorized: old == nil || old == .requested || old == .failed
        case .released: old == .authorized
        case .submitted: old == .released
        case .paid, .failed: old == .authorized || old == .released || old == .submitted
        case .reversed: old == .paid
        }
    }

    private mutating func faults(of payment: Payment) -> [String] {
        guard let reference = payment.authorization?.reference else { return ["\(payment.claim) has no reference"] }
        defer { references[payment.claim] = reference }
        if let known = references[payment.claim], known != reference { return ["\(payment.claim) has two references"] }
        return references.filter { $0.key != payment.claim && $0.value == reference }.keys.sorted().map {
            "\(payment.claim) has the reference of \($0)"
        }
    }

    /// By what the bank said, and by nothing that the payment says of itself.
    private mutating func faults(ofAmountsIn entry: JournalEntry, _ name: ClaimName) -> [String] {
        guard case .payment(let act) = entry.content, let claimed = filed[name]?.claim.claimed else { return [] }
        switch act.step {
        case .confirmed(_, let bank) where bank.amount != claimed:
            return ["\(name) was paid \(bank.amount.yuan) yuan, \(claimed.yuan) were claimed"]
        case .reversed(_, let bank, _):
            refunded[name, default: 0] += bank.amount.rawValue
            let isAllBack = refunded[name] == claimed.rawValue
            return isAllBack == (stages[name] == .reversed) ? [] : ["\(name) is at a stage that the refunds deny"]
        default: return []
        }
    }

    // MARK: Gates

    private func isOpen(for own: Filed) -> Bool {
        let ownCases = cases.values.filter { $0.parties.contains { $0.claim == own.name } }
        guard !ownCases.contains(where: { !$0.isClosed && !$0.isAutomatic }) else { return false }
        if ownCases.contains(where: { !$0.isClosed }),
            let first = ownCases.filter(\.isAutomatic).map(\.position).min(),
            dwell(since: first) < terms.dwellSeconds * 1_000
        {
            return false
        }
        let silent = cities.filter {
            $0.key != own.name.city && $0.value.isActive && $0.value.watermark <= own.receivedAt
        }
        return silent.isEmpty || dwell(since: own.position) >= terms.dwellSeconds * 1_000
    }

    private func dwell(since position: Int64) -> Int64 {
        ticks.filter { $0.position > position }.dropFirst().reduce(0) { $0 + $1.interval }
    }

    private func isKnown(_ payment: Payment) -> Bool {
        guard let position = payment.authorization?.position else { return false }
        let others = cities.filter {
            $0.key != payment.claim.city && $0.value.isActive && $0.value.feed >= position
        }
        let own = cities[payment.claim.city]?.feed ?? 0
        return own >= position && Int64(others.count) >= terms.witnessCities
    }

    // MARK: Holders

    /// The approved claims that may not stand beside this one.
    private func rivals(of own: Filed) -> [String] {
        bound.keys.sorted().flatMap { name -> [String] in
            guard name != own.name, let other = filed[name] else { return [] }
            return own.keys.intersection(other.keys).sorted().filter { !mayShare($0, own, other) }.map {
                "\(own.name) and \(name) are both approved for \($0.readable)"
            }
        }
    }

    private func mayShare(_ key: Key, _ one: Filed, _ other: Filed) -> Bool {
        guard let kind = key.kind else { return true }
        switch kind {
        // Sums.
        case .voucher, .enterpriseYear: return true
        case .contract: if one.name.city == other.name.city { return true }
        case .contractParties: if one.claim.enterprise == other.claim.enterprise { return true }
        case .service:
            let isOneContract = one.claim.contractText == other.claim.contractText
            if isOneContract || !one.claim.service.overlaps(other.claim.service) { return true }
        case .invoice, .bankReceipt, .usageProof: break
        }
        return isOneHolder(one, other, under: key)
    }

    /// Whether declared groups and rulings lead from one to the other, by way of claims on the key.
    private func isOneHolder(_ one: Filed, _ other: Filed, under key: Key) -> Bool {
        let onKey = filed.values.filter { $0.keys.contains(key) }
        var reached: Set<ClaimName> = []
        var next = [one]
        while !next.isEmpty {
            reached.formUnion(next.map(\.name))
            next = onKey.filter { candidate in
                !reached.contains(candidate.name) && next.contains { areJoined($0, candidate) }
            }
        }
        return reached.contains(other.name)
    }

    private func areJoined(_ one: Filed, _ other: Filed) -> Bool {
        let isDeclared = !one.claim.cofundingGroup.isEmpty && one.claim.cofundingGroup == other.claim.cofundingGroup
        return isDeclared || partners.contains { $0.contains(one.name) && $0.contains(other.name) }
    }
}
