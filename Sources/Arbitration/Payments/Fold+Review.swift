import VoucherDomain

/// A claim held against the rule book once more, for what has become known since it was decided: another policy, a row of
/// the ownership file, the provider list, a claim that resembles it.
extension Fold {
    /// The registry's nightly pass names a claim that it would find something in.
    func decideReview(of name: ClaimName, _ entry: JournalEntry) -> Outcome {
        guard let record = ledger.claims[name] else { return invalid("no claim with that number was filed") }
        guard let (conflict, event) = review(name, record, entry) else {
            return Outcome(decision: .unchanged, policyVersion: policyVersion)
        }
        return Outcome(decision: .noted, policyVersion: policyVersion, cases: [conflict], events: [event])
    }

    /// Whether a review of a live, unpaid claim would open a case now.
    package func findsSomethingNew(in name: ClaimName) -> Bool {
        guard let record = ledger.claims[name] else { return false }
        return !newReasons(for: name, record).reasons.isEmpty
    }

    /// The case that a review opens, and what its cities are told; `nil` when nothing new is found.
    func review(
        _ name: ClaimName, _ record: Ledger.ClaimRecord, _ entry: JournalEntry
    ) -> (ConflictCase, CaseEvent)? {
        let (reasons, idle) = newReasons(for: name, record)
        guard !reasons.isEmpty else { return nil }
        return openCase(on: name, reasons, idle: idle, at: entry.position, receivedAt: entry.receivedAt)
    }

    /// What the rules in force find in a claim and no case has named before: never a refusal, whatever they say of new
    /// claims. Caps bind claims that come later only.
    ///
    /// - Returns: With the reasons, the claims looked at that hold nothing.
    private func newReasons(
        for name: ClaimName, _ record: Ledger.ClaimRecord
    ) -> (reasons: [Reason], idle: Set<ClaimName>) {
        guard record.state == .reserved || record.state == .held, let policy = ledger.policy,
            let filing = ledger.filings[record.position]
        else { return ([], []) }
        let voucher = ledger.vouchers[.voucher(city: name.city, number: filing.claim.voucherNumber)]?.facts
        let candidates = KeyDerivation(
            policy: policy, claim: filing.claim, name: name, keys: filing.claim.keys(in: name.city),
            claimID: filing.id, position: record.position, voucher: voucher
        ).holdings().map { held in
            // As it stands by now: a ruling may have put it into a group.
            ledger.occupancies[held.key]?.holdings.first { $0.position == record.position } ?? held
        }
        let evaluation = Evaluation(
            ledger: ledger, claim: filing.claim, voucher: voucher, candidates: candidates,
            views: ledger.views(of: filing))
        let cases = ledger.cases(naming: name)
        let reasons: [Reason] = policy.rules.filter { $0.primitive != .cap && $0.outcome != .flag }.flatMap { rule in
            evaluation.reasons(under: rule, policy: policy).compactMap { reason in
                isKnown(reason, of: name, in: cases) ? nil : reason.holding
            }
        }
        return (reasons, reasons.isEmpty ? [] : evaluation.idle)
    }

    /// Whether a case under that rule has named all of these claims together with this one.
    private func isKnown(_ reason: Reason, of name: ClaimName, in cases: [ConflictCase]) -> Bool {
        let under = cases.filter { $0.rules.contains(reason.rule) }
        return reason.blocking.isEmpty
            ? !under.isEmpty : reason.blocking.allSatisfy { other in under.contains { $0.names(other) } }
    }

    /// Opens a case on a claim that was decided before.
    ///
    /// - Parameters:
    ///   - idle: Claims that hold nothing, as far as the reasons name any.
    ///   - time: From when on the cities have their time to answer, in milliseconds since 1970.
    func openCase(
        on name: ClaimName, _ reasons: [Reason], idle: Set<ClaimName> = [], at position: Int64, receivedAt time: Int64
    ) -> (ConflictCase, CaseEvent) {
        let conflict = opening(
            name, reasons, idle: idle, at: position,
            deadline: terms.deadline(receivedAt: time))
        var event = CaseEvent(.opened, conflict)
        event.reasons = reasons
        return (conflict, event)
    }
}

extension Reason {
    /// The same finding, as one that holds.
    fileprivate var holding: Reason {
        Reason(rule: rule, outcome: .hold, finding: finding, blocking: blocking, unnamed: unnamed, key: key)
    }
}
