import Arbitration

extension Checker {
    /// I1: an invoice has at most one live claim, or claims of one co-funding group; a contract has claims of one city; and
    /// the claims on a voucher stay within its face value.
    package static let oneHolder = Checker("I1") { history in
        var book = HolderBook()
        return history.decisions.flatMap { book.take($0) }
    }

    /// I19: each claim that a refusal names as blocking really held an invoice, contract or voucher of the refused one.
    package static let blockersHold = Checker("I19") { history in
        var book = HolderBook()
        return history.decisions.flatMap { decision -> [String] in
            defer { _ = book.take(decision) }
            guard decision.decision == .refused, case .filed(let claim) = decision.saying else { return [] }
            let rules = Set(decision.blockers.map(\.rule)).sorted()
            return rules.flatMap { rule in
                decision.blockers.filter { $0.rule == rule && !book.blocks($0, claim) }.map {
                    "position \(decision.position): \($0.claim) is named under \(rule), and holds nothing of \(claim.name)"
                }
            }
        }
    }
}

/// Who holds what, by the claims' own words.
struct HolderBook {
    private var live: [ClaimName: ClaimFact] = [:]
    private var faceValues: [String: Int64] = [:]

    /// Takes over a decision.
    ///
    /// - Returns: What is wrong with the keys that the claim now holds.
    mutating func take(_ decision: DecisionFact) -> [String] {
        for (name, state) in decision.effects where !state.holdsKeys { live[name] = nil }
        switch decision.saying {
        case .issued(let voucher):
            if decision.decision == .noted { faceValues["\(voucher.city)/\(voucher.number)"] = voucher.faceValue }
            return []
        case .filed(let claim):
            guard decision.decision.holdsKeys else { return [] }
            let faults = decision.decision == .reserved ? conflicts(of: claim, at: decision.position) : []
            live[claim.name] = claim
            return faults
        case .withdrew, .ruled, .ticked, .member, .published, .other: return []
        }
    }

    private func conflicts(of claim: ClaimFact, at position: UInt64) -> [String] {
        var faults: [String] = []
        let rivals = live.values.filter {
            $0.name != claim.name && !areGroup(claim, $0) && (shareInvoice(claim, $0) || shareContract(claim, $0))
        }
        for other in rivals.sorted(by: { $0.name < $1.name }) {
            if shareInvoice(claim, other) {
                faults.append("position \(position): \(claim.name) and \(other.name) hold one invoice")
            }
            if shareContract(claim, other) {
                faults.append("position \(position): \(claim.name) and \(other.name) hold one contract")
            }
        }
        let voucher = "\(claim.name.city)/\(claim.voucher)"
        let drawn = live.values.filter { $0.name.city == claim.name.city && $0.voucher == claim.voucher }
        let sum = drawn.reduce(claim.claimed) { $0 + $1.claimed }
        if sum > faceValues[voucher] ?? 0 { faults.append("position \(position): voucher \(voucher) is overdrawn") }
        return faults
    }

    private func shareInvoice(_ one: ClaimFact, _ other: ClaimFact) -> Bool {
        one.invoices.contains { other.invoices.contains($0) }
    }

    /// Whether claims of two cities are on one contract.
    private func shareContract(_ one: ClaimFact, _ other: ClaimFact) -> Bool {
        one.contract == other.contract && one.name.city != other.name.city
    }

    private func areGroup(_ one: ClaimFact, _ other: ClaimFact) -> Bool {
        !one.group.isEmpty && one.group == other.group
    }

    /// Whether the claim that is named stands in the way by something that can be looked up here.
    func blocks(_ blocker: DecisionFact.Blocker, _ claim: ClaimFact) -> Bool {
        guard let other = live[blocker.claim] else { return false }
        switch blocker.rule {
        case "invoice-once": return shareInvoice(claim, other)
        case "contract-one-city": return shareContract(claim, other)
        case "voucher-balance": return other.voucher == claim.voucher && other.name.city == claim.name.city
        default: return true
        }
    }
}

extension Outcome.Decision {
    /// Whether a claim that stands so holds keys.
    var holdsKeys: Bool { [.reserved, .held, .authorized, .paid].contains(self) }
}
