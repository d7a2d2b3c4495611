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
}
