import Failpoints

/// Clocks that are wrong for a while.
extension Drill {
    /// Whose clock is wrong, and by how much.
    struct WrongClock: Hashable, Sendable {
        let isRegistry: Bool
        let seconds: Int
        /// For the command line.
        let name: String

        static let all = [
            WrongClock(isRegistry: false, seconds: 600, name: "city.ahead"),
            WrongClock(isRegistry: false, seconds: -3_600, name: "city.behind"),
            WrongClock(isRegistry: false, seconds: 20 * 365 * 86_400, name: "city.decades"),
            WrongClock(isRegistry: true, seconds: 600, name: "registry.ahead"),
            WrongClock(isRegistry: true, seconds: -3_600, name: "registry.behind"),
        ]
    }

    /// A daemon is started with a wrong clock, officers work, and it is started again with the right one.
    mutating func mistakeTime(_ clock: WrongClock) async throws -> Course {
        let city = clock.isRegistry ? nil : nextVictim()
        let words = ["/usr/bin/env", "\(ClockShift.environmentName)=\(clock.seconds)"]
        stop(city)
        if let city {
            try await federation.startCity(city, words: words, death: nil)
        } else {
            try await federation.startRegistry(words: words, death: nil)
        }
        _ = try await workFiveSeconds(lookingAt: city ?? officers.cities[0])
        let said = await officers.standing(of: city ?? officers.cities[0])?.last_error
        stop(city)
        try await start(city)
        let who = city.map { "city \($0)" } ?? "the registry"
        return Course(
            hasOccurred: said?.contains("clock wrong") == true,
            done:
                "the clock of \(who) \(clock.seconds > 0 ? "ahead" : "behind") by \(Self.text(.seconds(abs(clock.seconds))))",
            seen: said.map { "said: \($0)" } ?? "nobody noticed")
    }
}
