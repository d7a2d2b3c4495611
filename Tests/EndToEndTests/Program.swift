import Foundation
import Terminal
import Testing

@testable import Laboratory

/// One of the programs, run to its end or started as a daemon.
enum Program: String {
    case city = "city-node"
    case registry = "national-registry"
    case laboratory = "federation-lab"

    /// Runs a verb to its end.
    ///
    /// - Parameters:
    ///   - before: Words in front of the program, such as those of `env`.
    ///   - limit: How long it may take.
    func run(
        _ arguments: [String], after before: [String] = [], within limit: Duration = .seconds(300)
    ) async throws -> CommandResult {
        let files = OutputFiles()
        defer { files.remove() }
        let child = try ChildProgram.start(try command(arguments, before), output: files.output, errors: files.errors)
        let status = try await ChildEnd.wait(for: child, atMost: limit)
        return CommandResult(status: status, output: files.outputText, errors: files.errorText)
    }

    func command(_ arguments: [String], _ before: [String] = []) throws -> [String] {
        before + [try Programs.path(rawValue)] + arguments
    }
}

/// How a command ended, and what it said.
struct CommandResult: Sendable {
    /// The exit code; 128 and the signal's number when a signal ended it.
    let status: Int32
    let output: String
    let errors: String

    /// The last line on standard output: an import's summary.
    var summary: String { output.split(separator: "\n").last.map(String.init) ?? "" }

    /// Standard error has `text`.
    func expectSaid(_ text: String, sourceLocation: SourceLocation = #_sourceLocation) {
        #expect(errors.contains(text), "\(errors)", sourceLocation: sourceLocation)
    }

    func json<T: Decodable>(_ type: T.Type) throws -> T { try JSONDecoder().decode(type, from: Data(output.utf8)) }
}

/// Two files for what a program writes.
struct OutputFiles {
    private let path = "/tmp/vf-output-\(UUID().uuidString)"

    var output: String { path }
    var errors: String { "\(path).errors" }

    var outputText: String { OutputFiles.text(output) }
    var errorText: String { OutputFiles.text(errors) }

    func remove() {
        unlink(output)
        unlink(errors)
    }

    private static func text(_ path: String) -> String {
        String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
    }
}

/// Waits for a child without blocking a thread.
enum ChildEnd {
    struct Failure: Error { let message: String }

    /// - Returns: The exit code; 128 and the signal's number when a signal ended it.
    /// - Throws: ``Failure`` when the child had to be ended after `limit`: asked first, so that it ends what it has started.
    static func wait(for child: pid_t, atMost limit: Duration = .seconds(300)) async throws -> Int32 {
        let deadline = ContinuousClock.now + limit
        var status: Int32 = 0
        while waitpid(child, &status, WNOHANG) != child {
            guard ContinuousClock.now < deadline else {
                kill(child, SIGINT)
                let isGone = try await eventually(within: .seconds(20)) { waitpid(child, &status, WNOHANG) == child }
                if !isGone {
                    kill(child, SIGKILL)
                    waitpid(child, &status, 0)
                }
                throw Failure(message: "process \(child) had not ended after \(limit)")
            }
            try await Task.sleep(for: .milliseconds(10))
        }
        return status & 0x7F == 0 ? (status >> 8) & 0xFF : 128 + (status & 0x7F)
    }
}

/// Looks again and again until a condition holds; it rests as long as a look takes, so that one which runs a program leaves
/// half of a core to what it waits for.
///
/// - Returns: Whether it did within the limit.
func eventually(within limit: Duration = .seconds(60), _ condition: () async throws -> Bool) async throws -> Bool {
    let deadline = ContinuousClock.now + limit
    while true {
        let start = ContinuousClock.now
        if try await condition() { return true }
        let end = ContinuousClock.now
        if end > deadline { return false }
        let rest: Duration = max(.milliseconds(50), min(.seconds(2), end - start))
        try await Task.sleep(for: rest)
    }
}

/// Fails unless a condition comes to hold within a minute.
func expectEventually(
    sourceLocation: SourceLocation = #_sourceLocation, _ condition: () async throws -> Bool
) async throws {
    let holds = try await eventually(condition)
    #expect(holds, sourceLocation: sourceLocation)
}
