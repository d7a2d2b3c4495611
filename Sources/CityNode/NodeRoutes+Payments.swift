import Arbitration
import CityStore
import FederationHTTP
import FederationWire
import Foundation
import Hummingbird
import VoucherDomain

/// Payments over the local API: ask, submit, and say what the bank has done.
extension NodeRoutes {
    func addPayments(to group: RouterGroup<NodeContext>) {
        group.get("payments") { request, _ in try await reading(request) { try listPayments(request) } }
        group.post("claims/{claim_no}/payment-request") { request, context in
            try await take(try Self.number(context), request) { _ in .request }
        }
        group.post("claims/{claim_no}/payment-submission") { request, context in
            try await submit(try Self.number(context), request)
        }
        group.post("claims/{claim_no}/payment-confirmation") { request, context in
            try await take(try Self.number(context), request) { .confirm(try BankRequest($0).record) }
        }
        group.post("claims/{claim_no}/payment-failure") { request, context in
            try await take(try Self.number(context), request) { try FailureRequest($0).step }
        }
        group.post("claims/{claim_no}/payment-reversal") { request, context in
            try await take(try Self.number(context), request) { body in
                let request = try BankRequest(body)
                return .reverse(try request.record, reason: request.reason ?? "")
            }
        }
        group.get("red-letters") { request, _ in try await reading(request) { try listRedLetters(request) } }
        group.post("red-letters") { request, _ in
            try await writing(request) { body in
                try store.record(try RedLetterRequest(body).letter, now: WallClock.now)
                return try JSONBody.response(["state": "recorded"], status: .created)
            }
        }
    }

    private func take(
        _ number: String, _ request: Request, _ step: ([UInt8]) throws -> CityStore.PaymentStep
    ) async throws -> Response {
        try await writing(request) { body in
            try store.take(try step(body), ofClaim: number, now: WallClock.now)
            return try JSONBody.response(try document(number))
        }
    }

    /// Says that the instruction goes to the bank, and answers only when the registry holds that word: before, the bank
    /// must not be called.
    private func submit(_ number: String, _ request: Request) async throws -> Response {
        guard status.current.isConnected else {
            throw Problem(
                .serviceUnavailable, "offline",
                "nothing is submitted offline: start city-node serve, and wait until it is connected to the registry",
                retryAfter: 15)
        }
        _ = try await take(number, request) { _ in .submit }
        for _ in 0..<1_000 {
            guard let payment = try store.payment(ofClaim: number) else { break }
            if payment.isStopped || payment.problem != nil {
                throw Problem(
                    .conflict, "stopped",
                    "do not call the bank: \(payment.problem ?? "the payment of claim \(number) is stopped")")
            }
            if payment.isSubmissionReceived {
                return try JSONBody.response(try document(number))
            }
            try await Task.sleep(for: .milliseconds(20))
        }
        throw Problem(
            .serviceUnavailable, "not-received",
            "the registry has not received it yet: do not call the bank, and ask again", retryAfter: 5)
    }

    private func listRedLetters(_ request: Request) throws -> Response {
        let page = try PageQuery(request)
        let views = try store.redLetters(after: page.after, limit: page.limit)
        let next = page.next(after: views, by: \.id)
        return try JSONBody.response(ListDocument(items: views.map(RedLetterDocument.init), next: next))
    }

    static let paymentStages = ["asked", "refused"] + Payment.Stage.allCases.map(\.name)

    private func listPayments(_ request: Request) throws -> Response {
        let stage = request.text("stage")
        if let stage, !Self.paymentStages.contains(stage) {
            throw Problem(.badRequest, "query", "stage is one of \(Self.paymentStages.joined(separator: ", "))")
        }
        let page = try PageQuery(request)
        let views = try store.payments(stage: stage, after: page.after, limit: page.limit)
        let next = page.next(after: views, by: \.id)
        return try JSONBody.response(ListDocument(items: views.map(ClaimPaymentDocument.init), next: next))
    }
}

/// A payment in a list, with the claim's number.
struct ClaimPaymentDocument: Codable, Sendable {
    let claim_no: String
    let payment: PaymentDocument

