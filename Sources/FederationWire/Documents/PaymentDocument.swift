package import Arbitration
package import VoucherDomain

/// The payment of a claim as JSON, within the claim's document and in lists.
package struct PaymentDocument: Codable, Sendable {
    /// `asked`, `refused`, `requested`, `authorized`, `released`, `submitted`, `paid`, `failed` or `reversed`.
    package let stage: String
    /// What the bank is given, once it is authorised.
    package let reference: String?
    package let amount_yuan: String?
    package let refunded_yuan: String
    /// To be paid back in all.
    package let clawback_yuan: String
    /// Whether it must not go on: for good where it is to be paid back, else until a case is decided.
    package let stopped: Bool
    /// Whether the registry holds the city's word that the instruction goes to the bank; `nil` at the registry.
    package let submission_received: Bool?
    /// What the registry says is wrong with what the city said last.
    package let problem: String?

    package init(
        stage: String, reference: PaymentReference?, amount: Money?, refunded: Money, clawback: Money, isStopped: Bool,
        isSubmissionReceived: Bool? = nil, problem: String? = nil
    ) {
        self.stage = stage
        self.reference = reference?.text
        self.amount_yuan = amount?.yuan
        self.refunded_yuan = refunded.yuan
        self.clawback_yuan = clawback.yuan
        self.stopped = isStopped
        self.submission_received = isSubmissionReceived
        self.problem = problem
    }

    package init(_ payment: Payment) {
        self.init(
            stage: payment.stage.name, reference: payment.authorization?.reference,
            amount: payment.authorization?.amount, refunded: payment.refunded, clawback: payment.owed,
            isStopped: payment.isBarred || payment.isFrozen)
    }
}

extension Payment.Stage {
    /// The stage's name in JSON and on screens.
    package var name: String { "\(self)" }
}

extension PaymentAct.Failure {
    package var name: String { "\(self)" }
}
