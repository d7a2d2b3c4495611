import SeededBugs
import VoucherDomain

/// The gates that payments pass: until every city was heard or the dwell is over, and until others have the authorisation.
extension Fold {
    /// The most payments that one tick moves on; the others wait for the next.
    package static let mostPerTick = 500

    /// Time passes: cases whose cities had their time are escalated, authorisations that enough cities have are released,
    /// and payments whose gate is open are authorised.
    func decide(_ tick: Tick, at position: Int64, _ guarded: Set<Key>) -> Outcome {
        var (members, clock) = (ledger.members, ledger.clock)
        members.take(tick.reports)
        clock.tick(tick, at: position)
        var outcome = decideDeadlines(on: tick.day, clock)
        for payment in ledger.payments.authorized {
            guard outcome.effects.count < Fold.mostPerTick else { return outcome }
            guard !payment.isFrozen, let authorization = payment.authorization,
                members.have(authorization.position, in: payment.claim.city, andOthers: authorization.witnesses)
            else { continue }
            outcome.effects.append(
                Outcome.Effect(
                    name: payment.claim, position: payment.position, state: .authorized, payment: payment.at(.released))
            )
        }
        var stopped: [(Payment, Ledger.ClaimRecord, Set<Key>)] = []
        for payment in ledger.payments.waiting {
            guard outcome.effects.count < Fold.mostPerTick else { break }
            guard let record = ledger.claims[payment.claim] else { continue }
            switch authorization(of: payment, record, at: position, guarded, members, clock) {
            case .waits: break
            case .given(let effect): outcome.effects.append(effect)
            case .guarded(let keys): stopped.append((payment, record, keys))
            }
        }
        // One case at most is opened at one position; what else the guard refused meets it again at the next tick.
        if let (payment, record, keys) = stopped.first {
            take(guardedPayment(payment, record, keys, position, tick.wallMilliseconds), into: &outcome)
        }
        return outcome
    }

    /// What comes of a payment that asks for its authorisation.
    enum Gate {
        case waits
        case given(Outcome.Effect)
        /// The database refuses these keys.
        case guarded(Set<Key>)
    }

    /// Authorises the payment of a reserved claim that no open case names, once every other active city has told
    /// everything up to when the registry received the claim, or the dwell of its policy is over.
    ///
    /// The receipt is the latest that the claim's filing time can be, and no clock of its city's moves it.
    func authorization(
        of payment: Payment, _ record: Ledger.ClaimRecord, at position: Int64, _ guarded: Set<Key>,
        _ members: Members, _ clock: DwellClock
    ) -> Gate {
        guard record.state == .reserved, !payment.isBarred, let filing = ledger.filings[payment.position],
            !isDelayedByCase(payment.claim, clock) || SeededBug.openCaseIgnored.isActive
        else { return .waits }
        let terms = ledger.terms(of: record)
        guard
            members.haveReported(past: filing.receivedAt, but: payment.claim.city)
                || clock.dwell(since: payment.position) >= terms.dwellSeconds * 1_000
        else { return .waits }
        let holdings = ledger.holdings(ofClaimAt: payment.position)
        let isBound = isBoundByCase(payment.claim) || holdings.contains(where: isBoundElsewhere)
        if isBound, !SeededBug.boundElsewhereIgnored.isActive { return .waits }
        let refused = guarded.intersection(holdings.map(\.key))
        guard refused.isEmpty else { return .guarded(refused) }
        var authorized = payment.at(.authorized)
        let generation = SeededBug.referenceMadeAnew.isActive ? UInt32(clamping: position) : payment.generation
        authorized.authorization = Payment.Authorization(
            position: position,
            reference: PaymentReference(
                claimID: filing.id, keys: holdings.map(\.key).removingRepeats, generation: generation),
            amount: record.claimed, witnesses: terms.witnessCities)
        return .given(
            Outcome.Effect(
                name: payment.claim, position: payment.position, state: .authorized, payment: authorized,
                authorized: authorizedKeys(holdings)))
    }

