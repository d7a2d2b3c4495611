package import VoucherDomain

/// The question "would this be a duplicate?", asked before anything is filed.
///
/// It looks at the holder rules alone: who holds the invoices and the contract. Sums, dates and vouchers are
/// judged when a claim is filed.
package struct PreCheck: Hashable, Sendable {
    package let enterprise: CreditCode
    package let provider: CreditCode
    package let contract: ContractNumber
    package let invoices: [InvoiceNumber]
    /// The city that would file; without one, a contract that any city holds is a hit.
    package let city: CityCode?

    package init(
        enterprise: CreditCode, provider: CreditCode, contract: ContractNumber, invoices: [InvoiceNumber],
        city: CityCode?
    ) {
        self.enterprise = enterprise
        self.provider = provider
        self.contract = contract
        self.invoices = invoices
        self.city = city
    }

    /// The same question, by `city` where it names none.
    package func asked(by city: CityCode) -> PreCheck {
        PreCheck(
            enterprise: enterprise, provider: provider, contract: contract, invoices: invoices, city: self.city ?? city)
    }

    /// The keys that are asked about, each once, in ascending order.
    package var keys: [Key] {
        var keys = invoices.flatMap(\.names).map(Key.invoice)
        for number in Key.contractNumbers(contract) {
            keys.append(.contract(buyer: enterprise, supplier: provider, number: number))
            keys.append(.contractParties(enterprise, provider, number: number))
        }
        return keys.sortedOnce
    }

    /// Who would hold a key of a kind, as ``Holding/holder`` has it; empty matches nobody.
    package func holder(of kind: KeyKind) -> [UInt8] {
        switch kind {
        case .contract: city.map { Array($0.description.utf8) } ?? []
        case .contractParties: Array(enterprise.rawValue.utf8)
        default: []
        }
    }

    /// Every holder rule that a claim like this would break now; flags are left out.
    package func reasons(in ledger: Ledger, policy: Policy) -> [Reason] {
        let keys = keys
        return policy.rules.filter { $0.primitive == .holder && $0.outcome != .flag }.flatMap { rule in
            keys.compactMap { reason(under: rule, $0, in: ledger) }
        }
    }

    private func reason(under rule: Rule, _ key: Key, in ledger: Ledger) -> Reason? {
        guard let kind = key.kind, rule.keys.contains(kind), let occupancy = ledger.occupancies[key] else { return nil }
        let candidate = Holding(
            key: key, position: 0, claim: ClaimName(city: city ?? .registry, number: ""), holder: holder(of: kind),
            group: "")
        let blocking = occupancy.conflicts(with: candidate)
        guard !blocking.isEmpty else { return nil }
        return Reason(rule: rule.id, outcome: rule.outcome, finding: .held(kind), inTheWay: blocking, key: key)
    }

    /// The three answers to a check. Nothing UNKNOWN is ever paid.
    package enum Answer: String, Hashable, Sendable, Codable {
        case clear = "CLEAR"
        case hit = "HIT"
        case unknown = "UNKNOWN"
    }
}
