import Crypto
import DefaultPolicy
import Foundation
import PostgresClient
import RegistryStore
import Replication
import Terminal
import VoucherDomain

/// A backup of the registry's database in one file, made and read by PostgreSQL's own `pg_dump` and `pg_restore`, with a
/// manifest beside it. The keys in `--state` are not in it.
struct RegistryBackup {
    let path: String

    struct Failure: Error { let message: String }

    /// What the file holds.
    struct Manifest: Codable {
        static let format = "voucher-federation/registry-backup/1"
        let format: String
        let made_at: String
        /// The feed is in the file at least up to here.
        let incarnation: UInt32
        let feed_position: UInt64
        let feed_hash: String
        let bytes: UInt64
        let sha256: String
    }

    private var manifestPath: String { "\(path).manifest.json" }

    /// Saves the database as it stands at one moment, also while it is served. The manifest is written last.
    func save(url: String, store: RegistryStore, madeAt: String) async throws -> Manifest {
        guard !FileManager.default.fileExists(atPath: path), !FileManager.default.fileExists(atPath: manifestPath)
        else {
            throw Failure(message: "\(path) is there already: name a new file")
        }
        let head = try await store.feedHead()
        let making = "\(path).new"
        // For its owner alone from the first byte on: pg_dump keeps the mode of a file that is there.
        unlink(making)
        let descriptor = open(making, O_WRONLY | O_CREAT | O_EXCL, 0o600)
        guard descriptor >= 0 else {
            throw Failure(message: "cannot make \(making): \(String(cString: strerror(errno)))")
        }
        close(descriptor)
        defer { unlink(making) }
        let database = (url, try await store.databaseName())
        try run("pg_dump", ["--format=custom", "--no-owner", "--no-privileges", "--file", making], on: database)
        try run("pg_restore", ["--list", "--file", "/dev/null", making])
        let manifest = Manifest(
            format: Manifest.format, made_at: madeAt, incarnation: head.incarnation, feed_position: head.position,
            feed_hash: head.hash.rawValue.hexadecimal, bytes: try size(making), sha256: try digest(making))
        guard rename(making, path) == 0 else { throw Failure(message: "cannot write \(path)") }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
        try PrivateFile.replace(manifestPath, with: Array(try encoder.encode(manifest)))
        return manifest
    }

    /// Fills an empty database from the file and leaves it in recovery mode: the next `serve` first gets back what the
    /// cities hold of the time since.
    func restore(url: String, state: RegistryState, now: UInt64) async throws -> Manifest {
        let manifest = try readManifest()
        let store = RegistryStore(pool: PostgresPool(url: url, size: 2), secrets: state.secrets)
        guard try await !store.hasSchema() else {
            throw Failure(
                message: "the database is not empty: restore into a new one, and keep the old one until all is well")
        }
        let database = (url, try await store.databaseName())
        try run("pg_restore", ["--single-transaction", "--exit-on-error", "--no-owner", path], on: database)
        // The backup may be of an older build, which knew less of recovery.
        _ = try await store.migrate(policyDocument: DefaultPolicy.document, now: now)
        try await store.beginRecovery(
            reason: "restored from \(URL(fileURLWithPath: path).lastPathComponent) of \(manifest.made_at)", now: now)
        return manifest
    }

    private func readManifest() throws -> Manifest {
        guard let data = FileManager.default.contents(atPath: manifestPath) else {
            throw Failure(message: "there is no \(manifestPath): it is not a backup that was finished")
        }
        guard let manifest = try? JSONDecoder().decode(Manifest.self, from: data), manifest.format == Manifest.format
        else {
            throw Failure(message: "\(manifestPath) cannot be read: it is damaged, or of a newer build")
        }
        guard try size(path) == manifest.bytes, try digest(path) == manifest.sha256 else {
            throw Failure(
                message: "\(path) is not what its manifest says: it was damaged or changed; take another backup")
        }
        return manifest
    }

    private func size(_ path: String) throws -> UInt64 {
        guard let size = try? FileManager.default.attributesOfItem(atPath: path)[.size] as? UInt64 else {
            throw Failure(message: "\(path) cannot be read")
        }
        return size
    }

    private func digest(_ path: String) throws -> String {
        let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
        defer { try? file.close() }
        var hash = SHA256()
        while let piece = try file.read(upToCount: 1 << 20), !piece.isEmpty { hash.update(data: piece) }
        return Array(hash.finalize()).hexadecimal
    }

    /// - Parameter database: Its URL, which need not name it, and its name.
    private func run(
        _ program: String, _ arguments: [String], on database: (url: String, name: String)? = nil
    ) throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "national-registry-\(UUID().uuidString)")
        try FileManager.default.createDirectory(
            at: folder, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
        defer { try? FileManager.default.removeItem(at: folder) }
        let output = folder.appendingPathComponent("output").path
        var variables: [String: String] = [:]
        var named: [String] = []
        if let database {
            let environment = try PostgresEnvironment(url: database.url)
            variables = environment.variables
            named = ["--dbname", environment.text(naming: database.name)]
        }
        let status = try ChildProgram.run(
            [try EmbeddedPostgres.program(program)] + named + arguments, output: output, variables: variables)
        guard status == 0 else {
            let text = String(decoding: FileManager.default.contents(atPath: output) ?? Data(), as: UTF8.self)
            throw Failure(
                message: "\(program) failed: \(text.split(separator: "\n").last.map(String.init) ?? "no message")")
        }
    }
}
