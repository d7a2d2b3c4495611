import Arbitration
import VoucherDomain

extension Checker {
    /// I9: after healing all nodes have the registry's feed, and in their key index what the registry's ledger has; and,
    /// under the small policy, every decision is what a small reference fold comes to by itself.
    package static let nodesAgree = Checker("I9") { history in
        guard let end = history.end else { return [] }
        var faults: [String] = []
        for node in end.nodes {
            if node.feedPosition != end.registryFeedPosition || node.feedHash != end.registryFeedHash {
                faults.append("\(node.id) has feed \(node.feedPosition), the registry \(end.registryFeedPosition)")
            }
            if node.indexDigest != end.registryIndexDigest {
                faults.append("\(node.id) has another key index than the registry's ledger")
            }
        }
        guard !end.hasNationalPolicy else { return faults }
        var reference = ReferenceFold()
        return faults + history.decisions.compactMap { reference.check($0) }
    }
}

/// The small policy in a few lines: who was first holds the invoice and the contract, vouchers are not overdrawn, and who
/// names another claim's bank receipt is held.
private struct ReferenceFold {
    private var claims: [ClaimName: (fact: ClaimFact, state: Outcome.Decision)] = [:]
    private var vouchers: [String: VoucherFact] = [:]

    /// - Returns: What is wrong with the decision, if anything is.
    mutating func check(_ decision: DecisionFact) -> String? {
        let expected = expect(decision)
        for (name, state) in decision.effects { claims[name]?.state = state }
        if case .filed(let claim) = decision.saying, decision.decision != .invalid {
            claims[claim.name] = (claim, decision.decision)
        }
        guard let expected, expected != decision.decision else { return nil }
        return "position \(decision.position) is decided \(decision.decision), the reference says \(expected)"
    }

    private mutating func expect(_ decision: DecisionFact) -> Outcome.Decision? {
        switch decision.saying {
        case .issued(let voucher):
            let number = "\(voucher.city)/\(voucher.number)"
            guard let known = vouchers[number] else {
                vouchers[number] = voucher
                return .noted
            }
            return known == voucher ? .unchanged : .refused
        case .filed(let claim): return expect(claim)
        case .withdrew(let name):
            switch claims[name]?.state {
            case nil: return .invalid
            case .reserved, .held: return .withdrawn
            case .authorized, .paid: return .tooLate
            default: return .unchanged
            }
        case .ruled, .ticked, .member, .published, .other: return nil
        }
    }

    private func expect(_ claim: ClaimFact) -> Outcome.Decision {
        guard claims[claim.name] == nil else { return .invalid }
        let voucher = vouchers["\(claim.name.city)/\(claim.voucher)"]
        guard let voucher, voucher.enterprise == claim.enterprise else { return .refused }
        let live = claims.values.filter { $0.state.holdsKeys }.map(\.fact)
        if live.contains(where: { $0.invoices.contains { claim.invoices.contains($0) } }) { return .refused }
        let isElsewhere = live.contains { $0.contract == claim.contract && $0.name.city != claim.name.city }
        if isElsewhere { return .refused }
        let drawn = live.filter { $0.name.city == claim.name.city && $0.voucher == claim.voucher }
        if drawn.reduce(claim.claimed, { $0 + $1.claimed }) > voucher.faceValue { return .refused }
        return !claim.receipt.isEmpty && live.contains { $0.receipt == claim.receipt } ? .held : .reserved
    }
}
