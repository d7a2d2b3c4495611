import Foundation

/// Faults of the network between one city and the registry.
extension Drill {
    /// For a few seconds nothing passes, or everything is refused; the city goes on taking claims.
    mutating func partition(_ manner: Relay.Manner) async throws -> Course {
        let city = nextVictim()
        let relay = try Relay(listening: .port(0), target: .port(try federation.registryPort), isPostgres: false)
        stop(city)
        try await federation.startCity(city, ["--registry", "https://127.0.0.1:\(relay.port)"], death: nil)
        try await wait("city \(city) behind a relay") { await officers.standing(of: city)?.connected == true }
        try await officers.file()
        relay.set(manner)
        let start = ContinuousClock.now
        var waiting: UInt64 = 0
        while start.duration(to: .now) < .seconds(5) {
            try await officers.file()
            await officers.pay()
            waiting = max(waiting, await officers.standing(of: city)?.unsent ?? 0)
            try await Task.sleep(for: .milliseconds(500))
        }
        relay.set(.pass)
        return Course(
            hasOccurred: waiting > 0,
            done: manner == .silence
                ? "city \(city): packets vanish for 5 s, its connections for ever" : "city \(city) refused for 5 s",
            seen: "up to \(waiting) entries waited in the city"
        ) { [self] in
            stop(city)
            relay.close()
            try await self.start(city, nil)
        }
    }
}
