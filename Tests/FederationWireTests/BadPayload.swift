import Arbitration
import Foundation
import Replication
import VoucherDomain

@testable import FederationWire

/// A claim's payload with one thing wrong.
struct BadClaim: Sendable, CustomStringConvertible {
    let description: String
    private let change: @Sendable (inout WireClaimFiled) -> Void

    init(_ description: String, _ change: @escaping @Sendable (inout WireClaimFiled) -> Void) {
        self.description = description
        self.change = change
    }

    var content: JournalEntry.Content {
        guard var message = try? WireClaimFiled(decoding: PayloadCoding.encode(Claim.full)) else { return .act }
        change(&message)
        return PayloadCoding.content(of: EntryDraft.of(.claimFiled, message.bytes).entry)
    }

    static let identifiers = [
        BadClaim("normaliser 0") { $0.normaliser = 0 }, BadClaim("normaliser 2") { $0.normaliser = 2 },
        BadClaim("no claim number") { $0.number = "" },
        BadClaim("a claim number of 65 characters") { $0.number = String(repeating: "A", count: 65) },
        BadClaim("a control character in the claim number") { $0.number = "A\u{7}" },
        BadClaim("no voucher number") { $0.voucherNumber = "" },
        BadClaim("a control character in the voucher number") { $0.voucherNumber = "A\u{85}" },
        BadClaim("no enterprise") { $0.enterprise = "" },
        BadClaim("a lower-case enterprise") { $0.enterprise = $0.enterprise.lowercased() },
        BadClaim("a wrong check character") { $0.enterprise = "91440300MA5EXAMP0D" },
        BadClaim("a provider with a space") { $0.provider += " " },
        BadClaim("an enterprise name of 201 characters") { $0.enterpriseName = String(repeating: "深", count: 201) },
        BadClaim("no contract") { ($0.contract, $0.contractText) = ("", "") },
        BadClaim("a contract that its text does not give") { $0.contractText = "2026-008" },
        BadClaim("a contract not in normal form") { $0.contract = $0.contractText },
        BadClaim("a resource class in lower case") { $0.resourceClass = "h20" },
        BadClaim("a resource class in full width") { $0.resourceClass = "Ｈ２０" },
        BadClaim("a bank receipt with a hyphen") { $0.bankReceipt = "BR-1" },
        BadClaim("a co-funding group in lower case") { $0.cofundingGroup = "joint" },
        BadClaim("a usage proof of 31 bytes") { $0.usageProof.removeLast() },
    ]

    static let amounts = [
        BadClaim("claimed 0") { $0.claimedFen = 0 }, BadClaim("claimed −1") { $0.claimedFen = -1 },
        BadClaim("claimed −2^63") { $0.claimedFen = .min }, BadClaim("claimed 2^63 − 1") { $0.claimedFen = .max },
        BadClaim("claimed one fen over the most") { $0.claimedFen = Money.maximum.rawValue + 1 },
        BadClaim("contract amount 0") { $0.contractAmountFen = 0 },
        BadClaim("contract amount 2^63 − 1") { $0.contractAmountFen = .max },
        BadClaim("invoice amount 0") { $0.invoices[0].amountFen = 0 },
        BadClaim("invoice amount −2^63") { $0.invoices[1].amountFen = .min },
        BadClaim("invoice amounts of 2^63 − 1") { message in
            for index in message.invoices.indices { message.invoices[index].amountFen = .max }
        },
        BadClaim("card hours −1") { $0.cardHours = -1 }, BadClaim("card hours 2^63 − 1") { $0.cardHours = .max },
    ]

    static let invoices = [
        BadClaim("no invoice") { $0.invoices = [] },
        BadClaim("201 invoices") { message in
            message.invoices = (0..<201).map { index in
                var invoice = message.invoices[0]
                invoice.number = "24117000000012345\(100 + index)"
                return invoice
            }
        },
        BadClaim("an invoice twice") { $0.invoices.append($0.invoices[0]) },
        BadClaim("an invoice twice by its other name") { message in
            var invoice = message.invoices[0]
            invoice.number = "440326113012:00054321"
            message.invoices.append(invoice)
        },
        BadClaim("an invoice with a space") { $0.invoices[0].number += " " },
        BadClaim("an invoice in full width") { $0.invoices[0].number = "２4117000000012345678" },
        BadClaim("an invoice of 19 digits") { $0.invoices[0].number.removeLast() },
        BadClaim("an invoice without a number") { $0.invoices[0].number = "" },
    ]

    static let dates = [
        BadClaim("a service that ends when it starts") { $0.serviceUntil = $0.serviceFrom },
        BadClaim("a service that ends before it starts") { $0.serviceUntil = $0.serviceFrom - 1 },
        BadClaim("a service up to the last day of all") { $0.serviceUntil = .max },
        BadClaim("a service on the last days of all") { ($0.serviceFrom, $0.serviceUntil) = (.max - 1, .max) },
        BadClaim("a service from the first day of all") { $0.serviceFrom = .min },
        BadClaim("a contract signed on the last day of all") { $0.contractSignedOn = .max },
        BadClaim("an invoice issued on the last day of all") { $0.invoices[0].issuedOn = .max },
        BadClaim("filed at the last millisecond of all") { $0.filedAtMs = .max },
        BadClaim("filed at the first millisecond of all") { $0.filedAtMs = .min },
    ]
}

/// A voucher's payload with one thing wrong.
struct BadVoucher: Sendable, CustomStringConvertible {
    let description: String
    private let change: @Sendable (inout WireVoucherIssued) -> Void

    init(_ description: String, _ change: @escaping @Sendable (inout WireVoucherIssued) -> Void) {
        self.description = description
        self.change = change
    }

    var content: JournalEntry.Content {
        guard var message = try? WireVoucherIssued(decoding: PayloadCoding.encode(Voucher.sample)) else { return .act }
        change(&message)
        return PayloadCoding.content(of: EntryDraft.of(.voucherIssued, message.bytes).entry)
    }

    static let all = [
        BadVoucher("no number") { $0.number = "" },
        BadVoucher("a number of 65 characters") { $0.number = String(repeating: "A", count: 65) },
        BadVoucher("a control character in the number") { $0.number = "A\u{7}" },
        BadVoucher("no enterprise") { $0.enterprise = "" },
        BadVoucher("a lower-case enterprise") { $0.enterprise = $0.enterprise.lowercased() },
        BadVoucher("face value 0") { $0.faceValueFen = 0 },
        BadVoucher("face value −2^63") { $0.faceValueFen = .min },
        BadVoucher("face value 2^63 − 1") { $0.faceValueFen = .max },
        BadVoucher("valid until its first day") { $0.validUntil = $0.validFrom },
        BadVoucher("valid until before its first day") { $0.validUntil = $0.validFrom - 1 },
        BadVoucher("valid up to the last day of all") { $0.validUntil = .max },
        BadVoucher("valid from the first day of all") { $0.validFrom = .min },
        BadVoucher("issued on the last day of all") { $0.issuedOn = .max },
        BadVoucher("normaliser 2") { $0.normaliser = 2 },
        BadVoucher("a programme of 201 characters") { $0.programme = String(repeating: "券", count: 201) },
        BadVoucher("an enterprise name of 201 characters") { $0.enterpriseName = String(repeating: "深", count: 201) },
    ]
}
