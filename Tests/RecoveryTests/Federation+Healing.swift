import CityStore
import FederationWire
import RegistryStore
import Replication
import VoucherDomain

/// The healing phase: everything is reachable, one registry goes on, and operators and officers do what they are told to.
extension Federation {
    private static let mostRounds = 40

    /// - Returns: Whether everything became quiet.
    func heal() async throws -> Bool {
        isHealing = true
        note("all faults end")
        for registry in registries.dropLast() { registry.isUp = false }
        newest.isUp = true
        for city in cities { city.isOffline = false }
        for round in 1...Federation.mostRounds {
            now += 20_000
            note("round \(round)")
            try await operatorsAct(round)
            try await syncAll()
            if try await hasComeToRest() { return true }
        }
        return false
    }

    private func syncAll() async throws {
        try await tick(newest)
        try await decide(newest)
        for city in cities {
            if city.alarm != nil, !isExcused(city) { city.restart(nonce: schedule.bytes(16)) }
            try await turn(city)
            if city.isForgotten { try await joinAgain(city) }
            do { try advancePayments(city) } catch let refusal as StoreRefusal { note("  \(refusal.message)") }
            try await turn(city)
        }
        try await decide(newest)
        for city in cities { try await turn(city) }
    }

    /// What the status tells operators to do: restore the backup once more, accept an absence again, reinstate.
    private func operatorsAct(_ round: Int) async throws {
        guard let report = try await newest.store.recoveryReport() else {
            for city in cities {
                _ = try await newest.act {
                    try await $0.setSuspended(false, city.code, reason: "healing", now: now)
                }
            }
            return
        }
        guard let problem = report.problem, round % 5 == 0 else { return }
        note("problem: \(problem)")
        if problem.contains("restore the backup once more"), round <= 10, let backup = backups.first {
            newest.isUp = false
            try await restore(backup, skew: 0, isUnaware: false)
        } else if let absent = cities.first(where: \.wasAbsent) {
            try await acceptAbsence(of: absent)
        }
    }

    private func hasComeToRest() async throws -> Bool {
        guard try await newest.store.recoveryReport() == nil else { return false }
        let head = try await newest.store.feedHead()
        for city in cities where !isExcused(city) {
            let state = try city.store.syncState()
            guard city.isLive, state.unsent == 0, state.undecided == 0, try city.store.feedHead() == head else {
                return false
            }
        }
        return true
    }

    /// Whether a city need not come back: the registry went on without it, on another feed than the one that it has applied.
    func isExcused(_ city: RunCity) -> Bool { city.alarm != nil && (city.wasAbsent || city.wasForgotten) }

    /// The registry goes on without having heard of the city: nobody else knew that it had joined.
    private func joinAgain(_ city: RunCity) async throws {
        let refusal = try await newest.act { store in
            let secret = try await store.enroll(city.code, name: city.name, expiresAt: now + 1_000, now: now)
            city.restart(nonce: schedule.bytes(16))
            let request = JoinRequest(
                city: city.code, secret: secret, publicKey: city.key.publicKey, processNonce: city.processNonce,
                epoch: try city.store.session(now: now).epoch)
            let answer = try await store.join(request, now: now)
            try city.establishAgain(Grant(answer.grant, by: city.registryKey).epoch)
        }
        note("  city \(city.code) \(refusal.map { "cannot join again: \($0.message)" } ?? "joins again")")
    }
}
