package import VoucherDomain

/// What a ledger must hold before a batch of entries can be folded on it.
package struct Needs: Hashable, Sendable {
    /// Every live holding under these keys.
    package private(set) var keys: Set<Key> = []
    /// These vouchers, where they exist.
    package private(set) var vouchers: Set<Key> = []
    /// These claims, where they exist.
    package private(set) var claims: Set<ClaimName> = []
    /// They may give back their keys or be paid: every live holding of these claims, too, and every case that names
    /// one of them, with the records of its claims.
    package private(set) var touchedClaims: Set<ClaimName> = []
    /// These cases, with the records and the live holdings of their claims; and every other case that names one of
    /// these claims, with the records of its claims.
    package private(set) var cases: Set<String> = []
    /// Open cases whose cities had their time before that day, and cases of which cities are still to be told, as many
    /// of each as ``ticks`` have room for beside all others that are needed; and automatic ones whose time is over by
    /// ``ticks``.
    package private(set) var dueBefore: CalendarDate?
    /// The companies of these codes, where they are listed, and those that share a bank account with them.
    package private(set) var companies: Set<CreditCode> = []
    /// The prices of these resource classes.
    package private(set) var resourceClasses: Set<String> = []
    /// Claims whose payment is acted on: themselves, their payments and those of all that stand under their keys or
    /// that a case names beside them, the first tick after each, and all that ``touchedClaims`` says.
    package private(set) var paidClaims: Set<ClaimName> = []
    /// Those of them that are to be looked at once more, with all that is needed to decide them as if they were filed now.
    package private(set) var reviewedClaims: Set<ClaimName> = []
    /// The claims whose payments these ticks may move on are ``paidClaims``, too.
    package private(set) var ticks: [Tick] = []
    /// The tick, where the batch is nothing else.
    package private(set) var loneTick: Tick?
    /// The live claims that have these keys are ``paidClaims``, too.
    package private(set) var reversedInvoices: Set<Key> = []
    /// When the registry received what it decided at these positions.
    package private(set) var feedPositions: Set<Int64> = []
    /// How many automatic cases of these cities are open.
    package private(set) var filingCities: Set<CityCode> = []
    private var filings: [Filing] = []

    /// The latest claims under these traces, ``Trace/mostNeighbours`` each beside those of ``touchedClaims`` and of the
    /// claims of ``cases``, which may go before these traces are looked up.
    ///
    /// - Parameter register: With ``companies`` loaded.
    package func lookups(_ policies: [Policy], _ register: Register) -> Set<Trace> {
        policies.reduce(into: []) { $0.formUnion($1.lookups(of: filings, register)) }
    }

    /// The names that filings of the batch give to invoices beside these ones.
    package func names(linkedTo keys: Set<Key>) -> Set<Key> {
        filings.flatMap(\.claim.invoices).reduce(into: []) { linked, invoice in
            let names = invoice.number.names.map(Key.invoice)
            if names.count > 1, names.contains(where: keys.contains) { linked.formUnion(names) }
        }
    }

    /// The keys of claims that the batch both files and acts on.
    package var keysOfPaidFilings: Set<Key> {
        filings.reduce(into: []) { keys, filing in
            if paidClaims.contains(filing.name) { keys.formUnion(filing.claim.keys(in: filing.name.city)) }
        }
    }

    /// Whether the members, the last tick and the terms of payments are needed.
    package var concernsPayments: Bool {
        !paidClaims.isEmpty || !ticks.isEmpty || !reversedInvoices.isEmpty
    }

    /// What the clock shows after the last of ``ticks``.
    package func elapsed(after clock: DwellClock) -> Int64 {
        var clock = clock
        for tick in ticks { clock.tick(tick, at: .max) }
        return clock.elapsed
    }

    /// What is needed to bind a claim's keys to its payment, whether it holds them now or not.
    private mutating func find(_ filing: JournalEntry) {
        guard case .claimFiled(let claim) = filing.content else { return }
        paidClaims.insert(ClaimName(city: filing.city, number: claim.number))
        derive(claim, filedBy: filing)
    }

    /// What is needed to derive a claim's keys, and to see it as detectors do.
    private mutating func derive(_ claim: Claim, filedBy entry: JournalEntry) {
        for key in entry.keys { keys.insert(key) }
        if entry.feedPosition > 0 { feedPositions.insert(entry.feedPosition) }
        filingCities.insert(entry.city)
        vouchers.insert(.voucher(city: entry.city, number: claim.voucherNumber))
        filings.append(
            Filing(
                position: 0, name: ClaimName(city: entry.city, number: claim.number), claim: claim, programme: "",
                receivedAt: entry.receivedAt, state: .noted))
    }

    /// Adds keys that others were found to be linked to.
    package mutating func include(_ keys: Set<Key>) { self.keys.formUnion(keys) }

    /// Adds what was found out to be paid claims.
    package mutating func act(on names: Set<ClaimName>) {
        paidClaims.formUnion(names)
        touchedClaims.formUnion(paidClaims)
        claims.formUnion(paidClaims)
    }

    /// What is needed besides once a claim that is to be looked at again is known.
    package mutating func review(_ filing: Filing) {
        keys.formUnion(filing.claim.keys(in: filing.name.city))
        vouchers.insert(.voucher(city: filing.name.city, number: filing.claim.voucherNumber))
        companies.formUnion([filing.claim.enterprise, filing.claim.provider])
        resourceClasses.insert(filing.claim.resourceClass)
        filings.append(filing)
    }

    package init() {}

    package init(_ entries: [JournalEntry]) {
        keys.reserveCapacity(entries.reduce(0) { $0 + $1.keys.count })
        for entry in entries {
            switch entry.content {
            case .voucherIssued(let voucher): vouchers.insert(.voucher(city: entry.city, number: voucher.number))
            case .claimFiled(let claim):
                derive(claim, filedBy: entry)
                claims.insert(ClaimName(city: entry.city, number: claim.number))
                companies.formUnion([claim.enterprise, claim.provider])
                resourceClasses.insert(claim.resourceClass)
            case .claimWithdrawn(let number):
                claims.insert(ClaimName(city: entry.city, number: number))
                touchedClaims.insert(ClaimName(city: entry.city, number: number))
            case .caseAnswered(let answer): cases.insert(answer.caseID)
            case .caseRuled(let ruling): cases.insert(ruling.caseID)
            case .caseReopened(let id, _, _): cases.insert(id)
            case .ticked(let tick):
                dueBefore = max(dueBefore ?? tick.day, tick.day)
                ticks.append(tick)
            case .payment(let act):
                paidClaims.insert(ClaimName(city: entry.city, number: act.claimNumber))
                if act.step == .requested {
                    reviewedClaims.insert(ClaimName(city: entry.city, number: act.claimNumber))
                }
            case .claimReviewed(let name):
                paidClaims.insert(name)
                reviewedClaims.insert(name)
            case .paymentFound(_, let filing): if let filing { find(filing) }
            case .tailKept(let names):
                claims.formUnion(names)
                touchedClaims.formUnion(names)
            case .invoiceReversed(let letter):
                reversedInvoices.formUnion(letter.invoice.names.map(Key.invoice))
                keys.formUnion(letter.invoice.names.map(Key.invoice))
            case .policyPublished, .companiesListed, .providersListed, .membership, .act, .unsupported, .faulty: break
            }
        }
        if entries.count == 1 { loneTick = ticks.first }
    }
}
