import VoucherDomain

/// D19: one invoice under two programmes that the policy bars from each other, though a co-funding group is declared.
///
/// Without a group the rule on the invoice's key stops the second claim whatever its programme. Does not fire on two
/// programmes that the policy lets stand together.
enum CrossProgramme: Detector {
    static func traces(of filing: Filing, _ rule: Rule, _ register: Register) -> [Trace] {
        if filing.claim.cofundingGroup.isEmpty { return [] }
        return filing.claim.invoices.flatMap(\.number.names).map { Trace(.cofundedInvoice, [$0.canonical]) }
    }

    static func matches(_ view: DetectorView) -> [DetectorMatch] {
        let filing = view.filing
        let names = Set(filing.claim.invoices.flatMap(\.number.names))
        return DetectorMatch.gathered(.crossProgramme, view.live) { neighbour in
            guard neighbour.claim.invoices.contains(where: { $0.number.names.contains(where: names.contains) }),
                isBarred(filing.programme, neighbour.programme, view.parameters.barred ?? [])
            else { return nil }
            return [.init(.invoice, .same), .init(.programme, .differs)]
        }
    }

    private static func isBarred(_ one: String, _ other: String, _ sets: [[String]]) -> Bool {
        func contains(_ set: [String], _ name: String) -> Bool { set.contains { $0.utf8.elementsEqual(name.utf8) } }
        return !one.utf8.elementsEqual(other.utf8) && sets.contains { contains($0, one) && contains($0, other) }
    }

    static func fault(_ parameters: Rule.Parameters) -> String? {
        (parameters.barred ?? []).allSatisfy { $0.count >= 2 } ? nil : "each set of barred has two programmes or more"
    }
}
