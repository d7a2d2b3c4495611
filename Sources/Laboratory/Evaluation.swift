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
            if let failure = Evaluation.failure(group, byName) {
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

    private static func failure(_ labels: [Sample.Label], _ byName: [String: DecidedClaim]) -> String? {
        let claims = labels.compactMap { byName[$0.claim] }
        guard claims.count == labels.count else { return "a claim is missing" }
        let order = claims.sorted { ($0.position?.position ?? 0) < ($1.position?.position ?? 0) }
        let reserved = order.filter { $0.state == "reserved" }
        let refused = order.filter { $0.state == "refused" }
        switch labels[0].expectation {
        case "clean":
            return reserved.count == claims.count ? nil : "not all are reserved"
        case "exact":
            let wrong = zip(labels, claims).filter { $0.outcome != $1.state }
            return wrong.isEmpty ? nil : "\(wrong[0].0.claim) is \(wrong[0].1.state), not \(wrong[0].0.outcome)"
        case "one-claim":
            return reserved.count == 1 && refused.count == claims.count - 1 ? nil : "\(reserved.count) are reserved"
        case "one-city":
            let winners = Set(reserved.map(\.city_code))
            let ofWinner = claims.filter { winners.contains($0.city_code) }
            return winners.count == 1 && ofWinner.count == reserved.count ? nil : "\(winners.count) cities are reserved"
        case "cap": return capFailure(order, capacity: labels[0].capacityFen ?? 0)
        case "hold": return holdFailure(order)
        case "hold-any":
            return claims.contains { $0.state == "held" } ? nil : "none is held"
        default: return "an unknown expectation \(labels[0].expectation)"
        }
    }

    private static func capFailure(_ order: [DecidedClaim], capacity: Int64) -> String? {
        var sum: Int64 = 0
        for claim in order {
            switch claim.state {
            case "reserved":
                sum += claim.claimedFen
                if sum > capacity { return "the reserved sum is over the capacity" }
            case "refused":
                if sum + claim.claimedFen <= capacity {
                    return "\(claim.claim_no ?? "") was refused and would have fitted"
                }
            default: return "\(claim.claim_no ?? "") is \(claim.state)"
            }
        }
        return nil
    }

    private static func holdFailure(_ order: [DecidedClaim]) -> String? {
        guard let later = order.last, later.state == "held" else { return "the later one is not held" }
        let named = Set(
            later.reasons.filter { $0.case != nil }.flatMap(\.blocking).map { "\($0.city_code)/\($0.claim_no)" })
        let others = order.dropLast().map { "\($0.city_code)/\($0.claim_no ?? "")" }
        return named.isSuperset(of: others) ? nil : "the case does not name the other claim"
    }
}
