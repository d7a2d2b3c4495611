import VoucherDomain

/// What a claim leaves for detectors: it is taken back when the claim is withdrawn.
package struct Imprint: Hashable, Sendable {
    /// Under what the claim is found, in ascending order.
    package let traces: [Trace]
    /// The price that it counts as; `nil` where it states none.
    package let price: PricePoint?

    package init(traces: [Trace] = [], price: PricePoint? = nil) {
        self.traces = traces
        self.price = price
    }
}

/// A price paid for a kind of accelerator, as coarsely as ``PriceHistogram`` keeps it.
package struct PricePoint: Hashable, Sendable {
    package let resourceClass: String
    package let priceClass: Int64

    package init(resourceClass: String, priceClass: Int64) {
        self.resourceClass = resourceClass
        self.priceClass = priceClass
    }

    /// What a decided claim counts as; `nil` for one that does not count.
    init?(of filing: Filing) {
        guard filing.isLive, let price = PriceOutlier.price(filing.claim) else { return nil }
        self.init(resourceClass: filing.claim.resourceClass, priceClass: PriceHistogram.priceClass(price))
    }
}
