import VoucherDomain

/// D18: refused for cause in one city, filed in another within 180 days.
///
/// The cause is one of the policy's `causes`: rules that a claim breaks by itself. A claim that only lost to another one
/// was not refused for cause. Does not fire in the city that refused it, where filing again is no shopping, nor within a
/// declared co-funding group.
enum ForumShopping: Detector {
    static func traces(of filing: Filing, _ rule: Rule, _ register: Register) -> [Trace] {
        Set(filing.claim.invoices.flatMap(\.number.names)).map { Trace(.refused, [$0.canonical]) }
            + [Trace(.refused, filing.pair + [filing.contract])]
    }

    static func tracesLeft(_ view: DetectorView, _ reasons: [Reason]) -> [Trace] {
        let causes = view.parameters.causes ?? []
        guard view.filing.state == .refused,
            reasons.contains(where: { $0.outcome == .block && causes.contains($0.rule) })
        else { return [] }
        return view.traces
    }

    static func matches(_ view: DetectorView) -> [DetectorMatch] {
        let filing = view.filing
        let limit = (view.parameters.days ?? 180) * 86_400_000
        return DetectorMatch.gathered(.forumShopping, view.neighbours) { neighbour in
            guard neighbour.state == .refused, neighbour.position < filing.position,
                neighbour.name.city != filing.name.city, !neighbour.sharesGroup(filing),
                filing.receivedAt - neighbour.receivedAt <= limit
            else { return nil }
            let names = Set(filing.claim.invoices.flatMap(\.number.names))
            if neighbour.claim.invoices.contains(where: { $0.number.names.contains(where: names.contains) }) {
                return [.init(.invoice, .same)]
            }
            guard filing.isSamePair(neighbour), filing.contract.utf8.elementsEqual(neighbour.contract.utf8) else {
                return nil
            }
            return [.init(.enterprise, .same), .init(.provider, .same), .init(.contract, .same)]
        }
    }

    static func fault(_ parameters: Rule.Parameters) -> String? {
        guard !(parameters.causes ?? []).isEmpty else { return "needs causes, the rules that are a cause" }
        return (1...3_660).contains(parameters.days ?? 180) ? nil : "days is 1 to 3660"
    }
}
