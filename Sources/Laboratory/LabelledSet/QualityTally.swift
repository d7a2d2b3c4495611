/// Counts for a ``QualityReport``, group by group. Grows with the number of patterns, not with that of claims.
struct QualityTally {
    /// What is known of one pattern and of the rule of its name.
    private struct Count {
        var row: QualityReport.Row
        /// Whether the pattern's rule is to flag.
        var isFlag = false
        /// Whether a rule is to find it at all.
        var hasRule = false
        var wrongStops = 0
        var wrongFlags = 0
    }

    private var counts: [String: Count] = [:]
    private(set) var totals = QualityReport.Totals()

    /// Adds a group.
    ///
    /// - Parameter claims: In the order of the labels; fewer than labels where some were never decided.
    mutating func add(_ labels: [Sample.Label], _ claims: [DecidedClaim]) {
        guard let label = labels.first else { return }
        let (pattern, expectation) = (label.pattern, Expectation(rawValue: label.expectation))
        let isMet = Expectation.failure(labels, claims) == nil
        totals.groups += 1
        totals.claims += labels.count
        update(pattern) { count in
            count.row.cases += 1
            count.row.caught += isMet ? 1 : 0
            count.row.missed += isMet ? 0 : 1
            count.isFlag = expectation?.isFlag ?? false
            count.hasRule = expectation != .clean && !pattern.hasPrefix("invalid-")
        }
        if expectation == .clean {
            countWrongStops(pattern, claims)
        } else if isMet {
            let fen = claims.filter(QualityTally.isStopped).reduce(0) { $0 + $1.claimedFen }
            totals.protectedFen += fen
            update(pattern) { $0.row.protectedFen += fen }
        }
        if expectation == .clean || !isMet { countWrongReasons(pattern, claims) }
    }

    private static func isStopped(_ claim: DecidedClaim) -> Bool { claim.state == "refused" || claim.state == "held" }

    private mutating func countWrongStops(_ pattern: String, _ claims: [DecidedClaim]) {
        let refused = claims.count { $0.state == "refused" || $0.state == "invalid" }
        let held = claims.count { $0.state == "held" }
        if pattern.hasPrefix("guard-") {
            totals.guardsRefused += refused
            totals.guardsHeld += held
        } else {
            totals.cleanRefused += refused
            totals.cleanHeld += held
        }
    }

    /// Counts each rule once a claim, unless the claim is there for that rule.
    private mutating func countWrongReasons(_ pattern: String, _ claims: [DecidedClaim]) {
        for claim in claims {
            for rule in Set(claim.reasons.map(\.rule)) where rule != pattern {
                let outcomes = claim.reasons.filter { $0.rule == rule }.map(\.outcome)
                update(rule) { count in
                    if outcomes.contains("flag") { count.wrongFlags += 1 }
                    if outcomes.contains(where: { $0 != "flag" }) { count.wrongStops += 1 }
                }
            }
        }
    }

    private mutating func update(_ pattern: String, _ change: (inout Count) -> Void) {
        change(&counts[pattern, default: Count(row: QualityReport.Row(pattern: pattern))])
    }

    /// A rule that no label names has a row only where it stopped something wrongly.
    var finishedRows: [QualityReport.Row] {
        counts.values.compactMap { count in
            var row = count.row
            row.wronglyFired = count.isFlag ? count.wrongFlags : count.wrongStops
            guard row.cases > 0 || row.wronglyFired > 0 else { return nil }
            let found = row.caught + row.wronglyFired
            if count.hasRule || row.cases == 0, found > 0 { row.precision = Double(row.caught) / Double(found) }
            if row.cases > 0 { row.recall = Double(row.caught) / Double(row.cases) }
            return row
        }.sorted { $0.pattern < $1.pattern }
    }
}
