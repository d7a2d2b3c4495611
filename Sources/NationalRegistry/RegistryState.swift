import Crypto
import Foundation
package import RegistryStore
import Replication
import Terminal

/// The registry's `--state` directory: signing key, feed secrets and private CA, outside the database.
///
/// Files are made once, with mode 0600, by writing beside and renaming; several processes may start at once.
package struct RegistryState: Sendable {
    package let directory: String
    package let secrets: RegistrySecrets

    /// Opens the directory, making what is missing.
    package init(directory: String) throws {
        self.directory = directory
        try Folder.make(directory)
        let seed = try PrivateFile.loadOrCreate("\(directory)/signing-key") { SigningKey().seed }
        let federation = try PrivateFile.loadOrCreate("\(directory)/federation-secret-1") { PrivateFile.random() }
        let master = try PrivateFile.loadOrCreate("\(directory)/detail-master") { PrivateFile.random() }
        guard let key = SigningKey(seed: seed), federation.count == 32, master.count == 32 else {
            throw RegistryRefusal(.invalid, "a key file in \(directory) is damaged: restore it from its backup")
        }
        secrets = RegistrySecrets(
            signingKey: key, keyEpoch: 1, federationSecret: federation, detailMaster: master)
    }
}

/// A small secret file.
package enum PrivateFile {
    /// The file's bytes; when there is none, those that `make` gives, written first.
    ///
    /// When two processes make it at once, one wins and both get the winner's bytes.
    package static func loadOrCreate(_ path: String, _ make: () throws -> [UInt8]) throws -> [UInt8] {
        if let data = FileManager.default.contents(atPath: path) { return Array(data) }
        let beside = try write(try make(), beside: path)
        defer { unlink(beside) }
        // link() fails when the file is there already: the first writer wins.
        _ = link(beside, path)
        return Array(try Data(contentsOf: URL(fileURLWithPath: path)))
    }

    /// Puts these bytes in the file's place, all or nothing, and returns once they are on the disk.
    static func replace(_ path: String, with bytes: [UInt8]) throws {
        let beside = try write(bytes, beside: path)
        guard rename(beside, path) == 0 else {
            defer { unlink(beside) }
            throw RegistryRefusal(.invalid, "cannot write \(path): \(String(cString: strerror(errno)))")
        }
    }

    /// - Returns: The path of the file, which is on the disk.
    private static func write(_ bytes: [UInt8], beside path: String) throws -> String {
        let beside = "\(path).\(getpid()).new"
        let descriptor = open(beside, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        guard descriptor >= 0 else {
            throw RegistryRefusal(.invalid, "cannot write \(path): \(String(cString: strerror(errno)))")
        }
        let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        do {
            try handle.write(contentsOf: Data(bytes))
            try handle.synchronize()
        } catch {
            unlink(beside)
            throw error
        }
        return beside
    }

    package static func random() -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<32).map { _ in UInt8.random(in: 0...255, using: &generator) }
    }
}
