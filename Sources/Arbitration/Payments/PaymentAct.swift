package import VoucherDomain

/// What a city says of the payment of one of its claims.
package struct PaymentAct: Hashable, Sendable {
    package enum Step: Hashable, Sendable {
        /// Asks for an authorisation.
        case requested
        /// The instruction goes to the bank; the city waits for the receipt of this entry before it does.
        case submitted(PaymentReference)
        /// The bank has paid.
        case confirmed(PaymentReference, BankRecord)
        /// The bank will never pay under this reference.
        case failed(PaymentReference, Failure, reason: String)
        /// The enterprise has paid back, in part or all.
        case reversed(PaymentReference, BankRecord, reason: String)
    }

    /// How a payment ended without money. Raw values travel and never change.
    package enum Failure: UInt8, Hashable, Sendable, CaseIterable {
        /// The bank refused it for good. A time-out is no refusal.
        case rejected = 1
        /// The bank has confirmed that the reference is cancelled.
        case cancelled = 2
    }

    /// A movement of money as the bank states it.
    package struct BankRecord: Hashable, Sendable {
        /// The bank's own number of the transaction, 1 to 64 characters.
        package let transaction: String
        package let amount: Money
        package let day: CalendarDate

        package init(transaction: String, amount: Money, day: CalendarDate) {
            self.transaction = transaction
            self.amount = amount
            self.day = day
        }
    }

    package let claimNumber: String
    package let step: Step

    package init(claimNumber: String, step: Step) {
        self.claimNumber = claimNumber
        self.step = step
    }

    /// The reference that it names; a request has none yet.
    package var reference: PaymentReference? {
        switch step {
        case .requested: nil
        case .submitted(let reference), .confirmed(let reference, _), .failed(let reference, _, _),
            .reversed(let reference, _, _):
            reference
        }
    }
}
