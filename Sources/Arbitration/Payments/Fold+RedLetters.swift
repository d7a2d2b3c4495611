import VoucherDomain

/// Invoices that are reversed after they were claimed (pattern D16).
extension Fold {
    /// A city is believed of invoices that it has a live claim on, itself or later. A red letter may leave claims on
    /// its invoice without cover. What was approved is to be clawed back, in proportion to the claims' shares; what is
    /// not paid yet is held by a case.
    func decide(_ letter: RedLetter, by entry: JournalEntry) -> Outcome {
        let known = ledger.redLetters(of: letter.invoice)
        let claims = claims(on: letter.invoice)
        let believed = Set(claims.map(\.name.city))
        let isBelieved = believed.contains(entry.city)
        let number = letter.number.primary.canonical
        if let told = known.letters[number] {
            let stands = told.isApplied || !told.cities.isDisjoint(with: believed)
            if told.amount != letter.amount, stands || !isBelieved {
                return invalid("red-letter invoice \(letter.number.text) was told with another amount before")
            }
            if told.amount == letter.amount, told.isApplied || !isBelieved {
                return Outcome(decision: .unchanged, policyVersion: policyVersion)
            }
        }
        var after = known
        after.take(number, letter.amount, by: entry.city)
        var outcome = Outcome(decision: .noted, policyVersion: policyVersion)
        outcome.appliedLetters = ledger.unappliedLetters(with: letter, by: entry.city, believing: believed)
        guard let rule = ledger.policy?.reversedInvoiceRule else { return outcome }
        let reversed = after.total(believing: believed)
        let uncovered = Uncovered(claims, reversed: reversed)
        // What its own city had told before it was filed, a claim was held against by then.
        var before: [CityCode: Uncovered] = [:]
        for city in believed { before[city] = Uncovered(claims, reversed: known.total(believing: [city])) }
        var unpaid: [ClaimName] = []
        for (index, claim) in claims.enumerated() {
            guard let told = before[claim.name.city], uncovered.sum > told.sum else { continue }
            let part = uncovered.parts[index].rawValue - told.parts[index].rawValue
            if !claim.record.state.isBound {
                unpaid.append(claim.name)
            } else if part > 0 {
                outcome.effects.append(clawingBack(Money(rawValue: part), from: claim))
            }
        }
        guard let first = unpaid.first, rule.outcome == .hold else { return outcome }
        let finding = Reason.Finding.invoiceReversed(
            reversed: Money(rawValue: reversed), uncovered: Money(rawValue: uncovered.sum))
        let reason = Reason(
            rule: rule.id, outcome: .hold, finding: finding, inTheWay: Array(unpaid.dropFirst()))
        let (conflict, event) = openCase(
            on: first, [reason], at: entry.position, receivedAt: entry.receivedAt)
        outcome.cases = [conflict]
        outcome.events = [event]
        return outcome
    }

    /// A live claim on an invoice.
    private struct InvoicedClaim {
        let name: ClaimName
        let record: Ledger.ClaimRecord
        /// What of the claim falls on the invoice.
        let share: Money
        /// What the claim states for the invoice.
        let amount: Money
    }

    /// In the order of their positions.
    private func claims(on invoice: InvoiceNumber) -> [InvoicedClaim] {
        var positions: Set<Int64> = []
        let names = ledger.names(linkedTo: invoice.names.map(Key.invoice))
        for name in names { positions.formUnion(ledger.occupancies[name]?.holdings.map(\.position) ?? []) }
        return positions.sorted().compactMap { position in
            guard let filing = ledger.filings[position], let record = ledger.claims[filing.name] else { return nil }
            let claim = filing.claim
            let index = claim.invoices.firstIndex { $0.number.names.map(Key.invoice).contains(where: names.contains) }
            guard let index else { return nil }
            return InvoicedClaim(
                name: filing.name, record: record,
                share: claim.invoices.map(\.amount).apportioning(claim.claimed)[index],
                amount: claim.invoices[index].amount)
        }
    }

    /// What of the claims' shares the rest of their invoice does not cover.
    private struct Uncovered {
        /// In fen.
        let sum: Int64
        /// What of it falls on each claim, in their order.
        let parts: [Money]

        /// - Parameter reversed: What red letters took back, in fen.
        init(_ claims: [InvoicedClaim], reversed: Int64) {
            let shares = claims.map(\.share)
            let rest = max(0, (claims.map(\.amount.rawValue).max() ?? 0) - reversed)
            sum = max(0, shares.reduce(Int64(0)) { $0 + $1.rawValue } - rest)
            parts = shares.apportioning(Money(rawValue: sum))
        }
    }

    private func clawingBack(_ part: Money, from claim: InvoicedClaim) -> Outcome.Effect {
        var payment = ledger.payments[claim.record.position]
        if let standing = payment?.clawback {
            payment?.clawback = min(claim.record.claimed, standing.adding(part) ?? claim.record.claimed)
        }
        return Outcome.Effect(
            name: claim.name, position: claim.record.position, state: claim.record.state, payment: payment)
    }
}
