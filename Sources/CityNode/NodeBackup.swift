import CityStore
import Crypto
import FederationHTTP
import FederationWire
import Foundation
import Replication
import Terminal
import VoucherDomain

/// A backup of a node: a directory with a copy of the store, the city's key, and a manifest that says what the copy holds.
///
/// Made beside a running node; put back only into a directory where none runs. A store that was put back writes nothing until
/// it has got back from the registry what was written since: an old backup is never taken for the present.
///
/// What was made is removed when any step fails. After a failed sync it could still be read, and a later sync would say that all
/// is well, while it may never be on the disk.
struct NodeBackup {
    let path: String

    /// `manifest.json`, written last: without it there is no backup.
    private struct Manifest: Codable {
        let format: Int
        let city_code: String
        let made_at: String
        let log_sequence: UInt64
        let log_hash: String
        let feed_position: UInt64
        let feed_hash: String
        let store_bytes: UInt64
        let store_sha256: String

        init(_ contents: CityStore.Contents, madeAt: UInt64, bytes: UInt64, sha256: String) {
            format = 1
            city_code = contents.city.description
            made_at = StatedTime(rawValue: Int64(madeAt)).rfc3339
            log_sequence = contents.logHead.sequence
            log_hash = contents.logHead.hash.rawValue.hexadecimal
            feed_position = contents.feedHead.position
            feed_hash = contents.feedHead.hash.rawValue.hexadecimal
            store_bytes = bytes
            store_sha256 = sha256
        }
    }

    /// What was saved or put back.
    struct Report {
        let city: String
        let entries: UInt64
        let madeAt: String
        /// Where the files went that were in the way.
        var replaced: String?
    }

    private var storePath: String { "\(path)/\(CityStore.fileName)" }
    private var keyPath: String { "\(path)/city-key" }
    private var manifestPath: String { "\(path)/manifest.json" }

    // MARK: Saving

    /// Saves a node into a new directory; the copy is read back before the manifest is written.
    ///
    /// - Throws: Whatever keeps it from being on the disk; the directory is gone then.
    func save(_ directory: NodeDirectory, now: UInt64) throws -> Report {
        try directory.requireStore()
        guard access(path, F_OK) != 0 else {
            throw NodeDirectory.Failure(message: "\(path) is there already: name a new directory")
        }
        let key = try read(directory.keyPath)
        try Folder.make(path)
        do { return try fill(from: directory, key, now) } catch {
            try? FileManager.default.removeItem(atPath: path)
            throw error
        }
    }

    private func fill(from directory: NodeDirectory, _ key: [UInt8], _ now: UInt64) throws -> Report {
        let contents = try CityStore(reading: directory.path).copy(to: storePath)
        try write(key, to: keyPath)
        let manifest = Manifest(
            contents, madeAt: now, bytes: try size(of: storePath), sha256: try FileDigest.sha256(storePath))
        chmod(storePath, 0o600)
        try synchronise(storePath)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        try write(Array(try encoder.encode(manifest)), to: manifestPath)
        try synchronise(path)
        return Report(city: manifest.city_code, entries: manifest.log_sequence, madeAt: manifest.made_at)
    }

    // MARK: Putting back

    /// Puts the backup back as the node of `directory`.
    ///
    /// - Parameter isReplacing: Moves a store that is there aside; nothing is deleted.
    /// - Throws: ``NodeDirectory/Failure`` or ``StoreRefusal`` when the backup is not what its manifest says, or when a store is
    ///   there; nothing is changed then. Where what was made ready cannot be put into its place, no store is there, and the one
    ///   that was is still aside.
    func restore(to directory: NodeDirectory, isReplacing: Bool, now: UInt64) throws -> Report {
        let lock = try directory.lockAlone()
        defer { withExtendedLifetime(lock) {} }
        let manifest = try readManifest()
        guard try size(of: storePath) == manifest.store_bytes,
            try FileDigest.sha256(storePath) == manifest.store_sha256
        else { throw NodeDirectory.Failure(message: "\(storePath) is not what its manifest says: take another backup") }
        if access(directory.storePath, F_OK) == 0, !isReplacing {
            throw NodeDirectory.Failure(
                message: "\(directory.path) holds a store already: add --replace, and it is moved aside")
        }
        // Made ready and read whole beside the place where it goes.
        let beside = NodeDirectory(path: "\(directory.path)/restoring")
        try? FileManager.default.removeItem(atPath: beside.path)
        defer { try? FileManager.default.removeItem(atPath: beside.path) }
        try makeReady(beside, as: manifest)
        let replaced = try moveAside(directory, now: now)
        try put(beside, into: directory)
        return Report(
            city: manifest.city_code, entries: manifest.log_sequence, madeAt: manifest.made_at, replaced: replaced)
    }

