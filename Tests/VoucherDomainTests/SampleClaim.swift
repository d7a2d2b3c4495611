import Replication
import TestSupport
import Testing

@testable import VoucherDomain

/// One claim as its form and as the value it means, and claims made from a seed.
enum SampleClaim {
    static let proof = "b26e63d5dd87bf59eb4b099f2aa5a47af892f328c3a47651ebc63e1977d2af74"

    static let fields = [
        "claim_no": "110000-C0000040", "filed_at": "2026-06-02T18:24:46+08:00", "voucher_no": "1100-2026-000038",
        "enterprise_uscc": "91110000600037341L", "enterprise_name": "银达深智能科技有限公司",
        "provider_uscc": "9144030071526726XG", "provider_name": "舟辰天算力中心有限公司",
        "contract_no": "〔2026〕算字第37号", "contract_signed_on": "2026-01-04", "contract_amount_yuan": "986538.00",
        "service_from": "2026-01-01", "service_until": "2026-01-29", "resource_class": "h20", "card_hours": "56164",
        "invoice_numbers": "24442384382320000039;24442384382320000040=1100204130:00012345",
        "invoice_amounts_yuan": "262217.00;0.01", "invoice_dates": "2026-01-30;", "claimed_yuan": "52443.40",
        "bank_receipt_no": "b-0000 41", "usage_proof_sha256": proof, "cofunding_group": "g-7",
    ]

    /// The sample's fields with some replaced; `nil` takes a column out.
    static func form(_ changes: [String: String?] = [:]) -> ClaimForm {
        var fields = fields
        for (column, text) in changes { fields[column] = text }
        return ClaimForm(fields: fields)
    }

    static func claim() throws -> Claim {
        Claim(
            number: "110000-C0000040", filedAt: StatedTime(rawValue: 1_780_395_886_000),
            voucherNumber: "1100-2026-000038", enterprise: try code("91110000600037341L"),
            enterpriseName: "银达深智能科技有限公司", provider: try code("9144030071526726XG"),
            providerName: "舟辰天算力中心有限公司", contract: try #require(ContractNumber("2026算字37")),
            contractText: "〔2026〕算字第37号", contractSignedOn: try date("2026-01-04"),
            contractAmount: Money(rawValue: 98_653_800), service: try interval("2026-01-01", "2026-01-29"),
            resourceClass: "H20", cardHours: 56_164,
            invoices: [
                .init(
                    number: try InvoiceNumber("24442384382320000039"), amount: Money(rawValue: 26_221_700),
                    issuedOn: try date("2026-01-30")),
                .init(
                    number: try InvoiceNumber("24442384382320000040=1100204130:00012345"),
                    amount: Money(rawValue: 1), issuedOn: nil),
            ],
            claimed: Money(rawValue: 5_244_340), bankReceipt: "B000041",
            usageProof: try #require([UInt8](hexadecimal: proof)), cofundingGroup: "G-7")
    }

    /// A claim made from a seed, with every optional field sometimes missing.
    static func made(seed: UInt64) throws -> Claim {
        var random = SeededGenerator(seed: seed)
        let isSparse = random.number(in: 0...2) == 0
        let from: Int32 = random.number(in: 10_000...30_000)
        let contract = random.text(of: "0123456789ABC算-/〔〕第号", count: 20) + "1"
        let service = DayInterval(
            from: CalendarDate(rawValue: from), until: CalendarDate(rawValue: from + random.number(in: 1...400)))
        return Claim(
            number: random.text(of: "0123456789-C", count: 12),
            filedAt: isSparse ? nil : StatedTime(rawValue: random.number(in: 0...4_000_000_000_000)),
            voucherNumber: random.text(of: "0123456789", count: 16),
            enterprise: try code(SampleCodes.made(with: &random)),
            enterpriseName: isSparse ? "" : random.text(of: "银达深智能科技有限公司", count: 11),
            provider: try code(SampleCodes.made(with: &random)), providerName: isSparse ? "" : "算力中心",
            contract: try #require(ContractNumber(contract)), contractText: contract,
            contractSignedOn: isSparse ? nil : CalendarDate(rawValue: from - 1), contractAmount: amount(&random),
            service: try #require(service), resourceClass: isSparse ? "" : "H20",
            cardHours: isSparse ? nil : random.number(in: 0...1_000_000_000_000), invoices: try invoices(&random),
            claimed: amount(&random), bankReceipt: isSparse ? "" : random.text(of: "B0123456789", count: 15),
            usageProof: isSparse ? [] : (0..<32).map { _ in random.number(in: 0...255) },
            cofundingGroup: isSparse ? "" : random.text(of: "G0123456789-", count: 8) + "1")
    }

    private static func invoices(_ random: inout SeededGenerator) throws -> [Claim.Invoice] {
        try (0..<random.number(in: 1...12)).map { index in
            let (digital, code) = (random.text(of: "0123456789", count: 17), random.text(of: "0123456789", count: 10))
            let serial = String(100 + index)
            let text =
                switch random.number(in: 0...2) {
                case 0: digital + serial
                case 1: "\(code):00000\(serial)"
                default: "\(digital)\(serial)=\(code)00:00000\(serial)"
                }
            let issuedOn = random.number(in: 0...1) == 0 ? nil : CalendarDate(rawValue: random.number(in: 0...30_000))
            return Claim.Invoice(number: try InvoiceNumber(text), amount: amount(&random), issuedOn: issuedOn)
        }
    }

    private static func amount(_ random: inout SeededGenerator) -> Money {
        Money(rawValue: random.number(in: 1...Money.maximum.rawValue))
    }

    static func code(_ text: String) throws -> CreditCode { try #require(CreditCode(rawValue: text)) }
    static func date(_ text: String) throws -> CalendarDate { try #require(CalendarDate(text)) }

    static func interval(_ from: String, _ until: String) throws -> DayInterval {
        try #require(DayInterval(from: try date(from), until: try date(until)))
    }
}
