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
        /// What it left for detectors, as long as it is live or was refused for cause.
        package let imprint: Imprint

        package init(position: Int64, state: Outcome.Decision, claimed: Money = .zero, imprint: Imprint = Imprint()) {
            self.position = position
            self.state = state
            self.claimed = claimed
            self.imprint = imprint
        }

        fileprivate init(_ filing: Filing, _ outcome: Outcome) {
            self.init(
                position: filing.position, state: filing.state, claimed: filing.claim.claimed,
                imprint: outcome.imprint)
        }

        var isLive: Bool { state.isLive }

        fileprivate func after(_ effect: Outcome.Effect) -> ClaimRecord {
            ClaimRecord(
                position: position, state: effect.state, claimed: claimed,
                imprint: effect.state.isLive ? imprint : Imprint())
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
    /// By id; a partial ledger has those that its batch needs.
    package private(set) var cases: [String: ConflictCase] = [:]
    /// What is known of companies beyond their claims.
    package var register = Register()
    /// Positions by trace, ascending.
    package private(set) var traces: [Trace: [Int64]] = [:]
    /// Claims that can be found by their traces, by position.
    package private(set) var filings: [Int64: Filing] = [:]
    /// Prices by resource class.
    package private(set) var prices: [String: PriceHistogram] = [:]

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

    /// - Precondition: Inserted under each trace in the order of positions.
    package mutating func insert(_ filing: Filing, under trace: Trace) {
        traces[trace, default: []].append(filing.position)
        filings[filing.position] = filing
    }

    /// Notes where a claim left a trace, without the claim.
    package mutating func insert(_ position: Int64, under trace: Trace) { traces[trace, default: []].append(position) }

    package mutating func insert(_ prices: PriceHistogram, ofResourceClass name: String) { self.prices[name] = prices }

    package mutating func insert(_ conflict: ConflictCase) { cases[conflict.id] = conflict }

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
        case .companiesListed(let companies): for company in companies { register.list(company) }
        case .providersListed(let providers): for provider in providers { register.list(provider) }
        case .voucherIssued(let voucher) where outcome.decision == .noted:
            vouchers[.voucher(city: entry.city, number: voucher.number)] = VoucherRecord(facts: VoucherFacts(voucher))
        default: break
        }
        leaveImprint(outcome)
        let taken = outcome.taken
        if !taken.isEmpty { keysByPosition[entry.position] = entry.keys }
        for holding in taken { occupancies[holding.key, default: Occupancy()].take(holding) }
        for effect in outcome.effects { apply(effect) }
        for conflict in outcome.cases { cases[conflict.id] = conflict }
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
        if effect.state.isLive {
            filings[effect.position]?.state = effect.state
        } else {
            filings[effect.position] = nil
        }
        if let record = claims[effect.name] { claims[effect.name] = record.after(effect) }
    }
}

extension Ledger {
    /// Takes over what an earlier entry's outcome changed, as far as `needs` asks for it.
    package mutating func catchUp(with outcome: Outcome, of entry: JournalEntry, for needs: Needs) {
        guard case .claimFiled = entry.content, let claim = outcome.claim, !needs.withdrawnClaims.contains(claim) else {
            return apply(outcome, of: entry)
        }
        for holding in outcome.taken where needs.keys.contains(holding.key) { insert(holding) }
        leaveImprint(outcome)
        guard needs.claims.contains(claim), let filing = outcome.filing else { return }
        insert(ClaimRecord(filing, outcome), for: claim)
    }
}

// MARK: - What detectors ask

