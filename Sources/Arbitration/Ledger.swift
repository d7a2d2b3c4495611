import SeededBugs
package import VoucherDomain

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
        package let claimed: Money
        /// The policy that it was decided under.
        package let policyVersion: UInt32
        /// What it left for detectors, as long as it is live or was refused for cause.
        package let imprint: Imprint

        package init(
            position: Int64, state: Outcome.Decision, claimed: Money = .zero, policyVersion: UInt32 = 0,
            imprint: Imprint = Imprint()
        ) {
            self.position = position
            self.state = state
            self.claimed = claimed
            self.policyVersion = policyVersion
            self.imprint = imprint
        }

        fileprivate init(_ filing: Filing, _ outcome: Outcome) {
            self.init(
                position: filing.position, state: filing.state, claimed: filing.claim.claimed,
                policyVersion: outcome.policyVersion, imprint: outcome.imprint)
        }

        var isLive: Bool { state.isLive }

        fileprivate func after(_ effect: Outcome.Effect) -> ClaimRecord {
            ClaimRecord(
                position: position, state: effect.state, claimed: claimed, policyVersion: policyVersion,
                imprint: effect.state.isLive ? imprint : Imprint())
        }
    }

    /// A voucher as first issued.
    package struct VoucherRecord: Equatable, Sendable {
        package let facts: VoucherFacts

        package init(facts: VoucherFacts) { self.facts = facts }
    }

    /// A claim that holds keys, as later ones meet it.
    package struct LiveClaim: Hashable, Sendable {
        /// When it was filed as far as is known: see ``Ledger/filingTime(of:)``.
        package let filedAt: Int64
        package fileprivate(set) var state: Outcome.Decision

        package init(filedAt: Int64, state: Outcome.Decision) {
            self.filedAt = filedAt
            self.state = state
        }
    }

    package private(set) var occupancies: [Key: Occupancy] = [:]
    /// By position; a partial ledger has those under the keys that it has.
    package private(set) var liveClaims: [Int64: LiveClaim] = [:]
    package var receipts = ReceiptTimes()
    /// How many automatic cases are open, by the city whose claim was refused.
    package private(set) var automaticCases: [CityCode: Int64] = [:]
    package private(set) var vouchers: [Key: VoucherRecord] = [:]
    package private(set) var claims: [ClaimName: ClaimRecord] = [:]
    private var keysByPosition: [Int64: [Key]] = [:]
    package private(set) var policy: Policy?
    /// Those of ``policy``.
    private(set) var detectors: [DetectorRule] = []
    /// Policies that were published ahead of their time, by version.
    package private(set) var scheduled: [Policy] = []
    /// What each policy says of payments, by its version.
    private var terms: [UInt32: PaymentTerms] = [:]
    /// By id; a partial ledger has those that its batch needs.
    package private(set) var cases: [String: ConflictCase] = [:]
    /// The cases that name a claim, by id.
    private var casesByClaim: [ClaimName: Set<String>] = [:]
    package var payments = PaymentBook()
    /// The cities, as far as payments wait for them.
    package var members = Members()
    /// What the ticks add up to.
    package var clock = DwellClock()
    /// By the key of one name of the invoice that was reversed.
    package private(set) var redLetters: [Key: RedLetters] = [:]
    /// What is known of companies beyond their claims.
    package var register = Register()
    /// Positions by trace, ascending.
    package private(set) var traces: [Trace: [Int64]] = [:]
    /// Claims that are live or can be found by their traces, by position.
    package private(set) var filings: [Int64: Filing] = [:]
    /// Prices by resource class.
    package private(set) var prices: [String: PriceHistogram] = [:]

    package init(policy: Policy? = nil) { if let policy { setPolicy(policy) } }

    private mutating func setPolicy(_ policy: Policy) {
        self.policy = policy
        detectors = policy.detectorRules
        scheduled.removeAll { $0.version <= policy.version }
        insert(policy.payments, ofPolicy: policy.version)
    }

    /// Takes over the newest scheduled policy whose time has come; older ones never bind.
    mutating func bringIntoForce(where isDue: (Policy.Effective) -> Bool) {
        guard !scheduled.isEmpty,
            let next = scheduled.last(where: { $0.effective.map(isDue) ?? true })
        else { return }
        scheduled.removeAll { $0.version <= next.version }
        if next.version > policy?.version ?? 0 { setPolicy(next) }
    }

    // MARK: Loading

    package mutating func schedule(_ policy: Policy) {
        scheduled.append(policy)
        scheduled.sort { $0.version < $1.version }
    }

    /// Makes room for that many keys.
    package mutating func reserveCapacity(_ keys: Int) { occupancies.reserveCapacity(keys) }

    package mutating func insert(_ holding: Holding) {
        occupancies[holding.key, default: Occupancy()].take(holding)
        if keysByPosition[holding.position]?.last != holding.key {
            keysByPosition[holding.position, default: []].append(holding.key)
        }
    }

    package mutating func insert(_ claim: LiveClaim, at position: Int64) { liveClaims[position] = claim }

    package mutating func insert(automaticCases count: Int64, of city: CityCode) { automaticCases[city] = count }

    package mutating func insert(_ record: ClaimRecord, for name: ClaimName) { claims[name] = record }

    package mutating func insert(_ record: VoucherRecord, under key: Key) { vouchers[key] = record }

    /// - Precondition: Inserted under each trace in the order of positions.
    package mutating func insert(_ filing: Filing, under trace: Trace) {
        traces[trace, default: []].append(filing.position)
        filings[filing.position] = filing
    }

    /// Notes where a claim left a trace, without the claim.
    package mutating func insert(_ position: Int64, under trace: Trace) { traces[trace, default: []].append(position) }

    package mutating func insert(_ prices: PriceHistogram, ofResourceClass name: String) { self.prices[name] = prices }

    package mutating func insert(_ conflict: ConflictCase) {
        if cases.updateValue(conflict, forKey: conflict.id) == nil {
            for party in conflict.parties { casesByClaim[party.claim, default: []].insert(conflict.id) }
        }
    }

    package mutating func insert(_ terms: PaymentTerms, ofPolicy version: UInt32) { self.terms[version] = terms }

    /// A live claim itself, for what is asked of it later.
    package mutating func insert(_ filing: Filing) { filings[filing.position] = filing }

    package mutating func insert(_ letters: RedLetters, under key: Key) { redLetters[key] = letters }

    // MARK: Folding

    /// What the claim decided at `position` holds, in the order of keys and items, however it was loaded.
    func holdings(ofClaimAt position: Int64) -> [Holding] {
        let keys = Set(keysByPosition[position] ?? [])
        return (SeededBug.hashTableOrder.isActive ? Array(keys) : keys.sorted()).flatMap { key in
            (occupancies[key]?.holdings.filter { $0.position == position } ?? [])
                .sorted { $0.item.lexicographicallyPrecedes($1.item) }
        }
    }

    /// Takes over what an entry's outcome changed.
    package mutating func apply(_ outcome: Outcome, of entry: JournalEntry) {
        if let reading = entry.reading { members.resume(entry.city, unreadSince: reading.unreadSince) }
        switch entry.content {
        case .policyPublished(let policy) where outcome.decision == .noted:
            // The first policy binds at once: nothing can be decided without one.
            let bindsAtOnce = self.policy == nil || policy.effective == nil || SeededBug.policyBindsAtOnce.isActive
            if bindsAtOnce { setPolicy(policy) } else { schedule(policy) }
        case .membership(let city, let change): members.apply(change, of: city, at: entry.receivedAt)
        case .ticked(let tick):
            members.take(tick.reports)
            clock.tick(tick, at: entry.position)
            bringIntoForce { $0.fromDate.map { $0 <= tick.day } ?? false }
        case .invoiceReversed(let letter) where outcome.decision == .noted: take(letter, by: entry.city)
        case .unsupported: members.stop(entry.city, at: entry.writtenAt)
        case .companiesListed(let companies): for company in companies { register.list(company) }
        case .providersListed(let providers): for provider in providers { register.list(provider) }
        case .voucherIssued(let voucher) where outcome.decision == .noted:
            vouchers[.voucher(city: entry.city, number: voucher.number)] = VoucherRecord(facts: VoucherFacts(voucher))
        default: break
        }
        for (key, numbers) in outcome.appliedLetters { redLetters[key]?.apply(numbers) }
        receipts[entry.position] = entry.decidedFrom
        leaveImprint(outcome)
        let taken = outcome.taken
        if !taken.isEmpty { keysByPosition[entry.position] = entry.keys }
        for holding in taken { occupancies[holding.key, default: Occupancy()].take(holding) }
        for effect in outcome.effects { apply(effect) }
        for conflict in outcome.cases {
            count(conflict)
            insert(conflict)
        }
        if let filing = outcome.filing { insert(ClaimRecord(filing, outcome), for: filing.name) }
    }

    private mutating func apply(_ effect: Outcome.Effect) {
        for key in Set(effect.released.map(\.key)) {
            occupancies[key]?.release(position: effect.position)
            if occupancies[key]?.holdings.isEmpty ?? false { occupancies[key] = nil }
        }
        if !effect.released.isEmpty { keysByPosition[effect.position] = nil }
        for holding in effect.regrouped {
            occupancies[holding.key]?.regroup(position: effect.position, as: holding.group)
        }
        lift(effect.lifted, ofClaimAt: effect.position)
        if let filing = effect.filing {
            insert(filing)
            liveClaims[effect.position] = LiveClaim(filedAt: filing.filedAt, state: effect.state)
        }
        for holding in effect.taken { insert(holding) }
        if effect.state.isLive {
            filings[effect.position]?.state = effect.state
            liveClaims[effect.position]?.state = effect.state
        } else {
            filings[effect.position] = nil
            liveClaims[effect.position] = nil
        }
        if let record = claims[effect.name] { claims[effect.name] = record.after(effect) }
        // A request ends with its claim; what was authorised once is kept.
        if let payment = effect.payment {
            payments[effect.position] = payment
        } else if !effect.state.isLive, payments[effect.position]?.stage == .requested {
            payments[effect.position] = nil
        }
    }

    /// Keeps the number of open automatic cases.
    private mutating func count(_ conflict: ConflictCase) {
        if let city = cases[conflict.id]?.quotaCity { automaticCases[city, default: 0] -= 1 }
        if let city = conflict.quotaCity { automaticCases[city, default: 0] += 1 }
    }

    private mutating func take(_ letter: RedLetter, by city: CityCode) {
        for name in letter.invoice.names {
            redLetters[.invoice(name), default: RedLetters()].take(
                letter.number.primary.canonical, letter.amount, by: city)
        }
    }
}

