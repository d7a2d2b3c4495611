import Arbitration
import FederationWire
import Replication
import VoucherDomain

/// What the registry's operators do, as the registry's store does it for them: each act is an entry of the registry's log.
extension SimulatedRegistry {
    /// Suspends or reinstates a city; its keys stay as they are. A city that is already so is left alone.
    ///
    /// - Returns: Whether anything changed.
    mutating func setSuspended(_ isSuspended: Bool, _ code: CityCode, now: UInt64) throws -> Bool {
        var row = try city(code)
        guard row.publicKey != nil, code != .registry else {
            throw SimulatedRefusal("invalid", "city \(code) has not joined")
        }
        guard row.isSuspended != isSuspended else { return false }
        row.isSuspended = isSuspended
        row.isBack = !isSuspended
        cities[code] = row
        events.append(isSuspended ? .suspended(code) : .reinstated(code))
        let act: RegistryAct =
            isSuspended ? .suspended(code, reason: "核查") : .reinstated(code, reason: "核查完毕")
        try append([act], now: now)
        return true
    }

    // MARK: Cases

    /// Appends a ruling; it takes effect where the arbiter decides it.
    ///
    /// - Throws: ``SimulatedRefusal`` with what is wrong with it, as the case stands now.
    mutating func rule(_ ruling: Ruling, now: UInt64) throws { try act(.ruled(ruling), .caseRuled(ruling), now: now) }

    /// Appends the reopening of a closed case.
    ///
    /// - Throws: ``SimulatedRefusal`` with what is wrong with it, as the case stands now.
    mutating func reopen(_ caseID: String, reason: String, by name: String, now: UInt64) throws {
        try act(
            .reopened(caseID: caseID, reason: reason, by: name),
            .caseReopened(caseID: caseID, reason: reason, by: name), now: now)
    }

    /// Appends an act after the fold has said, on the state as it is, that it would not be invalid.
    private mutating func act(_ act: RegistryAct, _ content: JournalEntry.Content, now: UInt64) throws {
        let outcome = outcome(of: content, now: now)
        guard outcome.decision != .invalid else {
            throw SimulatedRefusal("invalid", outcome.reasons.first?.message ?? "the act is invalid")
        }
        try append([act], now: now)
    }
}