extension Ledger {
    private mutating func leaveImprint(_ outcome: Outcome) {
        if let filing = outcome.filing {
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

    /// What each detector of the policy may look at, by the id of its rule.
    func views(of filing: Filing, _ policy: Policy) -> [String: DetectorView] {
        var views: [String: DetectorView] = [:]
        for (rule, detector) in policy.detectorRules {
            var positions: Set<Int64> = []
            for trace in detector.lookups(of: filing, rule, register) {
                positions.formUnion(traces[trace]?.suffix(Trace.mostNeighbours) ?? [])
            }
            views[rule.id] = DetectorView(
                filing: filing, rule: rule, register: register,
                neighbours: positions.sorted().compactMap { filings[$0] },
                prices: prices[filing.claim.resourceClass] ?? PriceHistogram(), detector: detector)
        }
        return views
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
        return Array((found + surroundingDifferences(from: journal)).prefix(limit))
    }

    /// Differences in what detectors look at.
    private func surroundingDifferences(from journal: Ledger) -> [String] {
        var found: [String] = []
        var strays: Set<Int64> = []
        for trace in Set(traces.keys).union(journal.traces.keys) {
            strays.formUnion(Set(traces[trace] ?? []).symmetricDifference(journal.traces[trace] ?? []))
        }
        found += strays.sorted().map { "claim at position \($0): the table has other traces than the journal" }
        for id in Set(cases.keys).union(journal.cases.keys).sorted() where cases[id] != journal.cases[id] {
            found.append("case \(id): the table does not say what the journal says")
        }
        for name in Set(prices.keys).union(journal.prices.keys).sorted() where prices[name] != journal.prices[name] {
            found.append("prices of \(name): the table does not say what the journal says")
        }
        let (own, other) = (register, journal.register)
        for code in Set(own.companies.keys).union(other.companies.keys).sorted()
        where own.companies[code] != other.companies[code] {
            found.append("company \(code): the table does not say what the journal says")
        }
        for code in Set(own.providers.keys).union(other.providers.keys).sorted()
        where own.providers[code] != other.providers[code] {
            found.append("provider \(code): the table does not say what the journal says")
        }
        return found
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
    /// Every live holding of these claims, too, and every case that names one of them, with the records of its claims.
    package private(set) var withdrawnClaims: Set<ClaimName> = []
    /// These cases, with the records and the live holdings of their claims; and every other case that names one of
    /// these claims, with the records of its claims.
    package private(set) var cases: Set<String> = []
    /// Open cases whose cities had their time before that day.
    package private(set) var dueBefore: CalendarDate?
    /// The companies of these codes, where they are listed, and those that share a bank account with them.
    package private(set) var companies: Set<CreditCode> = []
    /// The prices of these resource classes.
    package private(set) var resourceClasses: Set<String> = []
    private var filings: [Filing] = []

    /// The latest claims under these traces, ``Trace/mostNeighbours`` each.
    ///
    /// - Parameter register: With ``companies`` loaded.
    package func lookups(_ policy: Policy?, _ register: Register) -> Set<Trace> {
        guard let policy else { return [] }
        return filings.reduce(into: []) { $0.formUnion(policy.lookups(of: $1, register)) }
    }

    /// The companies of these claims and nothing else.
    package init(partiesOf claims: [Claim]) {
        companies = Set(claims.flatMap { [$0.enterprise, $0.provider] })
    }

    package init(_ entries: [JournalEntry]) {
        keys.reserveCapacity(entries.reduce(0) { $0 + $1.keys.count })
        for entry in entries {
            switch entry.content {
            case .voucherIssued(let voucher): vouchers.insert(.voucher(city: entry.city, number: voucher.number))
            case .claimFiled(let claim):
                for key in entry.keys { keys.insert(key) }
                vouchers.insert(.voucher(city: entry.city, number: claim.voucherNumber))
                let name = ClaimName(city: entry.city, number: claim.number)
                claims.insert(name)
                companies.formUnion([claim.enterprise, claim.provider])
                resourceClasses.insert(claim.resourceClass)
                filings.append(
                    Filing(
                        position: 0, name: name, claim: claim, programme: "", receivedAt: entry.receivedAt,
                        state: .noted))
            case .claimWithdrawn(let number):
                claims.insert(ClaimName(city: entry.city, number: number))
                withdrawnClaims.insert(ClaimName(city: entry.city, number: number))
            case .caseAnswered(let answer): cases.insert(answer.caseID)
            case .caseRuled(let ruling): cases.insert(ruling.caseID)
            case .caseReopened(let id, _, _): cases.insert(id)
            case .ticked(let tick): dueBefore = max(dueBefore ?? tick.day, tick.day)
            case .policyPublished, .companiesListed, .providersListed, .act, .unsupported, .faulty: break
            }
        }
    }
}
