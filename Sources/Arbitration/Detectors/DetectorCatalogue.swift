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
    /// Where claims are to be looked for before these are decided.
    package func lookups(of filings: [Filing], _ register: Register) -> Set<Trace> {
        let detectors = detectorRules
        var found: Set<Trace> = []
        for filing in filings {
            for appointed in detectors {
                let own = appointed.traces(of: filing, register)
                found.formUnion(appointed.lookups(of: filing, register, own: own))
            }
        }
        return found
    }

    var detectorRules: [DetectorRule] {
        rules.compactMap { rule in
            guard rule.primitive == .detector else { return nil }
            return DetectorCatalogue.detector(rule.id).map { DetectorRule(rule, $0) }
        }
    }
}