extension Ledger {
    /// What stands under the candidate's key; for an invoice, under all of the names that live claims or the candidate
    /// give it, each claim once.
    func occupancy(acrossNamesOf candidate: Holding) -> Occupancy {
        let own = occupancies[candidate.key] ?? Occupancy()
        guard candidate.key.kind == .invoice else { return own }
        let linked = candidate.linkedKeys
        let names = names(linkedTo: linked.isEmpty ? [candidate.key] : linked)
        guard names.count > 1 else { return own }
        var claims: [Int64: Holding] = [:]
        for holding in names.sorted().flatMap({ occupancies[$0]?.holdings ?? [] }) where claims[holding.position] == nil
        {
            claims[holding.position] = holding
        }
        var all = Occupancy()
        for holding in claims.values.sorted(by: { $0.position < $1.position }) { all.take(holding) }
        return all
    }

    /// The keys of every name of one invoice, as far as live claims that give two of them lead.
    func names(linkedTo keys: [Key]) -> Set<Key> {
        var names: Set<Key> = []
        var rest = keys
        while let name = rest.popLast() {
            names.insert(name)
            for key in occupancies[name]?.holdings.flatMap(\.linkedKeys) ?? [] where !names.contains(key) {
                rest.append(key)
            }
        }
        return names
    }

