import VoucherDomain

/// D11: related buyers claim the same work: the same usage digest, or the same line of supplier, resource class, card
/// hours and days.
///
/// Does not fire between buyers that the ownership file does not connect, nor within a declared co-funding group. (The
/// same digest in two claims of anyone is the rule `evidence-once`.)
enum SharedWorkload: Detector {
    static func traces(of filing: Filing, _ rule: Rule, _ register: Register) -> [Trace] {
        let claim = filing.claim
        var traces: [Trace] = []
        if !claim.usageProof.isEmpty { traces.append(Trace(.usageProof, [claim.usageProof.hexadecimal])) }
        if let line = invoiceLine(filing) { traces.append(Trace(.invoiceLine, line)) }
        return traces
    }

    private static func invoiceLine(_ filing: Filing) -> [String]? {
        let claim = filing.claim
        guard !claim.resourceClass.isEmpty, let hours = claim.cardHours, hours > 0 else { return nil }
        return [
            claim.provider.rawValue, claim.resourceClass, String(hours), claim.service.from.iso8601,
            claim.service.until.iso8601,
        ]
    }

    static func lookups(of filing: Filing, _ rule: Rule, _ register: Register, own traces: [Trace]) -> [Trace] {
        register.hasCompanies ? traces : []
    }

    static func matches(_ view: DetectorView) -> [DetectorMatch] {
        let (filing, register) = (view.filing, view.register)
        let kinds = view.parameters.attributes ?? Register.Attribute.Kind.allCases
        return DetectorMatch.gathered(.sharedWorkload, view.live) { neighbour in
            guard neighbour.claim.enterprise != filing.claim.enterprise, !neighbour.sharesGroup(filing) else {
                return nil
            }
            var evidence: [FieldMatch] = []
            if !filing.claim.usageProof.isEmpty, filing.claim.usageProof == neighbour.claim.usageProof {
                evidence.append(.init(.usageProof, .same))
            }
            if let line = invoiceLine(filing), line == invoiceLine(neighbour) {
                evidence += [
                    .init(.provider, .same), .init(.resourceClass, .same), .init(.cardHours, .same),
                    .init(.service, .same),
                ]
            }
            guard !evidence.isEmpty else { return nil }
            let shared = register.relation(filing.claim.enterprise, neighbour.claim.enterprise, by: kinds)
            return shared.isEmpty ? nil : evidence + shared.map { FieldMatch($0, .same) }
        }
    }

    static func fault(_ parameters: Rule.Parameters) -> String? { RelatedParties.fault(parameters) }
}
