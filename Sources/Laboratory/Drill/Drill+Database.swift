import Foundation
import NationalRegistry

/// Faults of the registry's database; the registry's own process lives through them.
extension Drill {
    /// PostgreSQL ends at once, as at a power cut (`pg_ctl stop -m immediate`), while batches come in.
    mutating func stopDatabase() async throws -> Course {
        try await officers.file()
        try await endDatabase()
        // Cities take claims all the same.
        try await officers.file()
        await officers.pay()
        let start = ContinuousClock.now
        // Any verb starts the cluster, and leaves it running for the others.
        _ = try await federation.registry(["status"])
        guard try !federation.isKilled(city: nil) else {
            throw Federation.Failure(message: "the registry ended with its database")
        }
        return Course(
            hasOccurred: true, done: "PostgreSQL stopped in the middle of batches, and started again",
            seen: "recovered in \(Self.text(start.duration(to: .now)))")
    }

    /// PostgreSQL ends at once, and a standby that had fallen behind is promoted to its place: what was decided meanwhile is
    /// lost to it. The registry's process finds another database at the end of its connections.
    mutating func promoteStandby() async throws -> Course {
        try await comeToRest()
        let cluster = try EmbeddedPostgres(directory: federation.database)
        defer { cluster.stop() }
        let standby = "\(federation.database)/standby-\(officers.history.observations.count)"
        try Standby.copy(cluster, to: standby)
        let earlier = try await standingOfRegistry()
        for round in 0..<3 { try await work(round) }
        try await comeToRest()
        let latest = try await standingOfRegistry()
        try await endDatabase()
        try FileManager.default.moveItem(atPath: cluster.data, toPath: "\(standby).lost")
        try FileManager.default.moveItem(atPath: standby, toPath: cluster.data)
        let start = ContinuousClock.now
        try cluster.start()
        // Cities take claims all the same.
        try await officers.file()
        try cluster.run("pg_ctl", ["-D", cluster.data, "-w", "promote"])
        try await awaitRecovery(above: latest.incarnation)
        guard try !federation.isKilled(city: nil) else {
            throw Federation.Failure(message: "the registry ended with its database")
        }
        let lost = latest.feed_position - earlier.feed_position
        return Course(
            hasOccurred: lost > 0, done: "a standby that was behind promoted under a running registry",
            seen: "\(lost) decisions came back from the cities in \(Self.text(start.duration(to: .now)))")
    }

    /// As at a power cut.
    private func endDatabase() async throws {
        let file = "\(federation.database)/data/postmaster.pid"
        let first = try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n").first
        guard let server = first.flatMap({ pid_t($0) }) else {
            throw Federation.Failure(message: "\(file) does not name the server")
        }
        Glibc.kill(server, SIGQUIT)
        try await wait("the end of PostgreSQL") { Glibc.kill(server, 0) != 0 }
    }

    /// The registry's connection breaks inside a COMMIT: whether it took effect is for the registry to find out.
    mutating func cutCommit(_ cut: Relay.Cut) async throws -> Course {
        let cluster = try EmbeddedPostgres(directory: federation.database)
        let host = cluster.socketDirectory
        let directory = "\(federation.directory)/relay"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        let name = ".s.PGSQL.5432"
        let relay = try Relay(
            listening: .path("\(directory)/\(name)"), target: .path("\(host)/\(name)"), isPostgres: true)
        stop(nil)
        let url = "postgresql:///postgres?host=\(directory)&user=postgres"
        try await federation.startRegistry(
            storage: ["--database", url, "--state", "\(federation.database)/state"], death: nil)
        relay.cutNext(cut)
        let start = ContinuousClock.now
        var round = 0
        while relay.cuts == 0, start.duration(to: .now) < Self.patience {
            try await work(round)
            round += 1
        }
        let what = cut.kind == .decision ? "decisions" : "a batch"
        return Course(
            hasOccurred: relay.cuts == 1,
            done: "connection cut inside the COMMIT of \(what), \(cut.isCommitted ? "after" : "before") it took effect",
            seen: "cut after \(Self.text(start.duration(to: .now)))"
        ) { [self] in
            stop(nil)
            relay.close()
            try await self.start(nil)
            cluster.stop()
        }
    }
}
