package import VoucherDomain

/// What the registry must know about a claim's voucher to judge it.
package struct VoucherFacts: Equatable, Sendable {
    package let enterprise: CreditCode
    package let programme: String
    package let faceValue: Money
    package let validity: DayInterval

    // By bytes: Swift's own equality of strings ignores differences of composition that SQL sees.
    package static func == (left: VoucherFacts, right: VoucherFacts) -> Bool {
        left.enterprise == right.enterprise && left.programme.utf8.elementsEqual(right.programme.utf8)
            && left.faceValue == right.faceValue && left.validity == right.validity
    }

    package init(_ voucher: Voucher) {
        self.enterprise = voucher.enterprise
        self.programme = voucher.programme
        self.faceValue = voucher.faceValue
        self.validity = voucher.validity
    }
}

extension Claim {
    /// Every key the claim stands under, each once, in ascending order.
    package func keys(in city: CityCode) -> [Key] {
        var keys: [Key] = [
            .voucher(city: city, number: voucherNumber), .enterpriseYear(enterprise, year: service.from.year),
        ]
        for invoice in invoices { keys += invoice.number.names.map(Key.invoice) }
        for number in Key.contractNumbers(contract) {
            keys.append(.contract(buyer: enterprise, supplier: provider, number: number))
            keys.append(.contractParties(enterprise, provider, number: number))
        }
        if !resourceClass.isEmpty {
            keys.append(.service(buyer: enterprise, supplier: provider, resourceClass: resourceClass))
        }
        if !bankReceipt.isEmpty { keys.append(.bankReceipt(bankReceipt)) }
        if !usageProof.isEmpty { keys.append(.usageProof(usageProof)) }
        return keys.sortedOnce
    }
}

/// Derives the holdings that a claim would take under a policy. Pure; the order is that of the keys.
struct KeyDerivation {
    let policy: Policy
    let claim: Claim
    let name: ClaimName
    /// The claim's keys, in ascending order.
    let keys: [Key]
    /// The entry's permanent id, which is the claim's.
    let claimID: [UInt8]
    let position: Int64
    /// `nil` for a voucher that the city never issued: its key is then left out.
    let voucher: VoucherFacts?

    func holdings() -> [Holding] {
        let shares = claim.invoices.map(\.amount).apportioning(claim.claimed)
        return keys.flatMap { key -> [Holding] in
            guard let kind = key.kind else { return [] }
            switch kind {
            case .invoice: return [invoiceHolding(key, shares)].compactMap { $0 }
            case .contract: return claim.invoices.map { contractHolding(key, $0) }
            case .voucher: return voucher.map { [cappedHolding(key, kind, statedCapacity: $0.faceValue)] } ?? []
            case .enterpriseYear: return [cappedHolding(key, kind, statedCapacity: .zero)]
            case .service: return [holding(key, kind, interval: claim.service)]
            case .contractParties, .bankReceipt, .usageProof: return [holding(key, kind)]
            }
        }
    }

    private func invoiceHolding(_ key: Key, _ shares: [Money]) -> Holding? {
        let index = claim.invoices.firstIndex { $0.number.names.contains { Key.invoice($0) == key } }
        guard let index else { return nil }
        let names = claim.invoices[index].number.names.map(Key.invoice)
        return holding(
            key, .invoice, item: names.count > 1 ? ItemSums.item(names) : [], amount: shares[index],
            capacity: capacity(.invoice, stated: claim.invoices[index].amount))
    }

    private func contractHolding(_ key: Key, _ invoice: Claim.Invoice) -> Holding {
        holding(
            key, .contract, item: ItemSums.item(invoice.number.names.map(Key.invoice)), amount: invoice.amount,
            capacity: capacity(.contract, stated: claim.contractAmount))
    }

    private func cappedHolding(_ key: Key, _ kind: KeyKind, statedCapacity: Money) -> Holding {
        holding(key, kind, amount: claim.claimed, capacity: capacity(kind, stated: statedCapacity))
    }

    private func holding(
        _ key: Key, _ kind: KeyKind, item: [UInt8] = [], amount: Money = .zero, capacity: Money? = nil,
        interval: DayInterval? = nil
    ) -> Holding {
        Holding(
            key: key, position: position, claim: name, holder: holder(kind), group: claim.cofundingGroup, item: item,
            amount: capacity == nil ? 0 : amount.rawValue, capacity: capacity?.rawValue ?? 0, interval: interval)
    }

    private func capacity(_ kind: KeyKind, stated: Money) -> Money? {
        guard let rule = policy.cap(of: kind) else { return nil }
        let whole = rule.capacity == .fixed ? Money(rawValue: rule.capacityFen ?? 0) : stated
        return whole.scaled(by: rule.permille ?? 1_000, over: 1_000)
    }

    private func holder(_ kind: KeyKind) -> [UInt8] {
        switch policy.holder(of: kind) {
        case .claim: return claimID
        case .city: return Array(name.city.description.utf8)
        case .buyer: return Array(claim.enterprise.rawValue.utf8)
        case .contract:
            return Key.contract(
                buyer: claim.enterprise, supplier: claim.provider,
                number: claim.contract.withoutLeadingZeros ?? claim.contract.rawValue
            ).bytes
        }
    }
}