    init(_ view: CityStore.PaymentView) {
        claim_no = view.claimNumber
        payment = PaymentDocument(view)
    }
}

extension PaymentDocument {
    init(_ view: CityStore.PaymentView) {
        self.init(
            stage: view.stage, reference: view.reference, amount: view.amount > .zero ? view.amount : nil,
            refunded: view.refunded, clawback: view.clawback, isStopped: view.isStopped,
            isSubmissionReceived: view.isSubmissionReceived, problem: view.problem)
    }
}

/// A red letter in a list.
struct RedLetterDocument: Codable, Sendable {
    let invoice: String
    let number: String
    let amount_yuan: String
    let issued_on: String
    /// What the registry says is wrong with it.
    let problem: String?

    init(_ view: CityStore.RedLetterView) {
        invoice = view.letter.invoice.text
        number = view.letter.number.text
        amount_yuan = view.letter.amount.yuan
        issued_on = view.letter.issuedOn.iso8601
        problem = view.problem
    }
}

/// What the bank has done, as JSON.
struct BankRequest: Codable {
    let transaction: String
    let amount_yuan: String
    let paid_on: String
    let reason: String?

    init(transaction: String, amount_yuan: String, paid_on: String, reason: String? = nil) {
        self.transaction = transaction
        self.amount_yuan = amount_yuan
        self.paid_on = paid_on
        self.reason = reason
    }

    init(_ body: [UInt8]) throws {
        guard let request = try? JSONDecoder().decode(BankRequest.self, from: Data(body)) else {
            throw WireFault(#"expected {"transaction": "…", "amount_yuan": "…", "paid_on": "YYYY-MM-DD"}"#)
        }
        self = request
    }

    var record: PaymentAct.BankRecord {
        get throws {
            guard let amount = Money(yuan: amount_yuan) else {
                throw WireFault("amount_yuan: expected yuan, two decimals")
            }
            guard let day = CalendarDate(paid_on) else { throw WireFault("paid_on: expected YYYY-MM-DD") }
            return PaymentAct.BankRecord(transaction: transaction, amount: amount, day: day)
        }
    }
}

/// How a payment ended without money, as JSON.
struct FailureRequest: Codable {
    /// `rejected` or `cancelled`.
    let failure: String
    let reason: String

    init(failure: String, reason: String) {
        self.failure = failure
        self.reason = reason
    }

    init(_ body: [UInt8]) throws {
        guard let request = try? JSONDecoder().decode(FailureRequest.self, from: Data(body)) else {
            throw WireFault(#"expected {"failure": "rejected" or "cancelled", "reason": "…"}"#)
        }
        self = request
    }

    var step: CityStore.PaymentStep {
        get throws {
            guard let failure = PaymentAct.Failure.allCases.first(where: { $0.name == failure }) else {
                throw WireFault("failure is rejected or cancelled; a time-out is neither")
            }
            return .fail(failure, reason: reason)
        }
    }
}

/// A reversal of an invoice, as JSON.
struct RedLetterRequest: Codable {
    let invoice: String
    /// Of the red-letter invoice.
    let number: String
    let amount_yuan: String
    let issued_on: String

    init(invoice: String, number: String, amount_yuan: String, issued_on: String) {
        self.invoice = invoice
        self.number = number
        self.amount_yuan = amount_yuan
        self.issued_on = issued_on
    }

    init(_ body: [UInt8]) throws {
        guard let request = try? JSONDecoder().decode(RedLetterRequest.self, from: Data(body)) else {
            throw WireFault(#"expected {"invoice": "…", "number": "…", "amount_yuan": "…", "issued_on": "YYYY-MM-DD"}"#)
        }
        self = request
    }

    var letter: RedLetter {
        get throws {
            guard let amount = Money(yuan: amount_yuan) else {
                throw WireFault("amount_yuan: expected yuan, two decimals")
            }
            guard let day = CalendarDate(issued_on) else { throw WireFault("issued_on: expected YYYY-MM-DD") }
            do throws(InvoiceNumber.Fault) {
                return RedLetter(
                    invoice: try InvoiceNumber(invoice), number: try InvoiceNumber(number), amount: amount,
                    issuedOn: day)
            } catch { throw WireFault(error.message) }
        }
    }
}
