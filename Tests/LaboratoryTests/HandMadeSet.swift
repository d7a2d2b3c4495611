@testable import Laboratory

/// Labels and decided claims, written by hand group by group.
struct HandMadeSet {
    private(set) var labels: [Sample.Label] = []
    private(set) var claims: [DecidedClaim] = []
    private var groups = 0

    var report: QualityReport { QualityReport(labels, claims) }

    /// Adds a group with a claim of 100 yuan in each of these states, decided in their order.
    ///
    /// - Parameters:
    ///   - expectation: `nil` for the pattern's own.
    ///   - outcome: What each label says that its claim is to be, where the expectation asks for that.
    ///   - reasons: What the last claim carries.
    mutating func add(
        _ pattern: Pattern, _ states: [String], expectation: String? = nil, outcome: String = "",
        reasons: [DecidedClaim.Reason] = []
    ) {
        groups += 1
        for (index, state) in states.enumerated() {
            let number = "G\(groups)-\(index + 1)"
            labels.append(
                Sample.Label(
                    group: "G\(groups)", pattern: pattern.rawValue,
                    expectation: expectation ?? pattern.expectation.rawValue, city: "330100", claim: number,
                    outcome: outcome, capacityFen: nil))
            claims.append(
                .sample(
                    number, state, position: UInt64(claims.count + 1),
                    reasons: index == states.count - 1 ? reasons : []))
        }
    }

    /// Adds that many equal groups.
    mutating func add(_ count: Int, _ pattern: Pattern, _ states: [String], reasons: [DecidedClaim.Reason] = []) {
        for _ in 0..<count { add(pattern, states, reasons: reasons) }
    }

    /// Forgets a claim, as if it had never been decided.
    mutating func lose(_ number: String) { claims.removeAll { $0.claim_no == number } }
}

extension DecidedClaim {
    static func sample(
        _ number: String, in city: String = "330100", _ state: String, position: UInt64 = 1, yuan: String = "100.00",
        reasons: [Reason] = []
    ) -> DecidedClaim {
        DecidedClaim(
            claim_no: number, city_code: city, state: state, claimed_yuan: yuan, reasons: reasons,
            position: Position(position: position))
    }
}

extension DecidedClaim.Reason {
    static func block(_ pattern: Pattern) -> DecidedClaim.Reason { sample(pattern, "block") }
    static func hold(_ pattern: Pattern) -> DecidedClaim.Reason { sample(pattern, "hold", case: "K7M2P-Q") }
    static func flag(_ pattern: Pattern) -> DecidedClaim.Reason { sample(pattern, "flag") }

    private static func sample(_ pattern: Pattern, _ outcome: String, case: String? = nil) -> DecidedClaim.Reason {
        DecidedClaim.Reason(rule: pattern.rawValue, outcome: outcome, blocking: [], case: `case`)
    }
}

extension QualityReport {
    func row(_ pattern: Pattern) -> Row? { rows.first { $0.pattern == pattern.rawValue } }
}
