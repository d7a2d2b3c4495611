import Foundation
import NationalRegistry
import PostgresClient
import Terminal

/// A streaming standby of a private cluster, with files and a socket of its own.
struct Standby: Sendable {
    private let primary: EmbeddedPostgres
    private let directory: String
    /// What it calls itself at the primary.
    private static let name = "standby"
    /// More options of its server.
    private let options: String

    private var data: String { "\(directory)/data" }
    private var socket: String { "\(directory)/socket" }

    /// Copies a cluster that runs, and starts the copy, which follows it from there on.
    ///
    /// - Parameters:
    ///   - directory: Where it is made.
    ///   - options: More options of PostgreSQL's server, such as `-c max_standby_streaming_delay=0`.
    init(of primary: EmbeddedPostgres, directory: String, options: String = "") throws {
        self.primary = primary
        self.directory = directory
        self.options = options
        // The account must be able to reach what is its own in there.
        try Folder.make(directory, mode: 0o755)
        try Standby.copy(primary, to: data)
        try Standby.makeDirectory(socket, as: primary)
        try start()
    }

    /// Copies the files of a cluster that runs; a server that is started on them follows it.
    static func copy(_ primary: EmbeddedPostgres, to data: String) throws {
        try makeDirectory(data, as: primary)
        let source = "\(primary.url)&application_name=\(name)"
        try primary.run("pg_basebackup", ["-d", source, "-D", data, "-R", "-X", "stream", "-c", "fast"])
    }

    /// Makes a directory of the account that the cluster runs under.
    private static func makeDirectory(_ path: String, as cluster: EmbeddedPostgres) throws {
        try Folder.make(path)
        guard SystemTool.run(["chown", "--reference", cluster.data, path]) else {
            throw Federation.Failure(message: "cannot give \(path) to PostgreSQL's account")
        }
    }

    // MARK: URLs

    var url: String { Standby.url(hosts: [socket]) }

    /// Of whichever of both takes writes.
    var eitherURL: String {
        Standby.url(hosts: [primary.socketDirectory, socket]) + "&target_session_attrs=read-write"
    }

    private static func url(hosts: [String]) -> String {
        let hosts = hosts.map { $0.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? $0 }
        return "postgresql:///postgres?host=\(hosts.joined(separator: ","))&user=postgres"
    }

    // MARK: Its life

    func start() throws {
        try control(["-l", "\(data)/server.log", "-t", "60", "-o", "-k \(socket) -h '' \(options)", "start"])
    }

    /// Ends it in order.
    func stop() throws { try control(["-m", "fast", "stop"]) }

    /// Has it take writes, on a timeline of its own.
    func promote() throws { try control(["promote"]) }

    private func control(_ arguments: [String]) throws {
        try primary.run("pg_ctl", ["-D", data, "-w"] + arguments)
    }

    /// Has every commit of the primary wait for it from now on, or for nobody.
    func set(isSynchronous: Bool) async throws {
        let pool = PostgresPool(url: primary.url, size: 1)
        let name = isSynchronous ? Standby.name : ""
        try await pool.run { session in
            try session.run(script: "ALTER SYSTEM SET synchronous_standby_names = '\(name)'")
            try session.run(script: "SELECT pg_reload_conf()")
        }
        for _ in 0..<600 {
            let count = try await pool.run { session in
                try session.execute("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'").int(0, 0)
            }
            if (count > 0) == isSynchronous { return }
            try await Task.sleep(for: .milliseconds(50))
        }
        throw Federation.Failure(message: "the standby did not become \(isSynchronous ? "" : "a")synchronous")
    }
}

extension EmbeddedPostgres {
    /// Ends the server at once, as a power cut does.
    func stopAtOnce() throws { try run("pg_ctl", ["-D", data, "-m", "immediate", "-w", "stop"]) }
}
