import VoucherDomain

/// Every detector, by the id of its rule.
enum DetectorCatalogue {
    private static let detectors: [String: any Detector.Type] = [
        "invoice-alias": InvoiceAlias.self,
        "split-contracts": SplitContracts.self,
        "related-parties": RelatedParties.self,
        "shared-workload": SharedWorkload.self,
        "moved-company": MovedCompany.self,
        "typo-variant": TypoVariant.self,
        "wrong-name": WrongName.self,
        "forum-shopping": ForumShopping.self,
        "cross-programme": CrossProgramme.self,
        "price-outlier": PriceOutlier.self,
        "unlisted-provider": UnlistedProvider.self,
    ]

    static func detector(_ id: String) -> (any Detector.Type)? { detectors[id] }

    static var ids: [String] { detectors.keys.sorted() }
}

extension Policy {
    /// Where claims are to be looked for before this one is decided.
    package func lookups(of filing: Filing, _ register: Register) -> Set<Trace> {
        var found: Set<Trace> = []
        for (rule, detector) in detectorRules { found.formUnion(detector.lookups(of: filing, rule, register)) }
        return found
    }

    var detectorRules: [(Rule, any Detector.Type)] {
        rules.compactMap { rule in
            guard rule.primitive == .detector, let detector = DetectorCatalogue.detector(rule.id) else { return nil }
            return (rule, detector)
        }
    }
}
