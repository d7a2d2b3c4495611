import Foundation

/// Stores that are put back to an earlier point, on either side, while officers go on.
extension Drill {
    /// How a registry loses what it decided.
    enum RegistryLoss: String, CaseIterable, Sendable {
        /// Its database is restored from a backup.
        case backup
        /// The files of its database are those of before.
        case files
    }

    /// The registry is put back to an earlier point: what it has decided since, only the cities know.
    mutating func loseRegistry(_ loss: RegistryLoss) async throws -> Course {
        try await comeToRest()
        let saved = "\(federation.directory)/registry-\(loss.rawValue)-\(officers.history.observations.count)"
        switch loss {
        case .backup: _ = try await federation.registry(["backup", saved])
        case .files:
            federation.stopRegistry()
            try copy("\(federation.database)/data", to: saved)
            try await start(nil, nil)
        }
        let earlier = try await standingOfRegistry()
        for round in 0..<3 { try await work(round) }
        try await comeToRest()
        let latest = try await standingOfRegistry()
        federation.stopRegistry()
        switch loss {
        case .backup:
            try FileManager.default.moveItem(atPath: federation.database, toPath: "\(saved).lost")
            try FileManager.default.createDirectory(atPath: federation.database, withIntermediateDirectories: true)
            try copy("\(saved).lost/state", to: "\(federation.database)/state")
            _ = try await federation.registry(["restore", saved])
        case .files:
            try FileManager.default.moveItem(atPath: "\(federation.database)/data", toPath: "\(saved).lost")
            try copy(saved, to: "\(federation.database)/data")
        }
        let start = ContinuousClock.now
        try await self.start(nil, nil)
        // Cities take claims all the same.
        try await officers.file()
        try await awaitRecovery(above: latest.incarnation)
        let lost = latest.feed_position - earlier.feed_position
        return Course(
            hasOccurred: lost > 0,
            done: loss == .backup ? "the registry restored from a backup" : "the registry's files of before put back",
            seen: "\(lost) decisions came back from the cities in \(Self.text(start.duration(to: .now)))")
    }

    /// A city's disk is lost: its store is restored from a backup of before, and the rest comes from the registry.
    mutating func restoreCity() async throws -> Course {
        let city = nextVictim()
        let saved = "\(federation.directory)/backup-\(city)-\(officers.history.observations.count)"
        _ = try await federation.city(city, ["backup", saved])
        for round in 0..<3 { try await work(round) }
        // What was never sent is gone with a disk: no fault of the system's.
        try await comeToRest()
        stop(city)
        _ = try await federation.city(city, ["restore", saved, "--replace"])
        let start = ContinuousClock.now
        try await self.start(city, nil)
        try await awaitConnection(of: city, "back from its backup")
        return Course(
            hasOccurred: true, done: "the store of city \(city) restored from a backup",
            seen: "it had its own back in \(Self.text(start.duration(to: .now)))")
    }

    /// A copy of a city's machine, made earlier, is switched on in the place of the one that went on.
    mutating func resumeCopy() async throws -> Course {
        let city = nextVictim()
        let data = federation.data(city)
        let saved = "\(federation.directory)/copy-\(city)-\(officers.history.observations.count)"
        federation.stopCity(city)
        try copy(data, to: saved)
        try await start(city, nil)
        for round in 0..<3 { try await work(round) }
        try await comeToRest()
        federation.stopCity(city)
        try FileManager.default.moveItem(atPath: data, toPath: "\(saved).latest")
        try FileManager.default.moveItem(atPath: saved, toPath: data)
        try await start(city, nil)
        var said: String?
        try await wait("the alarm of a copy that was resumed") {
            said = await officers.standing(of: city)?.last_error
            return said?.contains("city-node restore") == true
        }
        federation.stopCity(city)
        try FileManager.default.removeItem(atPath: data)
        try FileManager.default.moveItem(atPath: "\(saved).latest", toPath: data)
        try await start(city, nil)
        return Course(
            hasOccurred: said != nil, done: "an earlier copy of city \(city)'s machine switched on instead of it",
            seen: "the copy stopped and said what to do; the other one went on")
    }

    // MARK: Steps

    /// What `national-registry status --json` says.
    struct RegistryStanding: Decodable {
        struct Recovery: Decodable { let phase: String }
        let incarnation: UInt32
        let feed_position: UInt64
        let recovery: Recovery?
    }

    func awaitRecovery(above incarnation: UInt32) async throws {
        try await wait("the end of the registry's recovery") {
            let standing = try await standingOfRegistry()
            return standing.recovery == nil && standing.incarnation > incarnation
        }
    }

    func standingOfRegistry() async throws -> RegistryStanding {
        try JSONDecoder().decode(RegistryStanding.self, from: try await federation.registry(["status", "--json"]))
    }

    /// Copies a directory with its owners and modes.
    private func copy(_ source: String, to target: String) throws {
        guard SystemTool.run(["cp", "-a", source, target]) else {
            throw Federation.Failure(message: "cannot copy \(source) to \(target)")
        }
    }
}
