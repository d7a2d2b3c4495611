import SeededBugs
import VoucherDomain

/// What cities say of payments.
extension Fold {
    func decide(_ act: PaymentAct, by entry: JournalEntry, _ guarded: Set<Key>) -> Outcome {
        let name = ClaimName(city: entry.city, number: act.claimNumber)
        guard let record = ledger.claims[name] else {
            return invalid("no claim with that number was filed", claim: name)
        }
        let payment = ledger.payments[record.position]
        if case .requested = act.step { return decideRequest(of: name, record, payment, entry, guarded) }
        guard let payment, let authorization = payment.authorization else {
            return refusedPayment(of: name, "the claim's payment was never authorised")
        }
        guard act.reference == authorization.reference else {
            return refusedPayment(of: name, "the payment was authorised under another reference")
        }
        switch act.step {
        case .requested: return unchanged(name)
        case .submitted: return decideSubmission(payment)
        case .confirmed(_, let bank): return decideConfirmation(payment, authorization, bank)
        case .failed(_, let failure, _): return decideFailure(payment, record, failure)
        case .reversed(_, let bank, _): return decideReversal(payment, record, authorization, bank)
        }
    }

    func unchanged(_ name: ClaimName) -> Outcome {
        Outcome(decision: .unchanged, claim: name, policyVersion: policyVersion)
    }

    private func refusedPayment(of name: ClaimName, _ problem: String) -> Outcome {
        let reason = Reason(rule: Fold.paymentRule, outcome: .block, finding: .payment(problem))
        return Outcome(decision: .refused, reasons: [reason], claim: name, policyVersion: policyVersion)
    }

    private func noted(_ payment: Payment, as state: Outcome.Decision) -> Outcome {
        let effect = Outcome.Effect(name: payment.claim, position: payment.position, state: state, payment: payment)
        return Outcome(decision: .noted, claim: payment.claim, policyVersion: policyVersion, effects: [effect])
    }

    // MARK: The request

    /// A request waits until its gate opens, which may be at once. The claim is held against the rule book once more: a
    /// breach that was not there when it was filed opens a case, and the payment waits for that, too.
    private func decideRequest(
        of name: ClaimName, _ record: Ledger.ClaimRecord, _ payment: Payment?, _ entry: JournalEntry,
        _ guarded: Set<Key>
    ) -> Outcome {
        if let payment, payment.stage != .failed { return unchanged(name) }
        guard record.state == .reserved || record.state == .held else {
            return refusedPayment(of: name, "the claim is not reserved")
        }
        var request = Payment(claim: name, position: record.position, requestedAt: entry.position)
        request.generation = payment?.generation ?? 0
        var outcome = Outcome(decision: .noted, claim: name, policyVersion: policyVersion)
        if let (conflict, event) = review(name, record, entry) {
            outcome.cases = [conflict]
            outcome.events = [event]
        }
        let authorized =
            outcome.cases.isEmpty
            ? authorization(of: request, record, at: entry.position, guarded, ledger.members, ledger.clock) : .waits
        switch authorized {
        case .waits:
            outcome.effects = [
                Outcome.Effect(name: name, position: record.position, state: record.state, payment: request)
            ]
        case .given(let effect): outcome.effects = [effect]
        case .guarded(let keys):
            take(guardedPayment(request, record, keys, entry.position, entry.receivedAt), into: &outcome)
        }
        return outcome
    }

    // MARK: The bank

    private func decideSubmission(_ payment: Payment) -> Outcome {
        if payment.stage == .submitted || payment.stage == .paid { return unchanged(payment.claim) }
        if payment.isFrozen, !payment.isBarred {
            return refusedPayment(of: payment.claim, "it is frozen: a case decides first")
        }
        let isReleased = payment.stage == .released || SeededBug.unreleasedSubmitted.isActive
        guard isReleased, !payment.isBarred || SeededBug.stoppedSubmitted.isActive else {
            return refusedPayment(
                of: payment.claim,
                payment.isBarred ? "it was stopped: do not pay it, and cancel the reference" : "it is not released")
        }
        return noted(payment.at(.submitted), as: .authorized)
    }

