package import Foundation

/// Folders that the programs make for themselves.
package enum Folder {
    package struct Failure: Error { package let message: String }

    /// Makes a folder and those above it; one that is there stays as it is.
    ///
    /// - Throws: ``Failure``, which names the path and the system's reason.
    package static func make(_ path: String, mode: mode_t = 0o700) throws {
        if mkdir(path, mode) == 0 || (errno == EEXIST && isFolder(path)) { return }
        guard errno == ENOENT else { throw failure(path) }
        let parent = URL(fileURLWithPath: path).deletingLastPathComponent().path
        guard parent != path else { throw failure(path) }
        try make(parent, mode: mode)
        guard mkdir(path, mode) == 0 || errno == EEXIST else { throw failure(path) }
    }

    private static func isFolder(_ path: String) -> Bool {
        var status = stat()
        let isFolder = stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
        errno = EEXIST
        return isFolder
    }

    private static func failure(_ path: String) -> Failure {
        Failure(message: "cannot make the directory \(path): \(String(cString: strerror(errno))); name another")
    }
}
