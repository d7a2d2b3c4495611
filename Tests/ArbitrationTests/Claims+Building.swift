import VoucherDomain

@testable import Arbitration

/// What a test wrote by hand and knows to be valid.
func valid<Value>(_ value: Value?) -> Value {
    guard let value else { preconditionFailure("a test names an invalid \(Value.self)") }
    return value
}

extension CityCode {
    static let beijing = valid(CityCode("110000"))
    static let hangzhou = valid(CityCode("330100"))
    static let shenzhen = valid(CityCode("440300"))
}

extension CreditCode {
    static let buyer = valid(CreditCode(rawValue: "91110000600037341L"))
    static let supplier = valid(CreditCode(rawValue: "9144030071526726XG"))
    static let otherBuyer = valid(CreditCode(rawValue: "91620100719023721L"))
    static let otherSupplier = valid(CreditCode(rawValue: "911522010783762860"))
}

extension Money {
    static func yuan(_ yuan: Int64, fen: Int64 = 0) -> Money { Money(rawValue: yuan * 100 + fen) }
}

extension DayInterval {
    /// `[from, until)`, both written `YYYY-MM-DD`.
    static func days(_ from: String, _ until: String) -> DayInterval {
        valid(DayInterval(from: valid(CalendarDate(from)), until: valid(CalendarDate(until))))
    }

    static let june = days("2026-06-01", "2026-07-01")
    static let july = days("2026-07-01", "2026-08-01")
}

extension Claim.Invoice {
    /// Under which of its names an invoice is stated.
    enum Naming: Hashable, CaseIterable, Sendable { case digital, paper, both }

    /// The invoice with that serial; one serial is one invoice, however it is named.
    static func serial(
        _ serial: Int, _ amount: Money = .yuan(100), _ naming: Naming = .digital, on date: String? = nil
    ) -> Claim.Invoice {
        let digits = String(serial)
        let digital = "26330" + String(repeating: "0", count: 15 - digits.utf8.count) + digits
        let paper = "033001900111:" + String(repeating: "0", count: 8 - digits.utf8.count) + digits
        let text =
            switch naming {
            case .digital: digital
            case .paper: paper
            case .both: "\(digital)=\(paper)"
            }
        let number = valid(try? InvoiceNumber(text))
        return Claim.Invoice(number: number, amount: amount, issuedOn: date.map { valid(CalendarDate($0)) })
    }
}

extension Claim {
    /// A valid claim of 10 yuan on voucher `V1` that names nothing which another claim could share by accident,
    /// apart from the two companies, the voucher and the enterprise's year.
    static func sample(
        _ number: String, voucher: String = "V1", buyer: CreditCode = .buyer, supplier: CreditCode = .supplier,
        contract: String? = nil, contractAmount: Money = .yuan(100_000_000), service: DayInterval = .june,
        resource: String = "", invoices: [Invoice], claimed: Money = .yuan(10), receipt: String = "",
        proof: [UInt8] = [], group: String = ""
    ) -> Claim {
        let contractText = contract ?? "HT-\(number)"
        return Claim(
            number: number, filedAt: nil, voucherNumber: voucher, enterprise: buyer, enterpriseName: "",
            provider: supplier, providerName: "", contract: valid(ContractNumber(contractText)),
            contractText: contractText,
            contractSignedOn: nil, contractAmount: contractAmount, service: service, resourceClass: resource,
            cardHours: nil, invoices: invoices, claimed: claimed, bankReceipt: receipt, usageProof: proof,
            cofundingGroup: group)
    }
}

extension Voucher {
    static func sample(
        _ number: String, for enterprise: CreditCode = .buyer, programme: String = "算力券",
        faceValue: Money = .yuan(20_000_000), validity: DayInterval = .days("2025-01-01", "2028-01-01")
    ) -> Voucher {
        Voucher(
            number: number, programme: programme, enterprise: enterprise, enterpriseName: "", faceValue: faceValue,
            issuedOn: nil, validity: validity)
    }
}

extension Policy {
    /// The rules of the default policy file; a test holds the two alike.
    static func sample(version: UInt32 = 1, yearCap: Money = .yuan(10_000_000)) -> Policy {
        Policy(version: version, programmes: Programme.samples, rules: Rule.samples(yearCap: yearCap))
    }
}

extension Policy.Programme {
    static let samples = ["算力券", "训力券", "模型券", "语料券"].map {
        Policy.Programme(name: $0, from: valid(CalendarDate("2025-01-01")), until: valid(CalendarDate("2028-01-01")))
    }
}

extension Rule {
    static func samples(yearCap: Money) -> [Rule] {
        [
            Rule(
                id: "invoice-once", pattern: "D01", primitive: .holder, keys: [.invoice], holder: .claim,
                outcome: .block),
            Rule(
                id: "contract-one-city", pattern: "D02", primitive: .holder, keys: [.contract], holder: .city,
                outcome: .block),
            Rule(
                id: "voucher-balance", pattern: "D04", primitive: .cap, keys: [.voucher], amount: .claimed,
                capacity: .faceValue, outcome: .block),
            Rule(
                id: "invoice-sum-within-contract", pattern: "D06", primitive: .cap, keys: [.contract],
                amount: .invoices, capacity: .contractAmount, permille: 1005, outcome: .block),
            Rule(
                id: "stack-cap", pattern: "D07", primitive: .cap, keys: [.invoice], amount: .invoiceShare,
                capacity: .invoiceAmount, permille: 1000, outcome: .block),
            Rule(
                id: "enterprise-year-cap", pattern: "D09", primitive: .cap, keys: [.enterpriseYear],
                amount: .claimed, capacity: .fixed, capacityFen: yearCap.rawValue, outcome: .block),
            Rule(
                id: "out-of-window", pattern: "D20", primitive: .window, within: [.voucher, .programme],
                outcome: .block),
            Rule(
                id: "service-overlap", pattern: "D05", primitive: .overlap, keys: [.service], holder: .contract,
                outcome: .hold),
            Rule(
                id: "evidence-once", pattern: "D17", primitive: .holder, keys: [.bankReceipt, .usageProof],
                holder: .claim, outcome: .hold),
            Rule(
                id: "both-sides", pattern: "D12", primitive: .holder, keys: [.contractParties], holder: .buyer,
                outcome: .hold),
        ]
    }
}
