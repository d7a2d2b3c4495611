import VoucherDomain

/// What detectors ask of the ledger; they change nothing in it.
extension Ledger {
    /// What each detector of the policy in force may look at, in the order of its rules.
    func views(of filing: Filing) -> [DetectorView] {
        let surroundings = Surroundings(
            register: register, prices: prices[filing.claim.resourceClass] ?? PriceHistogram())
        return detectors.map { appointed in
            let own = appointed.traces(of: filing, register)
            let lookups = appointed.lookups(of: filing, register, own: own)
            return DetectorView(
                appointed: appointed, filing: filing, traces: own, neighbours: neighbours(of: filing, under: lookups),
                surroundings: surroundings)
        }
    }

    private func neighbours(of filing: Filing, under lookups: [Trace]) -> [Filing] {
        var positions: Set<Int64> = []
        for trace in lookups {
            guard let found = traces[trace] else { continue }
            positions.formUnion(found.suffix(Trace.mostNeighbours))
        }
        // A claim that is looked at once more left traces itself.
        positions.remove(filing.position)
        return positions.isEmpty ? [] : positions.sorted().compactMap { filings[$0] }
    }
}
