import VoucherDomain

/// D22: a price in yuan per card-hour above what 99 of 100 peers paid for the same resource class.
///
/// Looks at the claim's invoices over its card hours. Silent until enough peers are known, and never more than a flag by
/// default: one in a hundred is above it by definition.
enum PriceOutlier: Detector {
    static func matches(_ view: DetectorView) -> [DetectorMatch] {
        guard let price = price(view.filing.claim), view.prices.count >= view.parameters.leastPeers ?? 1_000,
            let limit = view.prices.percentile(view.parameters.percentile ?? 99),
            PriceHistogram.priceClass(price) > limit
        else { return [] }
        return [
            DetectorMatch(
                detection: .priceOutlier, evidence: [.init(.invoiceAmount, .differs), .init(.cardHours, .differs)])
        ]
    }

    /// Fen per card-hour, or `nil` where the claim does not say what was bought.
    static func price(_ claim: Claim) -> Int64? {
        guard let hours = claim.cardHours, hours > 0, !claim.resourceClass.isEmpty,
            let total = claim.invoices.map(\.amount).total
        else { return nil }
        return total.rawValue / hours
    }

    static func fault(_ parameters: Rule.Parameters) -> String? {
        guard (50...100).contains(parameters.percentile ?? 99) else { return "percentile is 50 to 100" }
        return (parameters.leastPeers ?? 1_000) > 0 ? nil : "least_peers is above zero"
    }
}

/// How many claims paid a price of each class, for one resource class. Classes are about 3 % wide.
package struct PriceHistogram: Equatable, Sendable {
    /// Claims by price class.
    package private(set) var claims: [Int64: Int64] = [:]
    package private(set) var count: Int64 = 0

    package init(_ claims: [Int64: Int64] = [:]) {
        self.claims = claims
        count = claims.values.reduce(0, +)
    }

    mutating func add(_ priceClass: Int64, _ number: Int64 = 1) {
        let sum = claims[priceClass, default: 0] + number
        claims[priceClass] = sum == 0 ? nil : sum
        count += number
    }

    /// The class below or in which that many of a hundred claims lie.
    func percentile(_ percent: Int64) -> Int64? {
        var below: Int64 = 0
        for (priceClass, number) in claims.sorted(by: { $0.key < $1.key }) {
            below += number
            if below * 100 >= count * percent { return priceClass }
        }
        return nil
    }

    static func priceClass(_ price: Int64) -> Int64 {
        guard price >= 32 else { return max(0, price) }
        let shift = Int64(63 - price.leadingZeroBitCount - 5)
        return (shift + 1) << 5 | (price >> shift) & 31
    }
}
