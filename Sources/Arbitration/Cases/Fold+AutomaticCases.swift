import VoucherDomain

/// Cases that the registry opens by itself: a claim was refused, and it was filed before the claims in its way.
///
/// Who is committed first holds the key, whatever the clocks of cities say; when a claim was filed is evidence. The case
/// can end with a ruling against the holder, and then the key is free for whoever files next: it is never given to the
/// refused claim. A city that lies about its clock gains little: a payment is delayed by one dwell at most, a city has a few
/// such cases at a time, and one that it does not contest ends by itself.
extension Fold {
    /// The case that a refused filing opens: with every unpaid claim of another city that was filed after it, provided
    /// that it would not have been refused but for these.
    ///
    /// - Parameters:
    ///   - reasons: Why it is refused.
    ///   - evaluation: What these came from.
    func automaticCase(
        on filing: Filing, _ reasons: [Reason], _ evaluation: Evaluation, _ policy: Policy
    ) -> (ConflictCase, CaseEvent)? {
        let city = filing.name.city
        guard ledger.automaticCases[city] ?? 0 < policy.cases.automaticPerCity else { return nil }
        let blocking = reasons.filter { $0.outcome == .block }
        let later = laterClaims(than: filing, among: Set(blocking.flatMap(\.blocking)), evaluation, policy.cases)
        guard !later.isEmpty else { return nil }
        var alone = evaluation
        alone.absent = Set(later.keys)
        let isRefusedAnyway = policy.rules.contains { rule in
            alone.reasons(under: rule, policy: policy).contains { $0.outcome == .block }
        }
        guard !isRefusedAnyway else { return nil }
        let conflict = ConflictCase(
            id: SpokenID.make(position: filing.position), position: filing.position,
            parties: [ConflictCase.Party(claim: filing.name, isLive: false)]
                + later.values.sorted().map { ConflictCase.Party(claim: $0, isLive: true) },
            rules: blocking.map(\.rule).removingRepeats,
            deadline: policy.cases.deadline(receivedAt: filing.receivedAt),
            automaticDwell: policy.payments.dwellSeconds)
        var event = CaseEvent(.opened, conflict)
        event.reasons = blocking.map { $0.naming(only: conflict) }
        return (conflict, event)
    }

    /// The claims among `names` that are not paid, of another city, and filed after it; by position.
    private func laterClaims(
        than filing: Filing, among names: Set<ClaimName>, _ evaluation: Evaluation, _ terms: CaseTerms
    ) -> [Int64: ClaimName] {
        var later: [Int64: ClaimName] = [:]
        for candidate in evaluation.candidates {
            for holding in ledger.occupancy(acrossNamesOf: candidate).holdings
            where holding.claim.city != filing.name.city && names.contains(holding.claim) {
                guard let live = ledger.liveClaims[holding.position], !live.state.isBound,
                    live.filedAt - filing.filedAt > terms.earlierBySeconds * 1_000
                else { continue }
                later[holding.position] = holding.claim
            }
        }
        return later
    }
}

extension ConflictCase {
    /// Whether the time that an automatic case has is over.
    func isOver(_ clock: DwellClock) -> Bool {
        automaticDwell.map { clock.dwell(since: position) >= $0 * 1_000 } ?? false
    }
}

extension Reason {
    /// The same reason; of the claims in the way those that the case names.
    fileprivate func naming(only conflict: ConflictCase) -> Reason {
        Reason(
            rule: rule, outcome: outcome, finding: finding, blocking: blocking.filter(conflict.names),
            unnamed: unnamed, key: key)
    }
}
