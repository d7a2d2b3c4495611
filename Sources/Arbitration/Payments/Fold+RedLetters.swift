import VoucherDomain

/// Invoices that are reversed after they were claimed (pattern D16).
extension Fold {
    /// A city is believed of invoices that it has a live claim on, itself or later. A red letter may leave claims on its invoice without cover. What was approved is to be clawed back, in proportion to
    /// the claims' shares; what is not paid yet is held by a case.
    func decide(_ letter: RedLetter, by entry: JournalEntry) -> Outcome {
        let known = ledger.redLetters(of: letter.invoice)
        let claims = claims(on: letter.invoice)
        let believed = Set(claims.map(\.name.city))
        if let told = known.letters[letter.number.primary.canonical] {
            let isSettled = !told.cities.isDisjoint(with: believed) || !believed.contains(entry.city)
            if told.amount != letter.amount, isSettled {
                return invalid("red-letter invoice \(letter.number.text) was told with another amount before")
            }
            if told.amount == letter.amount, isSettled || told.cities.contains(entry.city) {
                return Outcome(decision: .unchanged, policyVersion: policyVersion)
            }
        }
        var after = known
        after.take(letter.number.primary.canonical, letter.amount, by: entry.city)
        var outcome = Outcome(decision: .noted, policyVersion: policyVersion)
        guard let rule = ledger.policy?.reversedInvoiceRule else { return outcome }
        let reversed = after.total(believing: believed)
        let before = uncovered(claims, reversed: known.total(believing: believed))
        let uncovered = uncovered(claims, reversed: reversed)
        guard uncovered > before else { return outcome }
        let shares = claims.map(\.share)
        let parts = zip(shares.apportioning(Money(rawValue: uncovered)), shares.apportioning(Money(rawValue: before)))
        for (claim, (sum, told)) in zip(claims, parts) where claim.record.state.isBound && sum > told {
            outcome.effects.append(clawingBack(Money(rawValue: sum.rawValue - told.rawValue), from: claim))
        }
        let unpaid = claims.filter { !$0.record.state.isBound }.map(\.name)
        guard let first = unpaid.first, rule.outcome == .hold else { return outcome }
        let finding = Reason.Finding.invoiceReversed(
            reversed: Money(rawValue: reversed), uncovered: Money(rawValue: uncovered))
        let reason = Reason(
            rule: rule.id, outcome: .hold, finding: finding,
            blocking: Array(unpaid.dropFirst().prefix(Reason.mostNamed)))
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

    /// What of the claims' shares the rest of the invoice does not cover, in fen.
    private func uncovered(_ claims: [InvoicedClaim], reversed: Int64) -> Int64 {
        let shares = claims.reduce(Int64(0)) { $0 + $1.share.rawValue }
        let rest = max(0, (claims.map(\.amount.rawValue).max() ?? 0) - reversed)
        return max(0, shares - rest)
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
