import VoucherDomain

/// D08: one purchase cut into contracts that each stay just under a threshold.
///
/// Fires from the third contract on (by default) of the same buyer and supplier in one programme year, each within 5 %
/// under the threshold. Does not fire on many invoices of one contract, nor on contracts of different years.
enum SplitContracts: Detector {
    private static func isJustUnder(_ filing: Filing, _ rule: Rule) -> Bool {
        guard let parameters = rule.parameters, let threshold = parameters.thresholdFen,
            let band = parameters.withinPermille
        else { return false }
        let amount = filing.claim.contractAmount.rawValue
        let lowest = Money(rawValue: threshold).scaled(by: 1_000 - band, over: 1_000).rawValue
        return amount < threshold && amount >= lowest
    }

    static func traces(of filing: Filing, _ rule: Rule, _ register: Register) -> [Trace] {
        isJustUnder(filing, rule) ? [Trace(.pairYear, filing.pair + [String(filing.year)])] : []
    }

    static func matches(_ view: DetectorView) -> [DetectorMatch] {
        guard isJustUnder(view.filing, view.rule) else { return [] }
        let others = view.live.filter {
            $0.isSamePair(view.filing) && $0.year == view.filing.year && isJustUnder($0, view.rule)
                && !$0.contract.utf8.elementsEqual(view.filing.contract.utf8)
        }
        let contracts = Set(others.map { Array($0.contract.utf8) }).count + 1
        guard contracts >= view.parameters.count ?? 3 else { return [] }
        let evidence: [FieldMatch] = [
            .init(.enterprise, .same), .init(.provider, .same), .init(.contractAmount, .near),
        ]
        return [DetectorMatch(detection: .splitContracts, neighbours: others, evidence: evidence)]
    }

    static func fault(_ parameters: Rule.Parameters) -> String? {
        guard parameters.thresholdFen ?? 0 > 0 else { return "needs threshold_fen above zero" }
        guard (1...999).contains(parameters.withinPermille ?? 0) else { return "needs within_permille, 1 to 999" }
        guard (2...50).contains(parameters.count ?? 3) else { return "count is 2 to 50" }
        return nil
    }
}
