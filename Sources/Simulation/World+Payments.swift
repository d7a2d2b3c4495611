import Arbitration
import CityStore
import VoucherDomain

/// What officers do about released payments, and the bank.
extension World {
    /// Takes every payment of a node one step further: tells that an instruction goes to the bank; once the registry holds
    /// that word, calls the bank and records what it did; and pays back, now and then.
    mutating func advancePayments(_ id: NodeID) throws {
        for payment in try self[id].store.payments(after: 0, limit: 200) {
            guard self[id].isRunning, let reference = payment.reference else { continue }
            try advance(payment, reference, at: id)
        }
    }

    private mutating func advance(
        _ payment: CityStore.PaymentView, _ reference: PaymentReference, at id: NodeID
    ) throws {
        let store = self[id].store
        let day = CalendarDate.inChina(milliseconds: Int64(SimulatedClock.start))
        switch payment.stage {
        case "released" where !payment.isStopped:
            try store.take(.submit, ofClaim: payment.claimNumber, now: wallClock(id))
        case "submitted" where payment.isSubmissionReceived && !payment.isStopped:
            callBank(payment, reference, at: id)
            // A crash here leaves what the bank has done unrecorded; the same reference is asked for again.
            if crashes(id, .after) { return }
            let record = PaymentAct.BankRecord(transaction: reference.text, amount: payment.amount, day: day)
            try store.take(.confirm(record), ofClaim: payment.claimNumber, now: wallClock(id))
        case "paid" where officerRandom.chance(0.2):
            let refund = PaymentAct.BankRecord(
                transaction: "back \(reference.text)", amount: payment.amount, day: day)
            try store.take(.reverse(refund, reason: "退款"), ofClaim: payment.claimNumber, now: wallClock(id))
        default: break
        }
    }

    /// The bank pays once for each reference.
    private mutating func callBank(_ payment: CityStore.PaymentView, _ reference: PaymentReference, at id: NodeID) {
        guard paidReferences.insert(reference).inserted else { return }
        let name = ClaimName(city: self[id].city, number: payment.claimNumber)
        trace.note(time, id, "the bank pays \(name)")
        note(id, .paid(name, amount: payment.amount.rawValue))
        note(.paid, at: id)
    }
}
