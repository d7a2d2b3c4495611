package import VoucherDomain

/// The journal folded twice, side by side: under the policies that were published, and as if another one had been in
/// force from the first of them on.
///
/// Says which filings would have been decided otherwise. A withdrawal frees its keys on both sides, so that each claim
/// is judged against what would have stood there.
package struct PolicyPreview: Sendable {
    private var standing = Fold()
    private var proposed: Fold
    private let policy: Policy
    /// Filings that both folds decided.
    package private(set) var compared = 0
    package private(set) var changes: [Change] = []

    /// A filing that the two folds decide differently.
    package struct Change: Hashable, Sendable {
        package let claim: ClaimName
        package let claimed: Money
        package let before: Outcome.Decision
        package let after: Outcome.Decision
        /// The rules that block or hold it under the decision that is stricter, in the policy's order.
        package let rules: [String]
    }

    package init(_ policy: Policy) {
        self.policy = policy
        proposed = Fold()
    }

    /// Takes the next entry of the journal.
    package mutating func apply(_ entry: JournalEntry) {
        let before = standing.apply(entry)
        guard case .claimFiled(let claim) = entry.content else {
            if case .policyPublished = entry.content {
                // Whatever was published, from the first time on the proposed policy is in force.
                if proposed.ledger.policy == nil { proposed = Fold(ledger: Ledger(policy: policy)) }
            } else {
                _ = proposed.apply(entry)
            }
            return
        }
        let after = proposed.apply(entry)
        guard let name = before.claim, before.decision != .invalid, after.decision != .invalid else { return }
        compared += 1
        guard before.decision != after.decision else { return }
        let stricter = PolicyPreview.severity(after.decision) > PolicyPreview.severity(before.decision) ? after : before
        changes.append(
            Change(
                claim: name, claimed: claim.claimed, before: before.decision, after: after.decision,
                rules: stricter.reasons.filter { $0.outcome != .flag }.map(\.rule).removingRepeats))
    }

    private static func severity(_ decision: Outcome.Decision) -> Int {
        switch decision {
        case .refused: 2
        case .held: 1
        default: 0
        }
    }
}
