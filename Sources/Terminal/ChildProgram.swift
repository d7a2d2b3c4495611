package import Foundation

/// Another program, started and waited for by process id.
///
/// Not Foundation's `Process`: that one waits for a descriptor which a server left behind by the child inherits,
/// and so would wait for as long as the server lives.
package enum ChildProgram {
    package struct Failure: Error { package let message: String }

    /// Starts a program in a process group of its own: Ctrl-C is for us, and we stop the child in our own order.
    ///
    /// - Parameters:
    ///   - output: The file for standard output; a file, so that nothing waits on a pipe.
    ///   - errors: The file for standard error, added to at its end; `nil` sends it where the output goes.
    ///   - variables: What its environment has besides ours, or instead.
    package static func start(
        _ command: [String], output: String, errors: String? = nil, variables: [String: String] = [:]
    ) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        if let errors {
            posix_spawn_file_actions_addopen(&actions, 2, errors, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        } else {
            posix_spawn_file_actions_adddup2(&actions, 1, 2)
        }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
        var arguments: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        let environment = ProcessInfo.processInfo.environment.merging(variables) { $1 }
        var entries: [UnsafeMutablePointer<CChar>?] = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for entry in entries { free(entry) } }
        var child: pid_t = 0
        let spawned = posix_spawn(&child, command[0], &actions, &attributes, &arguments, &entries)
        guard spawned == 0 else {
            throw Failure(message: "cannot run \(command[0]): \(String(cString: strerror(spawned)))")
        }
        return child
    }

    /// How a child ended, which stays to be waited for.
    ///
    /// - Returns: The signal that ended it, 0 when it ended by itself; `nil` while it runs.
    package static func ending(of child: pid_t) -> Int32? {
        var status = siginfo_t()
        // While it runs nothing is written.
        guard waitid(P_PID, id_t(child), &status, WEXITED | WNOHANG | WNOWAIT) == 0, status.si_signo == SIGCHLD
        else { return nil }
        return status.si_code == CLD_EXITED ? 0 : status._sifields._sigchld.si_status
    }

    /// Waits for a child to end, blocking the calling thread.
    ///
    /// - Returns: The exit status; 255 when a signal ended it.
    @discardableResult
    package static func wait(_ child: pid_t) -> Int32 {
        var status: Int32 = 0
        while waitpid(child, &status, 0) < 0 && errno == EINTR {}
        return status & 0x7F == 0 ? (status >> 8) & 0xFF : 255
    }

    /// Runs a program to its end, blocking the calling thread.
    package static func run(
        _ command: [String], output: String, errors: String? = nil, variables: [String: String] = [:]
    ) throws -> Int32 {
        wait(try start(command, output: output, errors: errors, variables: variables))
    }
}
