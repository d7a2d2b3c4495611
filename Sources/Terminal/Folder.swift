package import Foundation

/// Folders that the programs make for themselves.
package enum Folder {
    package struct Failure: Error { package let message: String }

    /// Makes a folder and those above it; one that is there stays as it is.
    ///
    /// - Throws: ``Failure``, which names the path and the system's reason.
    package static func make(_ path: String, mode: mode_t = 0o700) throws {
        var missing: [String] = []
        var url = URL(fileURLWithPath: path).standardizedFileURL
        while !isFolder(url.path), url.path != "/" {
            missing.append(url.path)
            url.deleteLastPathComponent()
        }
        for folder in missing.reversed() where mkdir(folder, mode) != 0 && !isFolder(folder) {
            let reason = String(cString: strerror(errno))
            throw Failure(message: "cannot make the directory \(path): \(reason); name another")
        }
    }

    private static func isFolder(_ path: String) -> Bool {
        var status = stat()
        let (code, result) = (errno, stat(path, &status))
        errno = code
        return result == 0 && status.st_mode & S_IFMT == S_IFDIR
    }
}
