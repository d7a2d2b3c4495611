/// What is to come of a labelled group, whatever arrives first. Raw values are those of `truth.csv`.
enum Expectation: String {
    /// All are reserved.
    case clean
    /// Each has the outcome that its label gives.
    case exact
    /// Exactly one is reserved, the others are refused.
    case oneClaim = "one-claim"
    /// The claims of exactly one city are reserved.
    case oneCity = "one-city"
    /// What is reserved stays within the capacity, and nothing is refused that would still have fitted.
    case cap
    /// The later one is held with a case that names the others, as are all that are held by the rule that the pattern is
    /// named after.
    case hold
    /// At least one is held.
    case holdAny = "hold-any"
    /// Each is held.
    case holdSelf = "hold-self"
    /// All are reserved, and the later one carries a reason of the rule that the pattern is named after.
    case flag
    /// All are reserved, and each carries a reason of the rule that the pattern is named after.
    case flagSelf = "flag-self"
    /// The labelled one is refused; the other is held when it was decided later than that, else reserved.
    case forum

    /// Whether the pattern's rule notes its findings instead of stopping claims.
    var isFlag: Bool { self == .flag || self == .flagSelf }
}

extension Expectation {
    /// How the decided claims of a group miss what its labels expect, in words; `nil` when they meet it.
    ///
    /// - Parameters:
    ///   - labels: Of one group; the first one names the pattern, the expectation and the capacity.
    ///   - claims: In the order of the labels, one for each.
    static func failure(_ labels: [Sample.Label], _ claims: [DecidedClaim]) -> String? {
        guard let label = labels.first else { return nil }
        guard claims.count == labels.count else { return "a claim is missing" }
        guard let expectation = Expectation(rawValue: label.expectation) else {
            return "an unknown expectation \(label.expectation)"
        }
        let order = claims.sorted { ($0.position?.position ?? 0) < ($1.position?.position ?? 0) }
        switch expectation {
        case .clean: return mismatch(claims, "reserved")
        case .exact: return inexact(zip(labels, claims).map { ($0.outcome, $1) })
        case .oneClaim: return severalClaims(claims)
        case .oneCity: return severalCities(claims)
        case .cap: return overCap(order, capacity: label.capacityFen ?? 0)
        case .hold: return notHeld(order) ?? unnamed(order.suffix(1), label.pattern)
        case .holdAny:
            let held = order.filter { $0.state == "held" }
            return held.isEmpty ? "none is held" : unnamed(held.suffix(1), label.pattern)
        case .holdSelf: return mismatch(claims, "held") ?? unnamed(order[...], label.pattern)
        case .flag: return mismatch(claims, "reserved") ?? unnamed(order.suffix(1), label.pattern)
        case .flagSelf: return mismatch(claims, "reserved") ?? unnamed(order[...], label.pattern)
        case .forum: return notCaughtElsewhere(labels, claims)
        }
    }

    private static func mismatch(_ claims: [DecidedClaim], _ state: String) -> String? {
        inexact(claims.map { (state, $0) })
    }

    private static func inexact(_ pairs: [(expected: String, claim: DecidedClaim)]) -> String? {
        pairs.first { $0.expected != $0.claim.state }.map { expected, claim in
            "\(claim.claim_no ?? "") is \(claim.state), not \(expected)"
        }
    }

    private static func severalClaims(_ claims: [DecidedClaim]) -> String? {
        let reserved = claims.count { $0.state == "reserved" }
        let refused = claims.count { $0.state == "refused" }
        return reserved == 1 && refused == claims.count - 1 ? nil : "\(reserved) are reserved, \(refused) refused"
    }

    private static func severalCities(_ claims: [DecidedClaim]) -> String? {
        let reserved = claims.filter { $0.state == "reserved" }
        let winners = Set(reserved.map(\.city_code))
        guard winners.count == 1 else { return "\(winners.count) cities are reserved" }
        let isWhole = claims.count { winners.contains($0.city_code) } == reserved.count
        return isWhole ? nil : "not all claims of the city that came first are reserved"
    }

    private static func overCap(_ order: [DecidedClaim], capacity: Int64) -> String? {
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

    private static func notHeld(_ order: [DecidedClaim]) -> String? {
        guard let later = order.last, later.state == "held" else { return "the later one is not held" }
        let named = Set(
            later.reasons.filter { $0.case != nil }.flatMap(\.blocking).map { "\($0.city_code)/\($0.claim_no)" })
        let others = order.dropLast().map { "\($0.city_code)/\($0.claim_no ?? "")" }
        return named.isSuperset(of: others) ? nil : "the case does not name the other claim"
    }

    /// Another rule may have stopped a claim: the pattern's own must have found it, too.
    private static func unnamed(_ claims: ArraySlice<DecidedClaim>, _ rule: String) -> String? {
        claims.first { claim in !claim.reasons.contains { $0.rule == rule } }.map {
            "\($0.claim_no ?? "") carries no reason of \(rule)"
        }
    }

    private static func notCaughtElsewhere(_ labels: [Sample.Label], _ claims: [DecidedClaim]) -> String? {
        let pairs = zip(labels, claims)
        guard let refused = pairs.first(where: { $0.0.outcome == "refused" })?.1 else { return "no label says refused" }
        let expected = pairs.map { label, claim in
            if label.outcome == "refused" { return ("refused", claim) }
            let isLater = (claim.position?.position ?? 0) > (refused.position?.position ?? 0)
            return (isLater ? "held" : "reserved", claim)
        }
        return inexact(expected)
    }
}
