import VoucherDomain

/// The supplier is not on the national list of compute providers on the day on which the service begins.
///
/// Silent while no list has been published.
enum UnlistedProvider: Detector {
    static func matches(_ view: DetectorView) -> [DetectorMatch] {
        guard view.register.hasProviders else { return [] }
        let isListed = view.register.isListed(view.filing.claim.provider, on: view.filing.claim.service.from)
        return isListed ? [] : [DetectorMatch(detection: .unlistedProvider, evidence: [.init(.provider, .differs)])]
    }

    static func fault(_ parameters: Rule.Parameters) -> String? { nil }
}
