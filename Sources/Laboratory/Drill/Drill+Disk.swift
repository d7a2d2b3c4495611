import Foundation

/// Disks that are full for a while.
extension Drill {
    /// Nothing can be written any more where a city, or for `nil` the database, keeps its files.
    mutating func fillDisk(of city: String?) async throws -> Course {
        let path = city.map { federation.data($0) } ?? federation.database
        // The last one out stops PostgreSQL.
        if let city { stop(city) } else { federation.stopRegistry() }
        let disk = try ScratchDisk(over: path, megabytes: city == nil ? 512 : 32)
        try await start(city)
        try await wait("a start on the small disk") { await isQuiet(city) }
        try disk.fill()
        let before = officers.turnedAwayForSpace
        let waiting = try await workFiveSeconds(lookingAt: officers.cities[0])
        let turnedAway = officers.turnedAwayForSpace - before
        disk.free()
        // PostgreSQL may have ended; any verb starts it, and leaves it running for the registry.
        _ = try await federation.registry(["status"])
        return Course(
            hasOccurred: city == nil ? waiting > 0 : turnedAway > 0,
            done: "the disk of \(city.map { "city \($0)" } ?? "PostgreSQL") full for 5 s",
            seen: city == nil
                ? "up to \(waiting) entries waited in a city" : "\(turnedAway) filings turned away: disk full"
        ) { [self] in
            if let city { stop(city) } else { federation.stopRegistry() }
            try disk.remove()
            try await start(city)
        }
    }

    private func isQuiet(_ city: String?) async -> Bool {
        await officers.standing(of: city ?? officers.cities[0])?.connected == true
    }
}
