package import Arbitration
import Foundation
package import Replication
import SwiftProtobuf
package import VoucherDomain

/// What is said of payments, to and from payload bytes.
extension PayloadCoding {
    package static func encode(_ act: PaymentAct) -> [UInt8] {
        var message = WirePaymentAct()
        message.number = act.claimNumber
        message.reference = Data(act.reference?.rawValue ?? [])
        switch act.step {
        case .requested, .submitted: break
        case .confirmed(_, let bank): message.bank = bank.wire
        case .failed(_, let failure, let reason):
            message.failure = UInt32(failure.rawValue)
            message.reason = reason
        case .reversed(_, let bank, let reason):
            message.bank = bank.wire
            message.reason = reason
        }
        return message.bytes
    }

    /// - Parameter kind: One of the five kinds of payments.
    package static func payment(_ payload: [UInt8], _ kind: EntryKind) throws(WireFault) -> PaymentAct {
        let message = try WirePaymentAct(decoding: payload)
        if let fault = Claim.textFault("claim_no", message.number, atMost: 64) { throw WireFault(fault) }
        return PaymentAct(claimNumber: message.number, step: try step(message, kind))
    }

    private static func step(_ message: WirePaymentAct, _ kind: EntryKind) throws(WireFault) -> PaymentAct.Step {
        if kind == .paymentRequested { return .requested }
        guard let reference = PaymentReference(rawValue: Array(message.reference)) else {
            throw WireFault("a bank reference has \(PaymentReference.length) bytes")
        }
        switch kind {
        case .paymentSubmitted: return .submitted(reference)
        case .paymentConfirmed: return .confirmed(reference, try bank(message.bank))
        case .paymentFailed:
            guard let failure = UInt8(exactly: message.failure).flatMap(PaymentAct.Failure.init(rawValue:)) else {
                throw WireFault("a failure that is not known")
            }
            if let fault = textFault("reason", message.reason) { throw WireFault(fault) }
            return .failed(reference, failure, reason: message.reason)
        case .paymentReversed:
            if let fault = textFault("reason", message.reason) { throw WireFault(fault) }
            return .reversed(reference, try bank(message.bank), reason: message.reason)
        default: throw WireFault("kind \(kind.rawValue) is no payment's")
        }
    }

    private static func bank(_ message: WireBankRecord) throws(WireFault) -> PaymentAct.BankRecord {
        let record = PaymentAct.BankRecord(
            transaction: message.transaction, amount: Money(rawValue: message.amountFen),
            day: CalendarDate(rawValue: message.day))
        if let fault = record.fault { throw WireFault(fault) }
        return record
    }

    package static func encode(_ letter: RedLetter) -> [UInt8] {
        var message = WireInvoiceReversed()
        message.invoice = letter.invoice.text
        message.number = letter.number.text
        message.amountFen = letter.amount.rawValue
        message.issuedOn = letter.issuedOn.rawValue
        return message.bytes
    }

    package static func redLetter(_ payload: [UInt8]) throws(WireFault) -> RedLetter {
        let message = try WireInvoiceReversed(decoding: payload)
        let letter = RedLetter(
            invoice: try invoiceNumber(message.invoice), number: try invoiceNumber(message.number),
            amount: Money(rawValue: message.amountFen), issuedOn: CalendarDate(rawValue: message.issuedOn))
        if let fault = letter.fault { throw WireFault(fault) }
        return letter
    }

    private static func invoiceNumber(_ text: String) throws(WireFault) -> InvoiceNumber {
        guard let number = try? InvoiceNumber(text), number.text.utf8.elementsEqual(text.utf8) else {
            throw WireFault("an invoice number is not canonical")
        }
        return number
    }

    /// The claim that a `claim_reviewed` payload names.
    static func reviewedClaim(_ payload: [UInt8]) throws(WireFault) -> ClaimName {
        try ClaimName(try WireClaimReviewed(decoding: payload).claim)
    }
}

extension PaymentAct.BankRecord {
    fileprivate var wire: WireBankRecord {
        var message = WireBankRecord()
        message.transaction = transaction
        message.amountFen = amount.rawValue
        message.day = day.rawValue
        return message
    }

