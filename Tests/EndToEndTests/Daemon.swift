import Foundation
import Terminal

/// A `serve` that was started, is ready, and is ended by its process id.
final class Daemon: Sendable {
    struct Failure: Error { let message: String }

    let process: pid_t
    /// Where it said that it listens.
    let url: String

    private init(process: pid_t, url: String) {
        self.process = process
        self.url = url
    }

    var port: Int { Int(url.split(separator: ":").last ?? "") ?? 0 }

    /// Lends a running `serve` to `body`, and ends it however that went.
    ///
    /// - Parameter before: Words in front of the program, such as those of `env`.
    static func with<T>(
        _ program: Program, _ arguments: [String], after before: [String] = [], _ body: (Daemon) async throws -> T
    ) async throws -> T {
        let files = OutputFiles()
        defer { files.remove() }
        let daemon = try await start(program, arguments, before, files)
        do {
            let value = try await body(daemon)
            try await daemon.stopIfRunning()
            return value
        } catch {
            try await daemon.stopIfRunning()
            throw error
        }
    }

    private static func start(
        _ program: Program, _ arguments: [String], _ before: [String], _ files: OutputFiles
    ) async throws -> Daemon {
        let command = try program.command(["serve"] + arguments + ["--listen", "127.0.0.1:0"], before)
        let child = try ChildProgram.start(command, output: files.output, errors: files.errors)
        var line = ""
        let isReady = try await eventually {
            line = files.outputText
            return line.hasSuffix("\n") || waitpid(child, nil, WNOHANG) == child
        }
        guard isReady, line.hasPrefix("listening on ") else {
            kill(child, SIGKILL)
            waitpid(child, nil, 0)
            throw Failure(message: "\(program.rawValue) serve was not ready: \(files.errorText)")
        }
        let url = line.dropFirst("listening on ".count).trimmingCharacters(in: .whitespacesAndNewlines)
        return Daemon(process: child, url: url)
    }

    /// Sends a signal and waits for the end.
    ///
    /// - Returns: The exit code.
    func stop(_ signal: Int32 = SIGTERM) async throws -> Int32 {
        kill(process, signal)
        return try await ChildEnd.wait(for: process, atMost: .seconds(30))
    }

    private func stopIfRunning() async throws {
        // A process that was waited for is no child of ours any more.
        if waitpid(process, nil, WNOHANG) == 0 { _ = try await stop() }
    }
}
