import Foundation

/// The files and connections that this process may have open.
package enum OpenFiles {
    /// The most that a server asks for.
    private static let most: rlim_t = 65_536
    /// What is left to the database, to files and to a command beside.
    private static let kept = 128

    /// Raises the process's limit as far as the system lets it.
    ///
    /// - Returns: How many connections a server may accept: it stops accepting there, instead of failing.
    package static func mostConnections() -> Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 512 }
        limit.rlim_cur = min(limit.rlim_max, most)
        _ = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        return max(64, Int(limit.rlim_cur) - kept)
    }
}
