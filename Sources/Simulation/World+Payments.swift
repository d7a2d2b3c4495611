import Arbitration
import CityStore
import Replication
import VoucherDomain

/// What officers do about payments, and the bank.
extension World {
    /// Takes every payment of a node one step further: tells that an instruction goes to the bank; once the registry holds
    /// that word, calls the bank and records what it did; cancels what was stopped; and pays back, now and then.
    mutating func advancePayments(_ id: NodeID) throws {
        for payment in try self[id].store.payments(limit: World.mostPayments) {
            guard self[id].isRunning, let reference = payment.reference else { continue }
            try unlessRefused(at: id) { try $0.advance(payment, reference, at: id) }
        }
    }

    /// The most payments that an officer looks at.
    private static let mostPayments = 200

    private mutating func advance(
        _ payment: CityStore.PaymentView, _ reference: PaymentReference, at id: NodeID
    ) throws {
        let isApproved = ["authorized", "released", "submitted"].contains(payment.stage)
        if isApproved, payment.isStopped { return try cancel(payment, reference, at: id) }
        switch payment.stage {
        // Nothing is submitted offline, nor before this process was greeted.
        case "released" where self[id].session.isConnected: try take(.submit, payment, at: id)
        case "submitted" where payment.isSubmissionReceived:
            guard let answer = try callBank(payment, reference, at: id) else { return }
            // A crash here leaves what the bank has done unrecorded; the same reference is asked for again.
            if crashes(id, .after) { return }
            switch answer {
            case .paid: try confirm(payment, reference, at: id)
            case .refused: try take(.fail(.rejected, reason: "账号有误"), payment, at: id)
            }
        case "paid" where bankRandom.chance(0.2): try payBack(payment, reference, at: id)
        default: break
        }
    }

    private func take(_ step: CityStore.PaymentStep, _ payment: CityStore.PaymentView, at id: NodeID) throws {
        try self[id].store.take(step, ofClaim: payment.claimNumber, now: wallClock(id))
    }

    private static let day = CalendarDate.inChina(milliseconds: Int64(SimulatedClock.start))

    /// Records what the bank has paid.
    private func confirm(
        _ payment: CityStore.PaymentView, _ reference: PaymentReference, at id: NodeID
    ) throws {
        let record = PaymentAct.BankRecord(transaction: reference.text, amount: payment.amount, day: World.day)
        try take(.confirm(record), payment, at: id)
    }

    // MARK: The bank

    /// Gives an instruction to the bank, or asks once more what became of it.
    ///
    /// - Returns: `nil` when no answer comes in time, whatever the bank did: that is no failure.
    private mutating func callBank(
        _ payment: CityStore.PaymentView, _ reference: PaymentReference, at id: NodeID
    ) throws -> SimulatedBank.Answer? {
        let timesOut = bankStrikes(.bankTimeout, at: id)
        if timesOut, bankRandom.chance(0.5) { return nil }
        guard let instruction = try self[id].store.submission(ofClaim: payment.claimNumber) else { return nil }
        if !bank.hasDecided(instruction, under: reference), bankStrikes(.bankRefusal, at: id) {
            bank.refuse(instruction)
        }
        let answer = bank.carryOut(instruction, under: reference)
        let name = ClaimName(city: self[id].city, number: payment.claimNumber)
        trace.note(time, id, "the bank is asked for \(name): \(answer)\(timesOut ? ", and does not answer" : "")")
        switch answer {
        case .paid(isNew: true):
            note(id, .paid(name, amount: payment.amount.rawValue))
            note(.paid, at: id)
        case .paid(isNew: false): note(.bankAskedAgain, at: id)
        case .refused: break
        }
        return timesOut ? nil : answer
    }

    /// Whether a fault of the bank befalls this call.
    private mutating func bankStrikes(_ kind: FaultKind, at id: NodeID) -> Bool {
        let rate = plan.rate(kind)
        guard rate > 0, !isHealing, bankRandom.chance(rate) else { return false }
        note(kind, at: id)
        return true
    }

    /// The registry has stopped a payment: the bank is asked to cancel it. What it has paid already is recorded.
    private mutating func cancel(
        _ payment: CityStore.PaymentView, _ reference: PaymentReference, at id: NodeID
    ) throws {
        guard bank.cancel(reference) else { return try confirm(payment, reference, at: id) }
        note(.cancelledAtBank, at: id)
        try take(.fail(.cancelled, reason: "裁定停付"), payment, at: id)
    }

    /// The enterprise pays back what it got: every other time in two parts.
    private mutating func payBack(
        _ payment: CityStore.PaymentView, _ reference: PaymentReference, at id: NodeID
    ) throws {
        let left = payment.amount.rawValue - payment.refunded.rawValue
        let isFirstPart = payment.refunded == .zero && reference.rawValue[0].isMultiple(of: 2)
        let refund = PaymentAct.BankRecord(
            transaction: "back \(payment.refunded.rawValue) \(reference.text)",
            amount: Money(rawValue: isFirstPart ? left / 2 : left), day: World.day)
        try take(.reverse(refund, reason: "退款"), payment, at: id)
    }

    // MARK: The pay desk

    /// The pay desk of a city takes its payments further and asks for another one, first of all for one that the bank has
    /// refused. It is busy in runs in which the bank fails or cases keep payments.
    mutating func workAtPayDesk() throws {
        let isBusy = plan.evidence > 0 || plan.rate(.bankTimeout) > 0 || plan.rate(.bankRefusal) > 0
        guard isBusy, bankRandom.chance(0.6) else { return }
        let candidates = try writableNodes()
        guard !candidates.isEmpty else { return }
        let id = bankRandom.pick(candidates)
        try attempt(.advancePayments, at: id)
        guard try isWritable(id) else { return }
        let reserved = try self[id].store.claimStates().filter { $0.state == "reserved" }.map(\.number)
        guard !reserved.isEmpty else { return }
        let failed = try self[id].store.payments(stage: "failed", limit: World.mostPayments).map(\.claimNumber)
        let again = reserved.filter { failed.contains($0) }
        try attempt(.requestPaymentOf(bankRandom.pick(again.isEmpty ? reserved : again)), at: id)
    }

    /// Officers read the bank's statement: what it has paid, and nobody has recorded, is confirmed.
    mutating func reconcile(_ id: NodeID) throws {
        guard bank.hasPaidAnything, isSingle(id), try isWritable(id) else { return }
        for payment in try self[id].store.payments(limit: World.mostPayments) {
            guard ["released", "submitted"].contains(payment.stage), let reference = payment.reference,
                bank.hasPaid(reference)
            else { continue }
            try unlessRefused(at: id) { try $0.confirm(payment, reference, at: id) }
        }
        guard try !noteAppended(id).isEmpty else { return }
        queue.add(.session(id, process: self[id].process, .appended), at: time)
    }
}
