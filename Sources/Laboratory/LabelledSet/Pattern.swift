/// What the claims of a labelled group have in common. Raw values are the names in `truth.csv`; those of duplicates are
/// the ids of the rules that must find them.
package enum Pattern: String, CaseIterable, Sendable {
    case clean

    // Guards: they resemble a duplicate and are none.
    case guardCofunding = "guard-cofunding"
    case guardFrameworkContract = "guard-framework-contract"
    case guardRenewalNextYear = "guard-renewal-next-year"
    case guardNumberingRestart = "guard-numbering-restart"
    case guardEqualAmounts = "guard-equal-amounts"
    case guardSequence = "guard-sequence"
    case guardSpelling = "guard-spelling"
    case guardUnrelatedWorkload = "guard-unrelated-workload"

    // Found by keys, exactly.
    case invoiceOnce = "invoice-once"
    case contractOneCity = "contract-one-city"
    case voucherBalance = "voucher-balance"
    case invoiceSumWithinContract = "invoice-sum-within-contract"
    case stackCap = "stack-cap"
    case enterpriseYearCap = "enterprise-year-cap"
    case outOfWindow = "out-of-window"
    case serviceOverlap = "service-overlap"
    case evidenceOnce = "evidence-once"
    case bothSides = "both-sides"

    // Rows that no node may let through.
    case invalidCode = "invalid-uscc"
    case invalidDate = "invalid-date"
    case invalidMoney = "invalid-money"
    case invalidInvoice = "invalid-invoice"

    // Found by resemblance.
    case invoiceAlias = "invoice-alias"
    case splitContracts = "split-contracts"
    case relatedParties = "related-parties"
    case sharedWorkload = "shared-workload"
    case movedCompany = "moved-company"
    case typoVariant = "typo-variant"
    case wrongName = "wrong-name"
    case forumShopping = "forum-shopping"
    case priceOutlier = "price-outlier"
    case unlistedProvider = "unlisted-provider"
}

extension Pattern {
    /// What is to come of the group's claims, whatever arrives first.
    var expectation: Expectation {
        switch self {
        case .clean, .guardCofunding, .guardFrameworkContract, .guardRenewalNextYear, .guardNumberingRestart,
            .guardEqualAmounts, .guardSequence, .guardSpelling, .guardUnrelatedWorkload:
            .clean
        case .voucherBalance, .invoiceSumWithinContract, .outOfWindow, .invalidCode, .invalidDate, .invalidMoney,
            .invalidInvoice:
            .exact
        case .invoiceOnce: .oneClaim
        case .contractOneCity: .oneCity
        case .stackCap, .enterpriseYearCap: .cap
        case .serviceOverlap, .evidenceOnce, .bothSides, .invoiceAlias, .sharedWorkload, .typoVariant: .hold
        case .splitContracts: .holdAny
        case .relatedParties, .wrongName: .holdSelf
        case .movedCompany: .flag
        case .priceOutlier, .unlistedProvider: .flagSelf
        case .forumShopping: .forum
        }
    }

    /// How many claims a group has.
    var size: ClosedRange<Int> {
        switch self {
        case .clean, .outOfWindow, .invalidCode, .invalidDate, .invalidMoney, .invalidInvoice, .relatedParties,
            .wrongName, .priceOutlier, .unlistedProvider:
            1...1
        case .guardCofunding, .guardRenewalNextYear, .serviceOverlap, .evidenceOnce, .bothSides, .invoiceAlias,
            .sharedWorkload, .movedCompany, .typoVariant, .forumShopping:
            2...2
        case .invoiceOnce, .contractOneCity, .guardSpelling, .guardEqualAmounts: 2...3
        case .guardNumberingRestart, .stackCap: 3...3
        case .guardUnrelatedWorkload: 2...4
        case .splitContracts: 3...4
        case .voucherBalance, .invoiceSumWithinContract: 4...4
        case .guardSequence: 3...5
        case .guardFrameworkContract: 3...8
        case .enterpriseYearCap: 7...7
        }
    }
}
