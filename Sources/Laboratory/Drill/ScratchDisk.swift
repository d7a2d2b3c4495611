import Foundation

/// A small file system of its own in the place of a directory, with all that was in it. Making one needs the right to
/// mount.
struct ScratchDisk: Sendable {
    /// Whether this process may mount; tried out once.
    static let isPossible: Bool = {
        guard getuid() == 0 else { return false }
        let path = "/tmp/federation-mount-\(getpid())"
        guard mkdir(path, 0o700) == 0 else { return false }
        defer { rmdir(path) }
        guard SystemTool.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", path]) else { return false }
        return SystemTool.run(["umount", path])
    }()

    static let reason = "needs root and the right to mount a tmpfs"

    private let path: String
    private var aside: String { "\(path).aside" }
    private var ballast: String { "\(path)/ballast" }

    /// Puts a disk in a directory's place. Nobody may use the directory meanwhile.
    init(over path: String, megabytes: Int) throws {
        self.path = path
        let done =
            rename(path, aside) == 0 && mkdir(path, 0o755) == 0
            && SystemTool.run(["mount", "-t", "tmpfs", "-o", "size=\(megabytes)m,mode=755", "tmpfs", path])
            && SystemTool.run(["cp", "-a", "\(aside)/.", path])
        guard done else { throw Federation.Failure(message: "cannot put a tmpfs in the place of \(path)") }
    }

    /// Takes all the space that is left.
    func fill() throws {
        let descriptor = open(ballast, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        guard descriptor >= 0 else { throw Federation.Failure(message: "cannot write \(ballast)") }
        defer { close(descriptor) }
        let page = [UInt8](repeating: 0, count: 4_096)
        while write(descriptor, page, page.count) > 0 {}
    }

    /// Gives the space back.
    func free() { unlink(ballast) }

    /// Puts the directory back, with what is on the disk now. Nobody may use it meanwhile.
    func remove() throws {
        let done =
            SystemTool.run(["rm", "-rf", aside]) && SystemTool.run(["cp", "-a", path, aside])
            && SystemTool.run(["umount", path])
            && rmdir(path) == 0 && rename(aside, path) == 0
        guard done else { throw Federation.Failure(message: "cannot put \(path) back") }
    }
}
