import VoucherDomain

/// What a branch of the feed leaves behind that was given up: two registries decided at a time, and one of both stands.
///
/// Authorisations on any branch are honoured. What such a branch has released may be paid: its keys are bound to it, whoever
/// holds them here. Where that is another authorised claim, nobody can tell which of both is right: both are frozen until a
/// ruling.
extension Fold {
    /// A payment that was released on such a branch.
    ///
    /// - Parameter filing: The entry that filed its claim.
    func decideFound(
        _ reference: PaymentReference, _ filing: JournalEntry?, by entry: JournalEntry, _ guarded: Set<Key>
    ) -> Outcome {
        guard let filing, case .claimFiled(let claim) = filing.content else {
            return invalid("the claim that it pays is not there")
        }
        let name = ClaimName(city: filing.city, number: claim.number)
        guard let record = ledger.claims[name] else {
            return invalid("no claim with that number was filed", claim: name)
        }
        let known = ledger.payments[record.position]
        if known?.authorization?.reference == reference { return unchanged(name) }
        if let known, known.stage.isBound { return freezing(known, besides: reference, by: entry) }
        var payment = Payment(
            claim: name, position: record.position, requestedAt: known?.requestedAt ?? entry.position, stage: .released)
        payment.generation = known?.generation ?? 0
        payment.authorization = Payment.Authorization(
            position: entry.position, reference: reference, amount: record.claimed,
            witnesses: ledger.terms(of: record).witnessCities)
        let again = record.isLive ? nil : filed(claim, by: filing, as: record, name)
        let holdings = again?.holdings ?? ledger.holdings(ofClaimAt: record.position)
        let contests = holdings.map { Contest(holding: $0, others: others(beside: $0)) }.filter { !$0.others.isEmpty }
        let bound = contests.flatMap(\.others).filter { ledger.payments[$0.position]?.stage.isBound ?? false }
        var outcome = Outcome(decision: .noted, claim: name, policyVersion: policyVersion)
        let reasons = Fold.reasons(contests, guarded.intersection(holdings.map(\.key)))
        if !reasons.isEmpty {
            let (conflict, event) = openCase(
                on: name, reasons, at: entry.position, receivedAt: entry.receivedAt)
            outcome.cases = [conflict]
            outcome.events = [event]
            if !bound.isEmpty { payment.frozenBy.insert(conflict.id) }
            outcome.effects = freezing(Set(bound.map(\.position)), by: conflict.id)
        }
        let contested = Set(contests.map(\.holding.key)).union(guarded)
        let effect = Outcome.Effect(
            name: name, position: record.position, state: .authorized, payment: payment,
            authorized: authorizedKeys(holdings).map { key in
                // What the second guard would refuse stands all the same. A claim that was refused is in no sum.
                contested.contains(key.key) || again != nil ? key.unguarded(contested.contains(key.key)) : key
            }, taken: again?.holdings ?? [], filing: again?.filing)
        outcome.effects.insert(effect, at: 0)
        return outcome
    }

    /// A claim that is out under another reference: one of both may be paid, or both.
    private func freezing(
        _ payment: Payment, besides reference: PaymentReference, by entry: JournalEntry
    ) -> Outcome {
        let problem = "a history that was given up has released it under another reference, \(reference.text)"
        let reason = Reason(rule: Fold.branchRule, outcome: .hold, finding: .payment(problem))
        let isTold = ledger.cases(naming: payment.claim).contains {
            $0.rules == [Fold.branchRule] && $0.parties.count == 1
        }
        if isTold { return unchanged(payment.claim) }
        let (conflict, event) = openCase(
            on: payment.claim, [reason], at: entry.position, receivedAt: entry.receivedAt)
        return Outcome(
            decision: .noted, claim: payment.claim, policyVersion: policyVersion,
            effects: freezing([payment.position], by: conflict.id), cases: [conflict], events: [event])
    }

    private func freezing(_ positions: Set<Int64>, by caseID: String) -> [Outcome.Effect] {
        positions.sorted().compactMap { position in
            guard var payment = ledger.payments[position] else { return nil }
            payment.frozenBy.insert(caseID)
            return Fold.effect(on: payment)
        }
    }

    /// A payment that is out stands otherwise from now on, and its claim as before.
    private static func effect(on payment: Payment) -> Outcome.Effect {
        Outcome.Effect(
            name: payment.claim, position: payment.position, state: payment.stage == .paid ? .paid : .authorized,
            payment: payment)
    }

    /// A claim that holds nothing, as it would if it were filed now.
    private func filed(
        _ claim: Claim, by entry: JournalEntry, as record: Ledger.ClaimRecord, _ name: ClaimName
    ) -> (holdings: [Holding], filing: Filing)? {
        guard let policy = ledger.policy else { return nil }
        let (_, holdings, seen) = derivation(of: claim, name, filedBy: entry, at: record.position, policy)
        var filing = seen
        filing.state = .authorized
        return (holdings, filing)
    }

