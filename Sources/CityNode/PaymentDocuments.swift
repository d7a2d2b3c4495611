import Arbitration
import CityStore
import FederationWire
import Foundation
import VoucherDomain

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
        self = try Self.read(body, form: #"{"transaction": "…", "amount_yuan": "…", "paid_on": "YYYY-MM-DD"}"#)
    }

    var record: PaymentAct.BankRecord {
        get throws {
            PaymentAct.BankRecord(
                transaction: transaction, amount: try Money(field: "amount_yuan", amount_yuan),
                day: try CalendarDate(field: "paid_on", paid_on))
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
        self = try Self.read(body, form: #"{"failure": "rejected" or "cancelled", "reason": "…"}"#)
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
        self = try Self.read(
            body, form: #"{"invoice": "…", "number": "…", "amount_yuan": "…", "issued_on": "YYYY-MM-DD"}"#)
    }

    var letter: RedLetter {
        get throws {
            let amount = try Money(field: "amount_yuan", amount_yuan)
            let day = try CalendarDate(field: "issued_on", issued_on)
            do throws(InvoiceNumber.Fault) {
                return RedLetter(
                    invoice: try InvoiceNumber(invoice), number: try InvoiceNumber(number), amount: amount,
                    issuedOn: day)
            } catch { throw WireFault(error.message) }
        }
    }
}

extension Decodable {
    /// - Throws: ``WireFault`` that shows the form which was expected.
    fileprivate static func read(_ body: [UInt8], form: String) throws -> Self {
        guard let request = try? JSONDecoder().decode(Self.self, from: Data(body)) else {
            throw WireFault("expected \(form)")
        }
        return request
    }
}

extension Money {
    fileprivate init(field: String, _ text: String) throws {
        guard let amount = Money(yuan: text) else { throw WireFault("\(field): expected yuan, two decimals") }
        self = amount
    }
}

extension CalendarDate {
    fileprivate init(field: String, _ text: String) throws {
        guard let day = CalendarDate(text) else { throw WireFault("\(field): expected YYYY-MM-DD") }
        self = day
    }
}
