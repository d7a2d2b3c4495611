package import Arbitration
package import VoucherDomain

extension Policy {
    /// The rules of the default policy file; a test holds the two alike.
    package static func sample(version: UInt32 = 1, yearCap: Money = .yuan(10_000_000)) -> Policy {
        Policy(version: version, programmes: Programme.samples, rules: Rule.samples(yearCap: yearCap))
    }
}

extension Policy.Programme {
    package static let samples = ["算力券", "训力券", "模型券", "语料券", "国产算力补贴", "区级配套"].map {
        Policy.Programme(name: $0, from: valid(CalendarDate("2025-01-01")), until: valid(CalendarDate("2028-01-01")))
    }
}

extension Rule {
    package static func samples(yearCap: Money) -> [Rule] {
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