    /// A key of a claim, and the holdings of others under it beside which that one may not stand.
    private struct Contest {
        let holding: Holding
        let others: [Holding]
    }

    /// Each claim once, in the order of their positions.
    private func others(beside holding: Holding) -> [Holding] {
        guard let kind = holding.key.kind, ledger.policy?.guards(kind) ?? false else { return [] }
        var seen: Set<Int64> = [holding.position]
        return (ledger.occupancies[holding.key]?.holdings ?? []).filter { other in
            guard !other.mayJoin(holding), seen.insert(other.position).inserted else { return false }
            return holding.meets(other)
        }
    }

    /// Why a case is opened: what was found, then each key that others hold, or that the database refuses.
    private static func reasons(_ contests: [Contest], _ guarded: Set<Key>) -> [Reason] {
        var reasons: [Reason] = contests.map(\.holding.key).removingRepeats.compactMap { key in
            let others = contests.filter { $0.holding.key == key }.flatMap(\.others)
            return key.kind.map { kind in
                Reason(
                    rule: branchRule, outcome: .hold, finding: .held(kind), inTheWay: names(of: others), key: key)
            }
        }
        reasons += guardReasons(guarded)
        guard !reasons.isEmpty else { return [] }
        let found = Reason(
            rule: branchRule, outcome: .hold, finding: .payment("a history that was given up has released it"),
            inTheWay: Fold.names(of: contests.flatMap(\.others)))
        return [found] + reasons
    }

    private static func names(of holdings: [Holding]) -> [ClaimName] {
        holdings.sorted { $0.position < $1.position }.map(\.claim).removingRepeats
    }

    // MARK: Kept tails

    /// A tail of such a branch came when the registry was open: what it had otherwise is for people to look at.
    func decideTail(_ names: [ClaimName], by entry: JournalEntry) -> Outcome {
        let known = names.removingRepeats.filter { ledger.claims[$0] != nil }
        guard let first = known.first else { return Outcome(decision: .noted, policyVersion: policyVersion) }
        let isTold = ledger.cases(naming: first).contains { conflict in
            conflict.rules == [Fold.branchRule] && known.allSatisfy(conflict.names)
        }
        if isTold { return Outcome(decision: .unchanged, policyVersion: policyVersion) }
        let reason = Reason(
            rule: Fold.branchRule, outcome: .hold,
            finding: .payment("a history that was given up had decided otherwise"),
            inTheWay: Array(known.dropFirst()))
        let idle = Set(known.filter { !(ledger.claims[$0]?.isLive ?? false) })
        let (conflict, event) = openCase(
            on: first, [reason], idle: idle, at: entry.position, receivedAt: entry.receivedAt)
        return Outcome(decision: .noted, policyVersion: policyVersion, cases: [conflict], events: [event])
    }

    // MARK: Thawing

    /// Payments that a case freezes no more: it is closed, and nobody's money is out whom its ruling went against.
    ///
    /// - Parameter outcome: Not yet taken over into the ledger.
    func thawing(after outcome: Outcome) -> [Outcome.Effect] {
        var ids = Set(outcome.cases.map(\.id))
        // As the outcome leaves them, less what is thawed here.
        var payments: [Int64: Payment] = [:]
        for payment in outcome.effects.compactMap(\.payment) {
            payments[payment.position] = payment
            if !payment.stage.isBound { ids.formUnion(payment.barredBy) }
        }
        var thawed: Set<Int64> = []
        let changed = Dictionary(outcome.cases.map { ($0.id, $0) }) { _, later in later }
        let cases = ids.compactMap { changed[$0] ?? ledger.cases[$0] }
            .filter { $0.isClosed && $0.rules.contains(Fold.branchRule) }
        for conflict in cases.sorted(by: { $0.position < $1.position }) {
            let parties = conflict.parties.compactMap { ledger.claims[$0.claim]?.position }
            let isOut = parties.compactMap { payments[$0] ?? ledger.payments[$0] }
                .contains { $0.stage.isBound && $0.barredBy.contains(conflict.id) }
            guard !isOut else { continue }
            // A case names no more claims than a reason does, and may freeze more.
            let frozen = Set(ledger.payments.frozen(by: conflict.id).map(\.position)).union(payments.keys)
            for position in frozen {
                guard var payment = payments[position] ?? ledger.payments[position], payment.stage.isBound,
                    payment.frozenBy.remove(conflict.id) != nil
                else { continue }
                payments[position] = payment
                thawed.insert(position)
            }
        }
        return thawed.sorted().compactMap { payments[$0].map(Fold.effect(on:)) }
    }
}

extension AuthorizedKey {
    /// The same key as one that is in no sum, and where others hold it, one that the database lets stand beside them.
    fileprivate func unguarded(_ isContested: Bool) -> AuthorizedKey {
        AuthorizedKey(
            key: key, holder: holder, isGuarded: isGuarded && !isContested, companions: companions, amount: 0,
            capacity: 0, interval: interval)
    }
}
