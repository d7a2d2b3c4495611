import Foundation
import VoucherDomain

/// A claim as a city shows it after everything is decided.
package struct DecidedClaim: Decodable, Sendable {
    package struct Reason: Decodable, Sendable {
        package struct Blocking: Decodable, Sendable {
            package let city_code: String
            package let claim_no: String
        }
        package let rule: String
        /// `block`, `hold` or `flag`.
        package let outcome: String
        package let blocking: [Blocking]
        package let `case`: String?
    }
    package struct Position: Decodable, Sendable { package let position: UInt64 }

    package let claim_no: String?
    package let city_code: String
    package let state: String
    package let claimed_yuan: String?
    package let reasons: [Reason]
    package let position: Position?

    var claimedFen: Int64 { claimed_yuan.flatMap(Money.init(yuan:))?.rawValue ?? 0 }
}

/// Holds what was decided against what the labels expect, group by group.
package struct Evaluation {
    package struct PatternResult: Sendable {
        package let pattern: String
        package var groups = 0
        package var met = 0
        package var claims = 0
        package var failures: [String] = []
    }

    package let results: [PatternResult]

    package init(_ labels: [Sample.Label], _ claims: [DecidedClaim]) {
        let byName = Dictionary(claims.compactMap { claim in claim.claim_no.map { ($0, claim) } }) { first, _ in first }
        var results: [String: PatternResult] = [:]
        for (_, group) in Dictionary(grouping: labels, by: { "\($0.pattern) \($0.group)" }).sorted(by: {
            $0.key < $1.key
        }) {
            let pattern = group[0].pattern
            var result = results[pattern] ?? PatternResult(pattern: pattern)
            result.groups += 1
            result.claims += group.count
            if let failure = Expectation.failure(group, group.compactMap { byName[$0.claim] }) {
                result.failures.append("\(group[0].group): \(failure)")
            } else {
                result.met += 1
            }
            results[pattern] = result
        }
        self.results = results.values.sorted { $0.pattern < $1.pattern }
    }

    /// Whether every expectation is met.
    package var isMet: Bool { results.allSatisfy(\.failures.isEmpty) }
}
