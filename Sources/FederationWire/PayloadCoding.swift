package import Arbitration
import Foundation
package import Replication
import SeededBugs
import SwiftProtobuf
package import VoucherDomain

/// What entries say, to and from payload bytes.
package enum PayloadCoding {
    package static func encode(_ voucher: Voucher) -> [UInt8] {
        var message = WireVoucherIssued()
        message.number = voucher.number
        message.programme = voucher.programme
        message.enterprise = voucher.enterprise.rawValue
        message.enterpriseName = voucher.enterpriseName
        message.faceValueFen = voucher.faceValue.rawValue
        if let issuedOn = voucher.issuedOn { message.issuedOn = issuedOn.rawValue }
        message.validFrom = voucher.validity.from.rawValue
        message.validUntil = voucher.validity.until.rawValue
        message.normaliser = Normaliser.version
        return message.bytes
    }

    package static func encode(_ claim: Claim) -> [UInt8] {
        var message = WireClaimFiled()
        message.number = claim.number
        if let filedAt = claim.filedAt { message.filedAtMs = filedAt.rawValue }
        message.voucherNumber = claim.voucherNumber
        message.enterprise = claim.enterprise.rawValue
        message.enterpriseName = claim.enterpriseName
        message.provider = claim.provider.rawValue
        message.providerName = claim.providerName
        message.contractText = claim.contractText
        message.contract = claim.contract.rawValue
        if let signedOn = claim.contractSignedOn { message.contractSignedOn = signedOn.rawValue }
        message.contractAmountFen = claim.contractAmount.rawValue
        message.serviceFrom = claim.service.from.rawValue
        message.serviceUntil = claim.service.until.rawValue
        message.resourceClass = claim.resourceClass
        if let cardHours = claim.cardHours { message.cardHours = cardHours }
        message.invoices = claim.invoices.map { invoice in
            var item = WireInvoice()
            item.number = invoice.number.text
            item.amountFen = invoice.amount.rawValue
            if let issuedOn = invoice.issuedOn { item.issuedOn = issuedOn.rawValue }
            return item
        }
        message.claimedFen = claim.claimed.rawValue
        message.bankReceipt = claim.bankReceipt
        message.usageProof = Data(claim.usageProof)
        message.cofundingGroup = claim.cofundingGroup
        message.normaliser = Normaliser.version
        return message.bytes
    }

    package static func encodeWithdrawal(claimNumber: String, reason: String) -> [UInt8] {
        var message = WireClaimWithdrawn()
        message.number = claimNumber
        message.reason = reason
        return message.bytes
    }

    package static func encodeNodeStart(processNonce: [UInt8], software: String) -> [UInt8] {
        var message = WireNodeStarted()
        message.processNonce = Data(processNonce)
        message.software = software
        return message.bytes
    }

    /// What an entry means to the fold. Never throws: a payload that cannot be read is an answer, too.
    ///
    /// - Parameters:
    ///   - fault: Why the entry was rejected when it was pushed, if it was.
    ///   - dialect: What the reader reads.
    package static func content(
        of entry: Entry, rejectedFor fault: String? = nil, in dialect: Dialect = .current
    ) -> JournalEntry.Content {
        if let fault { return .faulty(fault) }
        guard dialect.kinds.contains(entry.kind) || SeededBug.unknownKindIsNoted.isActive else { return .unsupported }
        do {
            switch entry.kind {
            case .voucherIssued: return .voucherIssued(try voucher(entry.payload))
            case .claimFiled: return .claimFiled(try claim(entry.payload))
            case .claimWithdrawn: return .claimWithdrawn(claimNumber: try withdrawal(entry.payload).claimNumber)
            case .policyPublished: return .policyPublished(try policy(entry.payload))
            case .companiesListed: return .companiesListed(try companies(entry.payload))
            case .providersListed: return .providersListed(try providers(entry.payload))
            case .caseAnswered: return .caseAnswered(try caseAnswer(entry.payload))
            case .caseRuled: return .caseRuled(try ruling(entry.payload))
            case .caseReopened:
                let message = try WireCaseReopened(decoding: entry.payload)
                return .caseReopened(caseID: message.caseID, reason: message.reason, by: message.by)
            case .ticked: return .ticked(try TickAct(entry.payload).tick)
            case .paymentRequested, .paymentSubmitted, .paymentConfirmed, .paymentFailed, .paymentReversed:
                return .payment(try payment(entry.payload, entry.kind))
            case .invoiceReversed: return .invoiceReversed(try redLetter(entry.payload))
            case .claimReviewed: return .claimReviewed(try reviewedClaim(entry.payload))
            case .paymentFound: return .paymentFound(try FoundPayment(entry.payload).reference, filing: nil)
            case .tailKept: return .tailKept(try KeptTail.claims(entry.payload))
            case .cityJoined, .citySuspended, .cityReinstated: return try membership(entry)
            case .nodeStarted, .cityEnrolled, .epochGranted, .registryRecovered, .entryRead: return .act
            // A kind that a dialect names and no rule is written for.
            default: return .act
            }
        } catch {
            // The text goes into the feed's hashes: a reader's own words, which a build may change, must not.
            return SeededBug.unreadableIsNoted.isActive ? .act : .faulty(unreadable)
        }
    }

    private static func membership(_ entry: Entry) throws(WireFault) -> JournalEntry.Content {
        switch entry.kind {
        case .cityJoined:
            guard let (city, _) = joined(entry.payload) else { throw WireFault("no city and key") }
            return .membership(city, .joined)
        case .citySuspended:
            return .membership(try CityCode(wire: try WireCitySuspended(decoding: entry.payload).city), .suspended)
        default:
            return .membership(try CityCode(wire: try WireCityReinstated(decoding: entry.payload).city), .reinstated)
        }
    }

    /// What the feed says of a payload that is not of the form that protocol §2.3 gives it. Never changes.
    package static let unreadable = "its payload is not of the form of protocol §2.3"

    package static func voucher(_ payload: [UInt8]) throws(WireFault) -> Voucher {
        let message = try WireVoucherIssued(decoding: payload)
        guard let enterprise = CreditCode(rawValue: message.enterprise) else {
            throw WireFault("enterprise_uscc is not canonical")
        }
        let validity = DayInterval(
            from: CalendarDate(rawValue: message.validFrom), until: CalendarDate(rawValue: message.validUntil))
        guard let validity else { throw WireFault("valid_until is not after valid_from") }
        let faceValue = Money(rawValue: message.faceValueFen)
        guard faceValue > .zero, faceValue <= .maximum else {
            throw WireFault("a face value of \(faceValue.yuan) yuan")
        }
        let voucher = Voucher(
            number: message.number, programme: message.programme, enterprise: enterprise,
            enterpriseName: message.enterpriseName, faceValue: faceValue,
            issuedOn: message.hasIssuedOn ? CalendarDate(rawValue: message.issuedOn) : nil, validity: validity)
        guard message.normaliser == Normaliser.version else {
            throw WireFault("normaliser version \(message.normaliser) is not known")
        }
        // What the form refuses, a well-behaved node never issued.
        guard VoucherForm(voucher).validated().value == voucher else {
            throw WireFault("a field that no voucher form lets through")
        }
        return voucher
    }

    package static func claim(_ payload: [UInt8]) throws(WireFault) -> Claim {
        let claim = try claimAsWritten(payload)
        if let fault = claim.fault, !SeededBug.negativeClaim.isActive { throw WireFault(fault) }
        return claim
    }

    /// A claim whose payload was accepted before: what it says is not judged once more.
    package static func claimAsWritten(_ payload: [UInt8]) throws(WireFault) -> Claim {
        let message = try WireClaimFiled(decoding: payload)
        guard message.normaliser == Normaliser.version else {
            throw WireFault("normaliser version \(message.normaliser) is not known")
        }
        guard let enterprise = CreditCode(rawValue: message.enterprise) else {
            throw WireFault("enterprise_uscc is not canonical")
        }
        guard let provider = CreditCode(rawValue: message.provider) else {
            throw WireFault("provider_uscc is not canonical")
        }
        if let fault = Claim.textFault("contract_no", message.contractText, atMost: 100) { throw WireFault(fault) }
        guard let contract = ContractNumber(message.contractText),
            contract.rawValue.utf8.elementsEqual(message.contract.utf8)
        else { throw WireFault("contract_no is not what its text normalises to") }
        let service = DayInterval(
            from: CalendarDate(rawValue: message.serviceFrom), until: CalendarDate(rawValue: message.serviceUntil))
        guard let service else { throw WireFault("service_until is not after service_from") }
        var invoices: [Claim.Invoice] = []
        for item in message.invoices { invoices.append(try invoice(item)) }
        return Claim(
            number: message.number, filedAt: message.hasFiledAtMs ? StatedTime(rawValue: message.filedAtMs) : nil,
            voucherNumber: message.voucherNumber, enterprise: enterprise, enterpriseName: message.enterpriseName,
            provider: provider, providerName: message.providerName, contract: contract,
            contractText: message.contractText,
            contractSignedOn: message.hasContractSignedOn ? CalendarDate(rawValue: message.contractSignedOn) : nil,
            contractAmount: Money(rawValue: message.contractAmountFen), service: service,
            resourceClass: message.resourceClass, cardHours: message.hasCardHours ? message.cardHours : nil,
            invoices: invoices, claimed: Money(rawValue: message.claimedFen), bankReceipt: message.bankReceipt,
            usageProof: Array(message.usageProof), cofundingGroup: message.cofundingGroup)
    }

    private static func invoice(_ item: WireInvoice) throws(WireFault) -> Claim.Invoice {
        guard let number = try? InvoiceNumber(item.number), number.text.utf8.elementsEqual(item.number.utf8) else {
            throw WireFault("an invoice number is not canonical")
        }
        return Claim.Invoice(
            number: number, amount: Money(rawValue: item.amountFen),
            issuedOn: item.hasIssuedOn ? CalendarDate(rawValue: item.issuedOn) : nil)
    }

    package static func withdrawal(_ payload: [UInt8]) throws(WireFault) -> (claimNumber: String, reason: String) {
        let message = try WireClaimWithdrawn(decoding: payload)
        if let fault = Claim.textFault("claim_no", message.number, atMost: 64) { throw WireFault(fault) }
        return (message.number, message.reason)
    }
}
