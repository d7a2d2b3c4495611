import SeededBugs
import VoucherDomain

/// The rule book at work: state = fold(journal).
///
/// Entries are taken in one total order, each exactly once. The result depends on nothing but the entries and
/// the ledger before them: no clock, no randomness, no hash-table order, no I/O. A claim takes all of its keys
/// or none; `block` beats `hold`; a held claim takes its keys and its room under caps; a refused one takes
/// nothing.
package struct Fold: Equatable, Sendable {
    package private(set) var ledger: Ledger

    package init(ledger: Ledger = Ledger()) { self.ledger = ledger }

    /// Decides one entry and takes the decision over into the ledger.
    ///
    /// - Parameter guarded: Keys that the database knows to be held although the ledger does not: never in a sound
    ///   registry. A claim that would take one is held, so that nothing is paid before people have looked.
    package mutating func apply(_ entry: JournalEntry, guarded: Set<Key> = []) -> Outcome {
        ledger.bringIntoForce { $0.fromPosition.map { $0 <= entry.position } ?? false }
        var outcome = decide(entry, guarded)
        let thawed = thawing(after: outcome)
        outcome.effects += thawed
        outcome.markTold()
        ledger.apply(outcome, of: entry)
        return outcome
    }

    var policyVersion: UInt32 { ledger.policy?.version ?? 0 }
    var terms: CaseTerms { ledger.policy?.cases ?? CaseTerms() }

    private func decide(_ entry: JournalEntry, _ guarded: Set<Key>) -> Outcome {
        switch entry.content {
        case .claimFiled(let claim): decide(claim, filedBy: entry, guarded)
        case .claimWithdrawn(let number): decideWithdrawal(of: ClaimName(city: entry.city, number: number))
        case .voucherIssued(let voucher): decide(voucher, issuedBy: entry)
        case .policyPublished(let policy): decide(policy)
        case .caseAnswered(let answer): decide(answer, by: entry)
        case .caseRuled(let ruling): decide(ruling, by: entry)
        case .caseReopened(let id, let reason, let name): decideReopening(of: id, because: reason, by: name, entry)
        case .ticked(let tick): decide(tick, at: entry.position, guarded)
        case .payment(let act): decide(act, by: entry, guarded)
        case .invoiceReversed(let letter): decide(letter, by: entry)
        case .claimReviewed(let name): decideReview(of: name, entry)
        case .paymentFound(let reference, let filing): decideFound(reference, filing, by: entry, guarded)
        case .tailKept(let names): decideTail(names, by: entry)
        case .companiesListed, .providersListed, .membership, .act:
            Outcome(decision: .noted, policyVersion: policyVersion)
        case .unsupported: Outcome(decision: .unsupported, policyVersion: policyVersion)
        case .faulty(let fault): invalid(fault)
        }
    }

    func invalid(_ fault: String, claim: ClaimName? = nil) -> Outcome {
        let reason = Reason(rule: Fold.entryRule, outcome: .block, finding: .faultyEntry(fault))
        return Outcome(decision: .invalid, reasons: [reason], claim: claim, policyVersion: policyVersion)
    }

    private func decide(_ policy: Policy) -> Outcome {
        let newest = ledger.scheduled.map(\.version).max().map { max($0, policyVersion) } ?? policyVersion
        guard policy.version > newest else {
            return invalid("policy version \(policy.version) is not above \(newest)")
        }
        let isAhead = ledger.policy != nil && policy.effective != nil
        return Outcome(decision: .noted, policyVersion: isAhead ? policyVersion : policy.version)
    }

    private func decide(_ voucher: Voucher, issuedBy entry: JournalEntry) -> Outcome {
        let known = ledger.vouchers[.voucher(city: entry.city, number: voucher.number)]
        guard let known, !SeededBug.voucherAmended.isActive else {
            return Outcome(decision: .noted, policyVersion: policyVersion)
        }
        if known.facts == VoucherFacts(voucher) { return Outcome(decision: .unchanged, policyVersion: policyVersion) }
        let reason = Reason(rule: Fold.voucherRule, outcome: .block, finding: .voucherReused)
        return Outcome(decision: .refused, reasons: [reason], policyVersion: policyVersion)
    }

    private func decideWithdrawal(of name: ClaimName) -> Outcome {
        guard let record = ledger.claims[name] else {
            return invalid("no claim with that number was filed", claim: name)
        }
        let isFreed = record.state.isBound && SeededBug.paidClaimWithdrawn.isActive
        switch isFreed ? .reserved : record.state {
        case .authorized, .paid: return Outcome(decision: .tooLate, claim: name, policyVersion: policyVersion)
        case .reserved, .held:
            let settled = settling([name])
            return Outcome(
                decision: .withdrawn, claim: name, policyVersion: policyVersion,
                effects: [release(record, name, as: .withdrawn)] + settled.effects, cases: settled.cases,
                events: settled.events)
        case .refused, .withdrawn, .invalid, .noted, .unchanged, .unsupported, .pending, .reversed, .tooLate:
            return Outcome(decision: .unchanged, claim: name, policyVersion: policyVersion)
        }
    }

    private func decide(_ claim: Claim, filedBy entry: JournalEntry, _ guarded: Set<Key>) -> Outcome {
        let name = ClaimName(city: entry.city, number: claim.number)
        guard let policy = ledger.policy else { return invalid("no policy has been published", claim: name) }
        guard ledger.claims[name] == nil || SeededBug.numberDecidedAgain.isActive else {
            return invalid("claim number \(claim.number) is already used", claim: name)
        }
        let (voucher, candidates, seen) = derivation(of: claim, name, filedBy: entry, at: entry.position, policy)
        var filing = seen
        let evaluation = Evaluation(
            ledger: ledger, claim: claim, voucher: voucher, candidates: candidates,
            views: ledger.views(of: filing))
        let reasons =
            policy.rules.flatMap { evaluation.reasons(under: $0, policy: policy) }
            + Fold.guardReasons(guarded, candidates)
        filing.state =
            reasons.contains { $0.outcome == .block }
            ? .refused : reasons.contains { $0.outcome == .hold } ? .held : .reserved
        var outcome = Outcome(
            decision: filing.state, reasons: reasons, holdings: candidates, claim: name,
            policyVersion: policy.version,
            imprint: Imprint(
                traces: evaluation.traces(decided: filing.state, reasons), price: PricePoint(of: filing)),
            filing: filing)
        if filing.state == .held {
            let conflict = opening(
                name, reasons, idle: evaluation.idle, at: entry.position,
                deadline: policy.cases.deadline(receivedAt: entry.receivedAt))
            var event = CaseEvent(.opened, conflict)
            event.reasons = reasons.filter { $0.outcome == .hold }
            outcome.cases = [conflict]
            outcome.events = [event]
        } else if filing.state == .refused,
            let (conflict, event) = automaticCase(on: filing, reasons, evaluation, policy)
        {
            outcome.cases = [conflict]
            outcome.events = [event]
        }
        return outcome
    }

    /// A claim at a position, by a policy: its voucher, what it would take, and the claim as detectors see it, `noted`.
    func derivation(
        of claim: Claim, _ name: ClaimName, filedBy entry: JournalEntry, at position: Int64, _ policy: Policy
    ) -> (voucher: VoucherFacts?, holdings: [Holding], filing: Filing) {
        let voucher = ledger.vouchers[.voucher(city: name.city, number: claim.voucherNumber)]?.facts
        let holdings = KeyDerivation(
            policy: policy, claim: claim, name: name, keys: entry.keys, claimID: entry.id, position: position,
            voucher: voucher
        ).holdings()
        let filing = Filing(
            position: position, name: name, id: entry.id, claim: claim, programme: voucher?.programme ?? "",
            receivedAt: entry.receivedAt, filedAt: ledger.filingTime(of: entry), state: .noted)
        return (voucher, holdings, filing)
    }

    private static func guardReasons(_ guarded: Set<Key>, _ candidates: [Holding]) -> [Reason] {
        SeededBug.guardIgnored.isActive ? [] : guardReasons(guarded.intersection(candidates.map(\.key)))
    }

    /// Why people look at a claim for which the database refuses these keys.
    static func guardReasons(_ refused: Set<Key>) -> [Reason] {
        refused.sorted().compactMap { key in
            key.kind.map { Reason(rule: guardRule, outcome: .hold, finding: .held($0), key: key) }
        }
    }

    /// What makes an entry invalid, under no policy.
    private static let entryRule = "entry"

    /// What holds a claim whose key the database refused, under no policy.
    package static let guardRule = "second-guard"

    /// Under what a payment is refused, under no policy.
    static let paymentRule = "payment"

    /// What a case is opened by over a branch of the feed that was given up, under no policy.
    package static let branchRule = "given-up-branch"

    /// Names that no rule of a policy may have.
    static let reservedRuleIDs = [entryRule, guardRule, paymentRule, branchRule]

    /// The rule that vouchers themselves are judged by.
    static let voucherRule = "voucher-balance"
}