    /// What the bank has done is recorded, even where it should not have been asked yet.
    private func decideConfirmation(
        _ payment: Payment, _ authorization: Payment.Authorization, _ bank: PaymentAct.BankRecord
    ) -> Outcome {
        guard bank.amount == authorization.amount || SeededBug.wrongAmountConfirmed.isActive else {
            return refusedPayment(
                of: payment.claim,
                "\(bank.amount.yuan) yuan were paid, \(authorization.amount.yuan) yuan were authorised")
        }
        if payment.stage == .paid || payment.stage == .reversed {
            return payment.transaction.utf8.elementsEqual(bank.transaction.utf8)
                ? unchanged(payment.claim)
                : refusedPayment(
                    of: payment.claim, "it was paid before under the bank's number \(payment.transaction)")
        }
        guard payment.stage.isAuthorized else {
            return refusedPayment(of: payment.claim, "the bank had refused it, or the reference was cancelled")
        }
        var paid = payment.at(.paid)
        paid.transaction = bank.transaction
        return noted(paid, as: .paid)
    }

    /// The authorisation ends. The claim is reserved as before, unless a ruling went against it meanwhile.
    private func decideFailure(
        _ payment: Payment, _ record: Ledger.ClaimRecord, _ failure: PaymentAct.Failure
    ) -> Outcome {
        if payment.stage == .failed { return unchanged(payment.claim) }
        guard payment.stage.isAuthorized || SeededBug.paidThenFailed.isActive else {
            return refusedPayment(of: payment.claim, "it was paid: money that comes back is a reversal")
        }
        guard payment.isBarred else { return noted(payment.at(.failed), as: .reserved) }
        return ending(payment.at(.failed), record, as: .refused)
    }

    private func decideReversal(
        _ payment: Payment, _ record: Ledger.ClaimRecord, _ authorization: Payment.Authorization,
        _ bank: PaymentAct.BankRecord
    ) -> Outcome {
        if payment.refunds.contains(where: { $0.utf8.elementsEqual(bank.transaction.utf8) }) {
            return unchanged(payment.claim)
        }
        guard payment.stage == .paid else { return refusedPayment(of: payment.claim, "it is not paid") }
        guard payment.refunds.count < Payment.maximumRefunds else {
            return refusedPayment(of: payment.claim, "it was paid back in \(Payment.maximumRefunds) parts already")
        }
        let left = authorization.amount.rawValue - payment.refunded.rawValue
        guard bank.amount.rawValue <= left else {
            return refusedPayment(
                of: payment.claim,
                "\(bank.amount.yuan) yuan came back, no more than \(Money(rawValue: left).yuan) were out")
        }
        var payment = payment
        payment.refunded = Money(rawValue: payment.refunded.rawValue + bank.amount.rawValue)
        payment.refunds.append(bank.transaction)
        guard payment.refunded == authorization.amount || SeededBug.partRefundFreesKeys.isActive else {
            return noted(payment, as: .paid)
        }
        payment.generation += 1
        return ending(payment.at(.reversed), record, as: .reversed)
    }

    /// The claim gives back its keys: the money is back, or will never go out.
    private func ending(_ payment: Payment, _ record: Ledger.ClaimRecord, as state: Outcome.Decision) -> Outcome {
        let settled = settling([payment.claim])
        let effect = Outcome.Effect(
            name: payment.claim, position: payment.position, state: state,
            released: ledger.holdings(ofClaimAt: payment.position), lifted: record.imprint, payment: payment)
        return Outcome(
            decision: .noted, claim: payment.claim, policyVersion: policyVersion, effects: [effect] + settled.effects,
            cases: settled.cases, events: settled.events)
    }

    /// A ruling against a claim that is authorised or paid: its keys stay bound, and all of it is to be paid back.
    func barring(_ record: Ledger.ClaimRecord, _ name: ClaimName, by caseID: String) -> Outcome.Effect {
        var payment = ledger.payments[record.position]
        payment?.barredBy.insert(caseID)
        payment?.frozenBy.remove(caseID)
        return Outcome.Effect(name: name, position: record.position, state: record.state, payment: payment)
    }
}