    /// What no node lets through, or `nil`.
    package var fault: String? {
        if let fault = Claim.textFault("transaction", transaction, atMost: 64) { return fault }
        guard amount > .zero, amount <= .maximum else { return "an amount of \(amount.yuan) yuan" }
        return (1900...2999).contains(day.year) ? nil : "a date outside the years 1900 to 2999"
    }
}

extension RedLetter {
    /// What no node lets through, or `nil`.
    package var fault: String? {
        guard amount > .zero, amount <= .maximum else { return "an amount of \(amount.yuan) yuan" }
        if invoice.names.contains(number.primary) { return "an invoice does not reverse itself" }
        return (1900...2999).contains(issuedOn.year) ? nil : "a date outside the years 1900 to 2999"
    }
}

extension PaymentAct.Step {
    /// The kind of the entry that says it.
    package var kind: EntryKind {
        switch self {
        case .requested: .paymentRequested
        case .submitted: .paymentSubmitted
        case .confirmed: .paymentConfirmed
        case .failed: .paymentFailed
        case .reversed: .paymentReversed
        }
    }
}

/// What a tick says before it is an entry: the time, and the seals that cities are heard by.
package struct TickAct: Hashable, Sendable {
    /// The registry's clock, in milliseconds since 1970.
    package let wallMilliseconds: Int64
    /// Monotonic time since the tick before it by the same process, in milliseconds.
    package let intervalMilliseconds: Int64
    /// One a city, in the order of the cities.
    package let seals: [SignedBytes]

    package init(wallMilliseconds: Int64, intervalMilliseconds: Int64 = 0, seals: [SignedBytes] = []) {
        self.wallMilliseconds = wallMilliseconds
        self.intervalMilliseconds = min(intervalMilliseconds, Tick.maximumInterval)
        self.seals = seals
    }

    var payload: [UInt8] {
        var message = WireTicked()
        message.wallMs = UInt64(clamping: wallMilliseconds)
        message.intervalMs = UInt32(clamping: intervalMilliseconds)
        message.reports = seals.map(\.wire)
        return message.bytes
    }

    package init(_ payload: [UInt8]) throws(WireFault) {
        let message = try WireTicked(decoding: payload)
        self.init(
            wallMilliseconds: Int64(clamping: message.wallMs), intervalMilliseconds: Int64(message.intervalMs),
            seals: message.reports.map(SignedBytes.init))
    }

    /// As the fold sees it.
    ///
    /// - Throws: ``WireFault`` when a seal cannot be read.
    package var tick: Tick {
        get throws(WireFault) {
            var reports: [CityReport] = []
            for signed in seals {
                let seal = try Seal(signed)
                // A city is heard up to now at most, whatever its clock says.
                reports.append(
                    CityReport(
                        city: seal.city,
                        watermark: min(Int64(clamping: seal.watermark.milliseconds), wallMilliseconds),
                        feedPosition: Int64(clamping: seal.feedHead.position)))
            }
            return Tick(
                wallMilliseconds: wallMilliseconds, intervalMilliseconds: intervalMilliseconds, reports: reports)
        }
    }
}

/// What a city alone reads of an effect on one of its payments, to and from the bytes that are encrypted for it.
package struct PaymentDetail: Hashable, Sendable {
    /// Authorised; zero before.
    package let amount: Money
    package let refunded: Money
    /// To be paid back in all.
    package let clawback: Money
    /// Whether it must not go on: for good where it is to be paid back, else until a case is decided.
    package let isStopped: Bool

    init(_ payment: Payment) {
        amount = payment.authorization?.amount ?? .zero
        refunded = payment.refunded
        clawback = payment.owed
        isStopped = payment.isBarred || payment.isFrozen
    }

    package init(_ bytes: [UInt8]) throws(WireFault) {
        let message = try WirePaymentDetail(decoding: bytes)
        amount = Money(rawValue: message.amountFen)
        refunded = Money(rawValue: message.refundedFen)
        clawback = Money(rawValue: message.clawbackFen)
        isStopped = message.stopped
    }

    var bytes: [UInt8] {
        var message = WirePaymentDetail()
        message.amountFen = amount.rawValue
        message.refundedFen = refunded.rawValue
        message.clawbackFen = clawback.rawValue
        message.stopped = isStopped
        return message.bytes
    }
}
