import CityStore
import FederationHTTP
import Foundation
package import Replication
import Terminal

/// A node's `--data` directory: the store, the city's key, the API token, and the lock that one process holds.
package struct NodeDirectory: Sendable {
    package let path: String

    package init(path: String) { self.path = path }

    /// An exclusive hold on the directory; it ends with the process, however that ends.
    package final class Lock: Sendable {
        private let descriptor: Int32

        fileprivate init(_ descriptor: Int32) { self.descriptor = descriptor }

        deinit { close(descriptor) }
    }

    package struct Failure: Error { package let message: String }

    /// Makes the directory if need be and takes its lock.
    ///
    /// - Returns: `nil` when another process holds it.
    package func lock() throws -> Lock? {
        try Folder.make(path)
        let descriptor = open("\(path)/node.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw Failure(message: "cannot write in \(path): \(String(cString: strerror(errno)))")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            return nil
        }
        // Of a server that was killed: somebody else may listen there now, and would be sent the token.
        try setServing(url: nil)
        return Lock(descriptor)
    }

    /// Takes the lock.
    ///
    /// - Throws: ``Failure`` when another process holds it.
    func lockAlone() throws -> Lock {
        guard let lock = try lock() else {
            throw Failure(message: "another city-node runs on \(path): stop it first")
        }
        return lock
    }

    var storePath: String { "\(path)/\(CityStore.fileName)" }

    /// - Throws: ``Failure`` when no node has joined here.
    func requireStore() throws {
        guard access(storePath, F_OK) == 0 else {
            let reason = errno == ENOENT ? "run city-node join TOKEN first" : String(cString: strerror(errno))
            throw Failure(message: "\(path) is no node's directory: \(reason)")
        }
    }

    // MARK: The city's key

    var keyPath: String { "\(path)/city-key" }

    /// What a join is asked for with: kept before it is sent, so that the same request can be made again when its
    /// answer was lost.
    struct JoinAttempt {
        let key: SigningKey
        let nonce: [UInt8]
    }

    /// The attempt under way, begun at the first call.
    func joinAttempt() throws -> JoinAttempt {
        let bytes = try secretFile("\(keyPath).joining") {
            var generator = SystemRandomNumberGenerator()
            return SigningKey().seed + EntryID(using: &generator).rawValue
        }
        guard bytes.count == 48, let key = SigningKey(seed: Array(bytes.prefix(32))) else {
            throw Failure(message: "\(keyPath).joining is damaged: remove it, and ask for a new token")
        }
        return JoinAttempt(key: key, nonce: Array(bytes.suffix(16)))
    }

    /// Whether a join was begun and is not known to have ended.
    var hasJoinAttempt: Bool { FileManager.default.fileExists(atPath: "\(keyPath).joining") }

    /// Makes the attempt's key the city's key.
    func finishJoin(_ attempt: JoinAttempt) throws {
        unlink(keyPath)
        _ = try secretFile(keyPath) { attempt.key.seed }
        unlink("\(keyPath).joining")
    }

    /// The city's signing key.
    package func signingKey() throws -> SigningKey {
        guard let seed = FileManager.default.contents(atPath: keyPath) else {
            throw Failure(
                message: "\(keyPath) is missing: run city-node join with the token again, or restore it from its backup"
            )
        }
        guard let key = SigningKey(seed: Array(seed)) else {
            throw Failure(message: "\(keyPath) is damaged: restore it from its backup")
        }
        return key
    }

    // MARK: The local API

    /// The bearer token of the local API, made at the first call; 64 hexadecimal digits.
    package func apiToken() throws -> String {
        let bytes = try secretFile("\(path)/api-token") {
            var generator = SystemRandomNumberGenerator()
            let token = (0..<32).map { _ in UInt8.random(in: 0...255, using: &generator) }
            return Array(token.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined().utf8)
        }
        return String(decoding: bytes, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// Where the running `serve` listens; the file is only to be believed while the lock is held.
    package var servingURL: String? {
        FileManager.default.contents(atPath: "\(path)/serving-url").map { String(decoding: $0, as: UTF8.self) }
    }

    func setServing(url: String?) throws {
        let file = URL(fileURLWithPath: "\(path)/serving-url")
        if let url { try Data(url.utf8).write(to: file, options: .atomic) } else { unlink(file.path) }
    }

    /// A small secret file with mode 0600; the caller of the first use holds the lock.
    private func secretFile(_ path: String, _ make: () -> [UInt8]) throws -> [UInt8] {
        if let data = FileManager.default.contents(atPath: path) { return Array(data) }
        let beside = "\(path).new"
        let descriptor = open(beside, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        guard descriptor >= 0 else {
            throw Failure(message: "cannot write \(path): \(String(cString: strerror(errno)))")
        }
        let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        let bytes = make()
        try handle.write(contentsOf: Data(bytes))
        try handle.synchronize()
        guard rename(beside, path) == 0 else { throw Failure(message: "cannot write \(path)") }
        return bytes
    }
}