    /// An open case delays the payments of its claims, automatic ones together by one dwell from the first of them on.
    private func isDelayedByCase(_ claim: ClaimName, _ clock: DwellClock) -> Bool {
        let cases = ledger.cases(naming: claim)
        if cases.contains(where: { !$0.isClosed && !$0.isAutomatic }) { return true }
        guard cases.contains(where: { !$0.isClosed }) else { return false }
        return cases.first(where: \.isAutomatic).map { !$0.isOver(clock) } ?? false
    }

    /// Whether a case that names the claim has stopped the payment of another one, whose money is not back yet: what
    /// the two have in common need not be a key.
    private func isBoundByCase(_ claim: ClaimName) -> Bool {
        ledger.cases(naming: claim).contains { conflict in
            conflict.parties.contains { party in
                guard party.claim != claim, let record = ledger.claims[party.claim],
                    let payment = ledger.payments[record.position]
                else { return false }
                return payment.stage.isBound && payment.barredBy.contains(conflict.id)
            }
        }
    }

    /// Whether another claim under the key, beside which this one may not stand, is authorised or paid: it was ruled out,
    /// and its money is not back yet.
    private func isBoundElsewhere(_ holding: Holding) -> Bool {
        guard let kind = holding.key.kind, ledger.policy?.guards(kind) ?? false else { return false }
        return ledger.occupancies[holding.key]?.holdings.contains { other in
            guard other.position != holding.position, other.holder != holding.holder, holding.meets(other),
                let payment = ledger.payments[other.position], payment.stage.isBound
            else { return false }
            // A group that an earlier ruling made does not outlive the one that went against its member.
            return payment.isBarred || !other.mayJoin(holding)
        } ?? false
    }

    /// What the second guard keeps of a claim's holdings: keys with one holder, and sums that are plain ones.
    func authorizedKeys(_ holdings: [Holding]) -> [AuthorizedKey] {
        var keys: [AuthorizedKey] = []
        for holding in holdings where holding.key != keys.last?.key {
            guard let kind = holding.key.kind, let policy = ledger.policy else { continue }
            let isSum = !holding.countsOnce && holding.capacity > 0
            let isGuarded = policy.guards(kind)
            guard isGuarded || isSum else { continue }
            let standing = ledger.occupancies[holding.key] ?? Occupancy()
            keys.append(
                AuthorizedKey(
                    key: holding.key, holder: holding.oneHolder, isGuarded: isGuarded,
                    companions: standing.holdings.filter { $0.position != holding.position && $0.mayJoin(holding) }
                        .map(\.position).removingRepeats,
                    amount: isSum ? holding.amount : 0,
                    // What the ledger let stand is within it: of members that left, the larger capacity is gone.
                    capacity: isSum ? max(holding.capacity, standing.standingCapacity ?? 0, standing.used) : 0,
                    interval: holding.interval))
        }
        return keys
    }

    /// The database refused a key that the ledger shows free: the payment stops, and people look at it.
    func guardedPayment(
        _ payment: Payment, _ record: Ledger.ClaimRecord, _ keys: Set<Key>, _ position: Int64, _ time: Int64
    ) -> Outcome {
        let (conflict, event) = openCase(
            on: payment.claim, Fold.guardReasons(keys), at: position, receivedAt: time)
        var payment = payment
        payment.barredBy.insert(conflict.id)
        return Outcome(
            decision: .noted, policyVersion: policyVersion,
            effects: [
                Outcome.Effect(
                    name: payment.claim, position: payment.position, state: record.state, payment: payment)
            ], cases: [conflict], events: [event])
    }

    func take(_ other: Outcome, into outcome: inout Outcome) {
        outcome.effects += other.effects
        outcome.cases += other.cases
        outcome.events += other.events
    }
}

extension Holding {
    /// The co-funding group, or who else counts as one holder; the first byte tells which.
    fileprivate var oneHolder: [UInt8] { group.isEmpty ? [0] + holder : [1] + Array(group.utf8) }
}
