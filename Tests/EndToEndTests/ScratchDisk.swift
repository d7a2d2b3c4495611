import Foundation
import Terminal

/// A small file system of its own, which a test may fill up. Making one needs the right to mount.
enum ScratchDisk {
    struct Failure: Error { let message: String }

    /// Whether this process may mount; tried out once.
    static let isPossible: Bool = {
        guard getuid() == 0 else { return false }
        let path = "/tmp/vf-mount-\(UUID().uuidString)"
        guard mkdir(path, 0o700) == 0 else { return false }
        defer { rmdir(path) }
        guard mount(path, megabytes: 1) else { return false }
        unmount(path)
        return true
    }()

    static let reason = "needs root and the right to mount a tmpfs"

    /// Lends a mounted directory to `body`, and unmounts it afterwards.
    static func with<T>(megabytes: Int, _ body: (_ path: String) async throws -> T) async throws -> T {
        let path = "/tmp/vf-disk-\(UUID().uuidString.prefix(8))"
        guard mkdir(path, 0o700) == 0, mount(path, megabytes: megabytes) else {
            throw Failure(message: "cannot mount a tmpfs at \(path)")
        }
        do {
            let value = try await body(path)
            remove(path)
            return value
        } catch {
            remove(path)
            throw error
        }
    }

    /// Takes all the space that is left.
    static func fill(_ path: String) throws {
        let descriptor = open("\(path)/ballast", O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        guard descriptor >= 0 else { throw Failure(message: "cannot write \(path)/ballast") }
        defer { close(descriptor) }
        let page = [UInt8](repeating: 0, count: 4_096)
        while write(descriptor, page, page.count) > 0 {}
    }

    /// Makes the disk larger.
    static func grow(_ path: String, megabytes: Int) throws { try remount(path, "size=\(megabytes)m") }

    /// Lends the disk to `body` while nothing can be written on it.
    static func whileReadOnly(_ path: String, _ body: () async throws -> Void) async throws {
        try remount(path, "ro")
        let result: Result<Void, any Error>
        do { result = .success(try await body()) } catch { result = .failure(error) }
        try remount(path, "rw")
        try result.get()
    }

    private static func remount(_ path: String, _ option: String) throws {
        guard run(["/usr/bin/env", "mount", "-o", "remount,\(option)", path]) else {
            throw Failure(message: "cannot remount \(path) with \(option)")
        }
    }

    /// Gives the space back.
    static func free(_ path: String) { unlink("\(path)/ballast") }

    private static func mount(_ path: String, megabytes: Int) -> Bool {
        run(["/usr/bin/env", "mount", "-t", "tmpfs", "-o", "size=\(megabytes)m,mode=700", "tmpfs", path])
    }

    private static func unmount(_ path: String) { _ = run(["/usr/bin/env", "umount", path]) }

    private static func remove(_ path: String) {
        unmount(path)
        rmdir(path)
    }

    private static func run(_ command: [String]) -> Bool {
        (try? ChildProgram.run(command, output: "/dev/null")) == 0
    }
}
