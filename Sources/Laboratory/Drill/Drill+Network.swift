import Foundation

/// Faults of the network between one city and the registry.
extension Drill {
    /// For a few seconds nothing passes, or everything is refused; the city goes on taking claims.
    mutating func partition(_ manner: Relay.Manner) async throws -> Course {
        let city = nextVictim()
        let relay = try Relay(listening: .port(0), target: .port(try federation.registryPort), isPostgres: false)
        stop(city)
        try await federation.startCity(city, ["--registry", "https://127.0.0.1:\(relay.port)"], death: nil)
        try await awaitConnection(of: city, "behind a relay")
        try await officers.file()
        relay.set(manner)
        let waiting = try await workFiveSeconds(lookingAt: city)
        relay.set(.pass)
        return Course(
            hasOccurred: waiting > 0,
            done: manner == .silence
                ? "city \(city): packets vanish for 5 s, its connections for ever" : "city \(city) refused for 5 s",
            seen: "up to \(waiting) entries waited in the city"
        ) { [self] in
            stop(city)
            relay.close()
            try await start(city)
        }
    }

    /// A city that has a registry server in a network of its own loses the cable to it, for a few seconds.
    mutating func pullCable() async throws -> Course {
        let network = try NetworkNamespace()
        do { return try await pullCable(of: network) } catch {
            network.remove()
            throw error
        }
    }

    private mutating func pullCable(of network: NetworkNamespace) async throws -> Course {
        let city = nextVictim()
        let server = 2
        try await federation.startRegistry(server, words: network.words, host: network.address, death: nil)
        stop(city)
        try await federation.startCity(city, server: server)
        try await awaitConnection(of: city, "at the other server")
        try network.pullCable()
        let waiting = try await workFiveSeconds(lookingAt: city)
        try network.plugCable()
        return Course(
            hasOccurred: waiting > 0, done: "cable of city \(city) pulled for 5 s, in a network namespace",
            seen: "up to \(waiting) entries waited in the city"
        ) { [self] in
            stop(city)
            federation.stopRegistry(server, signal: SIGKILL)
            network.remove()
            try await start(city)
        }
    }

    /// Officers work for a while.
    ///
    /// - Returns: The most entries that waited to be sent in a city.
    mutating func workFiveSeconds(lookingAt city: String) async throws -> UInt64 {
        let start = ContinuousClock.now
        var waiting: UInt64 = 0
        while start.duration(to: .now) < .seconds(5) {
            try await officers.file()
            await officers.pay()
            waiting = max(waiting, await officers.standing(of: city)?.unsent ?? 0)
            try await Task.sleep(for: .milliseconds(200))
        }
        return waiting
    }
}
