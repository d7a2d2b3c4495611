import Failpoints
import Foundation

/// Daemons that kill themselves at a step.
extension Drill {
    /// A daemon is started to die at a step, and work goes on until it is dead; then it is started again.
    mutating func kill(_ death: Death) async throws -> Course {
        let city = death.point.program == .city ? nextVictim() : nil
        // What is under way now is cut off, too.
        try await officers.file()
        stop(city)
        let start = ContinuousClock.now
        try await self.start(city, death)
        var round = 0
        var isDead = try federation.isKilled(city: city)
        while !isDead, start.duration(to: .now) < Self.patience {
            if death.point == .greetingUncommitted || death.point == .greetingCommitted {
                // Only a process that has just been started is granted an epoch.
                let city = nextVictim()
                stop(city)
                try await self.start(city)
            }
            try await work(round)
            isDead = try federation.isKilled(city: city)
            round += 1
        }
        let life = start.duration(to: .now)
        stop(city)
        try await self.start(city)
        return Course(
            hasOccurred: isDead,
            done: "killed \(city.map { "city \($0)" } ?? "the registry") at arrival \(death.arrival)",
            seen: isDead ? "dead after \(Self.text(life))" : "it lived on")
    }
}