    /// The positions of all claims that stand under keys of these claims or under these keys, but for keys with nothing
    /// but sums; and of all that a case names beside one of these claims.
    package func positions(beside names: Set<ClaimName>, and keys: Set<Key>) -> [Int64] {
        let own = names.compactMap { claims[$0]?.position }.flatMap { keysByPosition[$0] ?? [] }
        let parties = names.flatMap { cases(naming: $0) }.flatMap(\.parties)
            .compactMap { claims[$0.claim]?.position }
        return keys.union(own).reduce(into: Set<Int64>(parties)) { positions, key in
            guard let kind = key.kind, policy?.guards(kind) ?? false else { return }
            positions.formUnion(occupancies[key]?.holdings.map(\.position) ?? [])
        }.sorted()
    }

    /// Names of invoices that live claims link to keys that were loaded, and that were not loaded themselves.
    package func missingLinks(of keys: Set<Key>) -> Set<Key> {
        var missing: Set<Key> = []
        for occupancy in occupancies.values {
            for holding in occupancy.holdings where !holding.item.isEmpty {
                for key in holding.linkedKeys where !keys.contains(key) { missing.insert(key) }
            }
        }
        return missing
    }
}

// MARK: - What cases ask

extension Ledger {
    /// When a claim was filed, as far as is known: by its city's clock, but not before the registry received what the
    /// city knew of by then, nor after the registry received the claim; milliseconds since 1970.
    func filingTime(of entry: JournalEntry) -> Int64 {
        min(max(entry.writtenAt, receipts[entry.feedPosition] ?? .min), entry.receivedAt)
    }
}

