/// A kind of accelerator with the prices that are usual for it.
struct ResourceClass {
    let name: String
    /// How often it is bought, in a hundred purchases.
    let share: Int
    /// Fen per card-hour.
    ///
    /// Four whole price classes of the rule `price-outlier`, each with far more than one in a hundred of the prices:
    /// the 99th percentile is then in the highest of them, and none of these prices lies above it.
    let prices: ClosedRange<Int>

    static let all = [
        ResourceClass(name: "H20", share: 60, prices: 1_408...1_535),
        ResourceClass(name: "H800", share: 12, prices: 2_816...3_071),
        ResourceClass(name: "A800", share: 10, prices: 2_048...2_303),
        ResourceClass(name: "ASCEND-910B", share: 10, prices: 1_280...1_407),
        ResourceClass(name: "MLU590", share: 8, prices: 1_024...1_151),
    ]
}
