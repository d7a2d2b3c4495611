import Terminal
import VoucherDomain

/// How well each rule found what the labels put there, and what it stopped wrongly.
///
/// A rule *fires* on a claim that carries a reason of it other than a flag; a rule of a pattern that expects flags
/// fires with a flag. Rules are named like the patterns that they find.
/// - *caught*, *missed*: groups of the pattern whose expectation is met, or not.
/// - *wrongly fired*: claims on which the rule fired although they belong to a clean group or a guard, or to a group of
///   another pattern whose own expectation was missed.
/// - *precision* is caught / (caught + wrongly fired), *recall* is caught / (caught + missed).
///
/// One pass in the order of the labels, which name the claims of a group one after the other; besides the tallies it
/// holds one group. ``init(_:_:)`` keeps all claims in a dictionary, which is right up to about a million of them; for
/// more, give ``init(_:find:)`` a way to look a claim up.
package struct QualityReport: Encodable, Sendable {
    /// The row of one pattern; of clean groups and guards too, which no rule finds.
    package struct Row: Encodable, Sendable {
        package let pattern: String
        package internal(set) var cases = 0
        package internal(set) var caught = 0
        package internal(set) var missed = 0
        package internal(set) var wronglyFired = 0
        /// `nil` where no rule is to find the pattern, or nothing was found.
        package internal(set) var precision: Double?
        /// `nil` where the labels have no group of the pattern.
        package internal(set) var recall: Double?
        /// What was claimed by claims that are refused or held in groups that were caught, in fen.
        package internal(set) var protectedFen: Int64 = 0

        private enum CodingKeys: String, CodingKey {
            case pattern, cases, caught, missed, precision, recall
            case wronglyFired = "wrongly_fired"
            case protectedFen = "protected_fen"
        }
    }

    package struct Totals: Encodable, Sendable {
        package internal(set) var groups = 0
        package internal(set) var claims = 0
        /// Claims of clean groups and guards that are not reserved: the first two must be 0.
        package internal(set) var cleanRefused = 0
        package internal(set) var guardsRefused = 0
        package internal(set) var cleanHeld = 0
        package internal(set) var guardsHeld = 0
        package internal(set) var protectedFen: Int64 = 0

        private enum CodingKeys: String, CodingKey {
            case groups, claims
            case cleanRefused = "clean_refused"
            case guardsRefused = "guards_refused"
            case cleanHeld = "clean_held"
            case guardsHeld = "guards_held"
            case protectedFen = "protected_fen"
        }
    }

    /// By pattern, in alphabetical order.
    package let rows: [Row]
    package let totals: Totals

    /// - Parameter claims: Any order; a label whose claim is not among them is a miss.
    package init(_ labels: [Sample.Label], _ claims: [DecidedClaim]) {
        let byName = Dictionary(
            claims.compactMap { claim in claim.claim_no.map { ("\(claim.city_code)/\($0)", claim) } }
        ) { first, _ in first }
        self.init(labels) { byName["\($0.city)/\($0.claim)"] }
    }

    /// - Parameters:
    ///   - labels: Those of one group one after the other.
    ///   - find: The claim that a label names.
    package init(_ labels: some Sequence<Sample.Label>, find: (Sample.Label) -> DecidedClaim?) {
        var tally = QualityTally()
        var group: [Sample.Label] = []
        for label in labels {
            if let first = group.first, first.group != label.group || first.pattern != label.pattern {
                tally.add(group, group.compactMap(find))
                group.removeAll(keepingCapacity: true)
            }
            group.append(label)
        }
        if !group.isEmpty { tally.add(group, group.compactMap(find)) }
        rows = tally.finishedRows
        totals = tally.totals
    }
}

extension QualityReport {
    /// Patterns that a detector finds: it may miss or misjudge one in twenty.
    private static let fuzzy: Set<String> = [
        "invoice-alias", "split-contracts", "related-parties", "shared-workload", "moved-company", "typo-variant",
        "wrong-name", "forum-shopping", "price-outlier", "unlisted-provider",
    ]

    /// Whether no clean claim and no guard was stopped, every exact pattern was caught, and every detector reaches 0.95
    /// in both.
    package var isSufficient: Bool {
        let wrong = totals.cleanRefused + totals.guardsRefused + totals.cleanHeld + totals.guardsHeld
        return wrong == 0
            && rows.allSatisfy { row in
                let isFuzzy = QualityReport.fuzzy.contains(row.pattern)
                let needed = isFuzzy ? 0.95 : 1
                return row.recall ?? 1 >= needed && (!isFuzzy || row.precision ?? 1 >= needed)
            }
    }

    /// A table for people.
    package var text: String {
        var table = TextTable(
            ["pattern", "cases", "caught", "missed", "wrongly fired", "precision", "recall", "yuan protected"],
            rightAligned: [1, 2, 3, 4, 5, 6, 7])
        for row in rows {
            table.add([
                row.pattern, String(row.cases), String(row.caught), String(row.missed), String(row.wronglyFired),
                row.precision.map(QualityReport.percent) ?? "-", row.recall.map(QualityReport.percent) ?? "-",
                row.protectedFen == 0 ? "" : Money(rawValue: row.protectedFen).yuan,
            ])
        }
        return table.text + "\n\n" + summary
    }

    private var summary: String {
        """
        \(totals.claims) claims in \(totals.groups) groups; \(Money(rawValue: totals.protectedFen).yuan) yuan protected
        refused wrongly: \(totals.cleanRefused) clean, \(totals.guardsRefused) guards; \
        held wrongly: \(totals.cleanHeld) clean, \(totals.guardsHeld) guards
        """
    }

    /// Per cent with two decimals, rounded down: 100 is all of them.
    private static func percent(_ share: Double) -> String {
        let hundredths = Int((share * 10_000).rounded(.down))
        let rest = hundredths % 100
        return "\(hundredths / 100).\(rest < 10 ? "0" : "")\(rest) %"
    }
}