// MARK: - What payments ask

extension Ledger {
    /// What the policy that a claim was decided under says of its payment.
    func terms(of record: ClaimRecord) -> PaymentTerms {
        let own = SeededBug.termsOfToday.isActive ? nil : terms[record.policyVersion]
        return own ?? policy?.payments ?? PaymentTerms()
    }

    /// Every case that names the claim, in the order in which they were opened.
    func cases(naming claim: ClaimName) -> [ConflictCase] {
        (casesByClaim[claim] ?? []).compactMap { cases[$0] }.sorted { $0.position < $1.position }
    }
}

extension Ledger {
    /// Takes over what an earlier entry's outcome changed, as far as `needs` asks for it.
    package mutating func catchUp(with outcome: Outcome, of entry: JournalEntry, for needs: Needs) {
        guard case .claimFiled = entry.content, let claim = outcome.claim, !needs.touchedClaims.contains(claim) else {
            return apply(outcome, of: entry)
        }
        receipts[entry.position] = entry.decidedFrom
        for holding in outcome.taken where needs.keys.contains(holding.key) { insert(holding) }
        for conflict in outcome.cases { count(conflict) }
        leaveImprint(outcome)
        guard needs.claims.contains(claim), let filing = outcome.filing else { return }
        insert(ClaimRecord(filing, outcome), for: claim)
    }
}

// MARK: - What detectors are left

extension Ledger {
    private mutating func leaveImprint(_ outcome: Outcome) {
        if let filing = outcome.filing {
            if filing.isLive {
                insert(filing)
                liveClaims[filing.position] = LiveClaim(filedAt: filing.filedAt, state: filing.state)
            }
            for trace in outcome.imprint.traces { insert(filing, under: trace) }
            count(outcome.imprint.price, 1)
        }
    }

    private mutating func lift(_ imprint: Imprint, ofClaimAt position: Int64) {
        for trace in imprint.traces {
            traces[trace]?.removeAll { $0 == position }
            if traces[trace]?.isEmpty ?? false { traces[trace] = nil }
        }
        count(imprint.price, -1)
    }

    private mutating func count(_ price: PricePoint?, _ claims: Int64) {
        guard let price else { return }
        prices[price.resourceClass, default: PriceHistogram()].add(price.priceClass, claims)
        if prices[price.resourceClass]?.count == 0 { prices[price.resourceClass] = nil }
    }
}
