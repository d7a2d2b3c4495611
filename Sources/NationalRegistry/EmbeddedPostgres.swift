import Foundation
import Terminal

/// A private PostgreSQL cluster from the distribution's own binaries, reached by a Unix socket only.
///
/// Any number of processes may use one directory: each holds a shared lock on it, the first starts the server,
/// the last one out stops it. A server that outlived its killed starter is taken over as it is.
package final class EmbeddedPostgres: @unchecked Sendable {
    // `@unchecked Sendable`: all stored properties are constants; the lock file's descriptor is used by `stop` alone.
    private let directory: String
    /// PostgreSQL's major version.
    private let version: Int
    private let lock: Int32
    /// The account that the server runs under when this process is root, which PostgreSQL refuses to be.
    private let account: String?

    package struct Failure: Error {
        package let message: String
    }

    /// Starts the cluster in `directory`, or joins the one that runs there; makes it when there is none.
    package init(directory: String) throws {
        self.directory = URL(fileURLWithPath: directory).standardizedFileURL.path
        version = try EmbeddedPostgres.findVersion()
        account = getuid() == 0 ? "postgres" : nil
        try Folder.make(self.directory, mode: 0o755)
        lock = open("\(self.directory)/users.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard lock >= 0 else { throw Failure(message: "cannot write in \(directory): choose another directory") }
        // Exclusive while starting, so that two starters take turns; shared while in use.
        let starting = open("\(self.directory)/start.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        defer { close(starting) }
        flock(starting, LOCK_EX)
        flock(lock, LOCK_SH)
        if !isRunning {
            if !FileManager.default.fileExists(atPath: data) { try initialise() }
            try start()
        }
    }

    /// Starts the server, which must not be running.
    package func start() throws {
        try makeSocketDirectory()
        try run("pg_ctl", ["-D", data, "-l", log, "-w", "-t", "60", "-o", "-k \(socketDirectory) -h ''", "start"])
    }

    /// The URL for ``PostgresPool``.
    package var url: String {
        let host = socketDirectory.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? socketDirectory
        return "postgresql:///postgres?host=\(host)&user=postgres"
    }

    /// Stops the server unless another process still uses it.
    package func stop() {
        flock(lock, LOCK_UN)
        if flock(lock, LOCK_EX | LOCK_NB) == 0, isRunning {
            _ = try? run("pg_ctl", ["-D", data, "-m", "fast", "-w", "stop"])
        }
        close(lock)
    }

    /// Where the distribution keeps its versions.
    private static let base = "/usr/lib/postgresql"
    private var binaries: String { "\(EmbeddedPostgres.base)/\(version)/bin" }
    /// The server's own files.
    package var data: String { "\(directory)/data" }
    private var log: String { "\(directory)/postgres.log" }

    /// Where its socket is: the path has at most 107 bytes, so under /tmp when the directory's own path is long.
    package var socketDirectory: String {
        directory.utf8.count <= 80 ? "\(directory)/socket" : "/tmp/vf-\(String(directory.hashedPath, radix: 36))"
    }

    private var isRunning: Bool { (try? run("pg_ctl", ["-D", data, "status"])) != nil }

    private func initialise() throws {
        // Made beside and renamed: a cluster that was half made when somebody pulled the plug is not taken for one.
        let making = "\(data).new"
        try? FileManager.default.removeItem(atPath: making)
        try Folder.make(making)
        // What PostgreSQL says of a row that it refused has the row in it.
        guard FileManager.default.createFile(atPath: log, contents: nil, attributes: [.posixPermissions: 0o600]) else {
            throw Failure(message: "cannot write \(log)")
        }
        for path in [making, log] { try own(path) }
        try run(
            "initdb",
            ["-D", making, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--data-checksums"])
        let settings = """

            # Voucher Federation: durable by default; sized for a small machine.
            shared_buffers = 256MB
            max_wal_size = 4GB
            max_connections = 100
            wal_compression = \(version >= 15 ? "lz4" : "on")
            unix_socket_permissions = 0700
            """
        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: "\(making)/postgresql.conf"))
        defer { try? handle.close() }
        try handle.seekToEnd()
        try handle.write(contentsOf: Data((settings + "\n").utf8))
        try handle.synchronize()
        guard rename(making, data) == 0 else { throw Failure(message: "cannot write in \(directory)") }
    }

    /// Makes the socket's directory, which under /tmp may be gone after a restart, and makes sure that it is ours.
    private func makeSocketDirectory() throws {
        if mkdir(socketDirectory, 0o700) == 0 { return try own(socketDirectory) }
        let owner = account.flatMap { getpwnam($0)?.pointee.pw_uid } ?? getuid()
        // Of a link these are the link's own.
        let found = try? FileManager.default.attributesOfItem(atPath: socketDirectory)
        guard let found, found[.type] as? FileAttributeType == .typeDirectory,
            (found[.ownerAccountID] as? NSNumber)?.uint32Value == owner,
            let mode = (found[.posixPermissions] as? NSNumber)?.intValue, mode & 0o077 == 0
        else {
            throw Failure(message: "\(socketDirectory) is another user's: remove it, or choose a shorter directory")
        }
    }

    private func own(_ path: String) throws {
        guard let account else { return }
        guard let entry = getpwnam(account) else {
            throw Failure(message: "there is no account \(account): install the distribution's postgresql package")
        }
        guard chown(path, entry.pointee.pw_uid, entry.pointee.pw_gid) == 0 else {
            throw Failure(message: "cannot give \(path) to the account \(account)")
        }
    }

    /// Runs one of PostgreSQL's own programs under the server's account.
    @discardableResult
    package func run(_ program: String, _ arguments: [String]) throws -> String {
        let wrapper = account.map { ["/usr/bin/setpriv", "--reuid=\($0)", "--regid=\($0)", "--clear-groups"] } ?? []
        let output = "\(directory)/\(program).\(getpid()).out"
        defer { unlink(output) }
        // The account may not enter the directory that we were started in.
        let status = try ChildProgram.run(
            ["/usr/bin/env", "-C", "/"] + wrapper + ["\(binaries)/\(program)"] + arguments, output: output)
        let text = String(decoding: FileManager.default.contents(atPath: output) ?? Data(), as: UTF8.self)
        guard status == 0 else { throw Failure(message: explain(program, text)) }
        return text
    }

    private func explain(_ program: String, _ text: String) -> String {
        let last = text.split(separator: "\n").last.map(String.init) ?? "no message"
        if account != nil, text.contains("Permission denied") || text.contains("could not access directory") {
            return "\(program): \(last); the account postgres must be able to reach \(directory): choose a directory "
                + "outside root's home, such as /var/lib/voucher-federation"
        }
        return "\(program) failed: \(last); see \(log)"
    }

    /// The path of one of the newest PostgreSQL's own programs.
    package static func program(_ name: String) throws -> String { "\(base)/\(try findVersion())/bin/\(name)" }

    /// The newest PostgreSQL of the distribution.
    private static func findVersion() throws -> Int {
        let versions = ((try? FileManager.default.contentsOfDirectory(atPath: base)) ?? []).compactMap { Int($0) }
        guard
            let newest = versions.filter({ FileManager.default.isExecutableFile(atPath: "\(base)/\($0)/bin/initdb") })
                .max()
        else {
            throw Failure(message: "PostgreSQL is not installed: apt-get install postgresql, or use --database URL")
        }
        return newest
    }
}

extension String {
    /// FNV-1a of the bytes: short, stable, for a file name.
    fileprivate var hashedPath: UInt64 {
        utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }
}
