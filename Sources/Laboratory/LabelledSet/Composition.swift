/// How a labelled set is made up: claims of each pattern in a thousand.
package struct Composition: Sendable {
    package var permille: [Pattern: Int]

    package init(permille: [Pattern: Int]) { self.permille = permille }

    /// 45 % clean, 25 % guards, 30 % patterns.
    package static let standard = Composition(permille: [
        .clean: 450,

        .guardCofunding: 20, .guardFrameworkContract: 110, .guardRenewalNextYear: 30, .guardNumberingRestart: 20,
        .guardEqualAmounts: 20, .guardSequence: 20, .guardSpelling: 15, .guardUnrelatedWorkload: 15,

        .invoiceOnce: 30, .contractOneCity: 25, .voucherBalance: 20, .invoiceSumWithinContract: 20, .stackCap: 10,
        .enterpriseYearCap: 15, .outOfWindow: 10, .serviceOverlap: 15, .evidenceOnce: 15, .bothSides: 10,

        .invalidCode: 2, .invalidDate: 2, .invalidMoney: 2, .invalidInvoice: 2,

        .invoiceAlias: 20, .splitContracts: 16, .relatedParties: 12, .sharedWorkload: 12, .movedCompany: 12,
        .typoVariant: 24, .wrongName: 10, .forumShopping: 8, .priceOutlier: 3, .unlistedProvider: 5,
    ])

    /// How many of that many claims belong to the pattern: one at least where the pattern occurs at all.
    func target(_ pattern: Pattern, of claims: Int) -> Int {
        let share = permille[pattern] ?? 0
        return share > 0 ? max(1, claims * share / 1_000) : 0
    }
}
