import VoucherDomain

/// D10: buyer and supplier belong together: they share a representative, controller, address, phone or bank account, or
/// one is the other's head office; or they are one company.
///
/// Rests on the ownership file that the registry imported; a company that is not in it is related to nobody.
enum RelatedParties: Detector {
    static func matches(_ view: DetectorView) -> [DetectorMatch] {
        let claim = view.filing.claim
        if claim.enterprise == claim.provider {
            return [DetectorMatch(detection: .relatedParties, evidence: [.init(.enterprise, .same)])]
        }
        let shared = view.register.relation(
            claim.enterprise, claim.provider, by: view.parameters.attributes ?? Register.Attribute.Kind.allCases)
        guard !shared.isEmpty else { return [] }
        return [DetectorMatch(detection: .relatedParties, evidence: shared.map { FieldMatch($0, .same) })]
    }

    static func fault(_ parameters: Rule.Parameters) -> String? {
        (parameters.attributes ?? [.account]).isEmpty ? "attributes is empty" : nil
    }
}
