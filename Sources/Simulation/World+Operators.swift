import Replication
import VoucherDomain

/// What the registry's operators do. Their commands work on the registry's database, whether its server runs or not.
extension World {
    /// Suspends a city, perhaps: now, or as soon as it has sent something, which then waits for its decision.
    mutating func suspendSomeCity() throws {
        guard operatorRandom.chance(plan.rate(.suspension)) else { return }
        let code = operatorRandom.pick(registry.codes)
        if operatorRandom.chance(0.5) { dueSuspension = code } else { try suspend(code) }
    }

    /// A city's batch was received: operators may have waited for it.
    mutating func suspendIfDue(_ code: CityCode) throws {
        guard dueSuspension == code else { return }
        dueSuspension = nil
        try suspend(code)
    }

    /// Suspends a city, and lets it in again after a while.
    private mutating func suspend(_ code: CityCode) throws {
        guard try registry.setSuspended(true, code, now: registryTime) else { return }
        note(.suspension, at: .registry)
        trace.note(time, .registry, "city \(code) is suspended")
        queue.add(.reinstatement(code), at: time + operatorRandom.number(in: 1_000...40_000))
        wakeArbiter()
    }

    /// Lets a suspended city in again.
    mutating func reinstate(_ code: CityCode) throws {
        guard try registry.setSuspended(false, code, now: registryTime) else { return }
        trace.note(time, .registry, "city \(code) is reinstated")
        wakeArbiter()
    }

    /// Whether the registry lets a node's city in.
    func isSuspended(_ id: NodeID) -> Bool { registry.cities[self[id].city]?.isSuspended ?? false }
}