    private func makeReady(_ beside: NodeDirectory, as manifest: Manifest) throws {
        let key = try read(keyPath)
        try Folder.make(beside.path)
        try FileManager.default.copyItem(atPath: storePath, toPath: beside.storePath)
        // SQLite would sync it with what it writes itself, but tries that again where it fails.
        try synchronise(beside.storePath)
        try NodeBackup.prepare(beside, as: manifest)
        try write(key, to: beside.keyPath)
    }

    /// Moves what is ready into a directory that has neither a store nor a key.
    private func put(_ beside: NodeDirectory, into directory: NodeDirectory) throws {
        let moves = [(beside.keyPath, directory.keyPath), (beside.storePath, directory.storePath)]
        do {
            for (source, target) in moves where rename(source, target) != 0 {
                throw NodeDirectory.Failure(message: "cannot write \(target): \(String(cString: strerror(errno)))")
            }
            try synchronise(directory.path)
        } catch {
            for (_, target) in moves { unlink(target) }
            throw error
        }
    }

    private static func prepare(_ beside: NodeDirectory, as manifest: Manifest) throws {
        let store = try CityStore(directory: beside.path)
        _ = try store.verifyLog()
        let contents = try store.contents()
        guard contents.city.description == manifest.city_code, contents.logHead.sequence == manifest.log_sequence,
            contents.logHead.hash.rawValue.hexadecimal == manifest.log_hash,
            contents.feedHead.hash.rawValue.hexadecimal == manifest.feed_hash
        else { throw StoreRefusal(.damaged, "the store in the backup is not the one that its manifest names") }
        try store.markRestored()
        try store.close()
        try CityStore.makeOneFile(beside.storePath)
        for suffix in ["-wal", "-shm"] where access(beside.storePath + suffix, F_OK) == 0 {
            throw NodeDirectory.Failure(message: "\(beside.storePath)\(suffix) was left behind: try again")
        }
    }

    /// The store first: a write-ahead log without its store does nothing, and one beside another store destroys it.
    private func moveAside(_ directory: NodeDirectory, now: UInt64) throws -> String? {
        let names = [CityStore.fileName, "\(CityStore.fileName)-wal", "\(CityStore.fileName)-shm", "city-key"]
        let present = names.filter { access("\(directory.path)/\($0)", F_OK) == 0 }
        guard !present.isEmpty else { return nil }
        let aside = "\(directory.path)/replaced-\(now)"
        try Folder.make(aside)
        for name in present where rename("\(directory.path)/\(name)", "\(aside)/\(name)") != 0 {
            throw NodeDirectory.Failure(message: "cannot move \(name) to \(aside)")
        }
        return aside
    }

    private func readManifest() throws -> Manifest {
        guard let manifest = try? JSONDecoder().decode(Manifest.self, from: Data(try read(manifestPath))) else {
            throw NodeDirectory.Failure(
                message: "\(path) is no backup of a node: it has no manifest.json that can be read")
        }
        guard manifest.format == 1 else {
            throw NodeDirectory.Failure(message: "\(path) was made by a newer build: update this program")
        }
        return manifest
    }

    // MARK: Files

    private func read(_ path: String) throws -> [UInt8] {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw NodeDirectory.Failure(message: "cannot read \(path): \(String(cString: strerror(errno)))")
        }
        return Array(data)
    }

    private func size(of path: String) throws -> UInt64 {
        var status = stat()
        guard stat(path, &status) == 0 else {
            throw NodeDirectory.Failure(message: "cannot read \(path): \(String(cString: strerror(errno)))")
        }
        return UInt64(status.st_size)
    }

    /// On the disk, with mode 0600, when this returns.
    private func write(_ bytes: [UInt8], to path: String) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw NodeDirectory.Failure(message: "cannot write \(path): \(String(cString: strerror(errno)))")
        }
        let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        try handle.write(contentsOf: Data(bytes))
        try handle.synchronize()
    }

    /// As `errno` says it.
    private func notSaved(_ path: String) -> NodeDirectory.Failure {
        NodeDirectory.Failure(message: "cannot save \(path): \(String(cString: strerror(errno)))")
    }

    private func synchronise(_ path: String) throws {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw notSaved(path) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw notSaved(path) }
    }
}

/// The SHA-256 of a file, read piece by piece.
enum FileDigest {
    /// - Returns: 64 hexadecimal digits.
    static func sha256(_ path: String) throws -> String {
        guard let handle = FileHandle(forReadingAtPath: path) else {
            throw NodeDirectory.Failure(message: "cannot read \(path): \(String(cString: strerror(errno)))")
        }
        var hash = SHA256()
        while let chunk = try handle.read(upToCount: 1 << 20), !chunk.isEmpty { hash.update(data: chunk) }
        return Array(hash.finalize()).hexadecimal
    }
}
