import CityStore
import RegistryStore
import Replication
import VoucherDomain

/// Backups that are restored, and what operators do about it.
extension Federation {
    /// The most registries of a run: more would only make it longer.
    private static let mostRegistries = 5

    func backUp() async throws {
        guard backups.count < 3 else { return }
        backups.append(try await newest.backUp())
        note("backup \(backups.count) of registry \(newest.number)")
    }

    /// Puts a backup into a new database and goes on with it; the registries before it may still be reached.
    func restore() async throws {
        guard registries.count < Federation.mostRegistries, let backup = schedule.pick(backups) else { return }
        let keepsOld = schedule.chance(0.5)
        if !keepsOld { for registry in living { registry.isUp = false } }
        let isUnaware = schedule.chance(0.1)
        let skew = schedule.number(in: -20_000...20_000)
        try await restore(backup, skew: skew, isUnaware: isUnaware)
        note(
            "  \(keepsOld ? "the old ones stay up" : "the old ones are stopped")\(isUnaware ? ", it is not told" : "")")
    }

    /// - Parameter isUnaware: Whether nobody tells the registry, and nothing stands beside it that would.
    func restore(_ backup: RunDatabase, skew: Int, isUnaware: Bool) async throws {
        let registry = try await RunRegistry(
            registries.count + 1, on: backup.copy(), skew: Int64(skew), now: now, isUnaware: isUnaware)
        registries.append(registry)
        note("registry \(registry.number) is restored")
        if !isUnaware { try await registry.store.beginRecovery(reason: "restored", now: now) }
    }

    func stopOld() {
        guard living.count > 1 else { return }
        for registry in living.dropLast() { registry.isUp = false }
        note("only registry \(newest.number) stays up")
    }

    /// The city that may be missing: an authorisation has one witness, so no second one.
    private var missing: RunCity? { cities.first { $0.wasAbsent || $0.wasPutBack } }

    /// Goes on without a city, once the operators have made sure that the old registries are stopped.
    func acceptAbsence() async throws {
        guard let city = missing ?? schedule.pick(cities), let report = try await newest.store.recoveryReport(),
            report.phase == "collecting"
        else { return }
        stopOld()
        try await acceptAbsence(of: city)
    }

    func acceptAbsence(of city: RunCity) async throws {
        let refusal = try await newest.act {
            try await $0.acceptAbsence(of: city.code, reason: "test", now: now)
        }
        note("absence of \(city.code) \(refusal.map { "is not accepted: \($0.message)" } ?? "is accepted")")
        if refusal == nil { city.wasAbsent = true }
    }

    /// Puts an earlier copy in the place of a city's store, as `city-node restore` does.
    func putBack(_ city: RunCity) throws {
        guard missing == nil || missing === city, let backup = city.backup else { return }
        try city.store.become(backup)
        try city.store.markRestored()
        city.restart(nonce: schedule.bytes(16))
        city.wasPutBack = true
        note("  the store of \(city.code) is put back")
    }
}
