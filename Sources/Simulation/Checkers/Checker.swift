/// What a checker found wrong, in words that name the invariant.
package struct Violation: Hashable, Sendable, CustomStringConvertible {
    /// Such as `I1`.
    package let invariant: String
    package let message: String

    package init(_ invariant: String, _ message: String) {
        self.invariant = invariant
        self.message = message
    }

    package var description: String { "\(invariant): \(message)" }
}

/// Holds a recorded history against one invariant. Checkers share no code with the engine.
package struct Checker: Sendable {
    package let invariant: String
    package let check: @Sendable (History) -> [Violation]

    init(_ invariant: String, _ check: @escaping @Sendable (History) -> [String]) {
        self.invariant = invariant
        self.check = { history in check(history).map { Violation(invariant, $0) } }
    }

    /// All of them, in the order of the catalogue.
    ///
    /// Left out, for nothing of it is simulated: I23 (crash images need a disk) and I21 (a registry that is restored). I24 is
    /// ``Coverage``.
    package static let all = [
        oneHolder, paidOnce, oneDecision, nothingLost, originsVerify, logsAreGapless, clocksRise, positionsAreGapless,
        nodesAgree, refolding, appliedIsPrefix, cursorAndEffectAgree, replaysChangeNothing, ownersAct, neverBoth,
        requestsAreBounded, everythingDecided, countsAgree, blockersHold, auditVerifies, oneLiveHolder, gatesHold,
        rulingsStand, suspendedStayOut, noFalseAlarm, honestClaimsAreValid,
    ]

    /// What every checker finds.
    package static func violations(in history: History) -> [Violation] { all.flatMap { $0.check(history) } }
}
