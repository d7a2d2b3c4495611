import Foundation
import Synchronization
import Terminal

/// A whole federation of real processes in one directory: a registry with its private PostgreSQL, and city nodes.
final class Federation: Sendable {
    struct Failure: Error { let message: String }

    let directory: String
    private let registryProgram: String
    private let cityProgram: String
    private struct Running { var registry: pid_t?, cities: [String: pid_t] = [:] }
    private let running = Mutex(Running())

    init(directory: String) throws {
        self.directory = directory
        registryProgram = try Programs.path("national-registry")
        cityProgram = try Programs.path("city-node")
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        // The account of the private PostgreSQL must be able to reach its files; each of those is private itself.
        chmod(directory, 0o755)
    }

    private var database: String { "\(directory)/registry" }
    private var urlFile: String { "\(directory)/registry-url" }

    func data(_ city: String) -> String { "\(directory)/city-\(city)" }

    // MARK: Processes

    /// Starts the registry, on the same port as before when it ran before.
    func startRegistry() async throws {
        let known = FileManager.default.contents(atPath: urlFile).map { String(decoding: $0, as: UTF8.self) }
        let port = known?.split(separator: ":").last.map(String.init) ?? "0"
        let output = "\(directory)/registry.out"
        let child = try ChildProgram.start(
            [registryProgram, "serve", "--embedded-postgres", database, "--listen", "127.0.0.1:\(port)"],
            output: output, errors: "\(directory)/registry.log")
        running.withLock { $0.registry = child }
        let url = try await ready(child, output, "the registry", log: "\(directory)/registry.log")
        try Data(url.utf8).write(to: URL(fileURLWithPath: urlFile), options: .atomic)
    }

    /// Starts a city's node.
    ///
    /// - Parameter offline: Give it a registry address where nobody answers.
    func startCity(_ city: String, offline: Bool = false) async throws {
        let output = "\(data(city)).out"
        var command = [cityProgram, "serve", "--data", data(city), "--listen", "127.0.0.1:0"]
        if offline { command += ["--registry", "https://127.0.0.1:1"] }
        let child = try ChildProgram.start(command, output: output, errors: "\(data(city)).log")
        running.withLock { $0.cities[city] = child }
        _ = try await ready(child, output, "city \(city)", log: "\(data(city)).log")
    }

    /// Waits for the first line on standard output, which a daemon writes once it is ready.
    private func ready(_ child: pid_t, _ output: String, _ who: String, log: String) async throws -> String {
        for _ in 0..<1_200 {
            if let data = FileManager.default.contents(atPath: output), data.contains(UInt8(ascii: "\n")) {
                let line = String(decoding: data, as: UTF8.self).split(separator: "\n")[0]
                return String(line.dropFirst("listening on ".count))
            }
            if waitpid(child, nil, WNOHANG) == child { throw Failure(message: "\(who) ended at once: see \(log)") }
            try await Task.sleep(for: .milliseconds(50))
        }
        throw Failure(message: "\(who) was not ready within a minute: see \(log)")
    }

    /// Ends a city's node and waits for it.
    func stopCity(_ city: String, signal: Int32 = SIGTERM) {
        if let child = running.withLock({ $0.cities.removeValue(forKey: city) }) { end(child, signal) }
    }

    /// Ends the registry and waits for it.
    func stopRegistry(signal: Int32 = SIGTERM) {
        if let child = running.withLock({ running in
            defer { running.registry = nil }
            return running.registry
        }) { end(child, signal) }
    }

    private func end(_ child: pid_t, _ signal: Int32) {
        kill(child, signal)
        ChildProgram.wait(child)
    }

    /// Ends every process, cities first.
    func stopAll() {
        let cities = running.withLock { running in
            defer { running.cities = [:] }
            return running.cities.values.sorted()
        }
        for child in cities { kill(child, SIGTERM) }
        for child in cities { ChildProgram.wait(child) }
        stopRegistry()
    }

    // MARK: Commands

    /// Runs a verb of `national-registry`.
    func registry(_ arguments: [String]) async throws -> Data {
        try await run([registryProgram] + arguments + ["--embedded-postgres", database]).get()
    }

    /// Runs a verb of `city-node`.
    func city(_ city: String, _ arguments: [String]) async throws -> Data {
        try await run([cityProgram] + arguments + ["--data", data(city)]).get()
    }

    /// Imports a file; rows that are refused are no failure here, they are counted later.
    func importFile(_ city: String, _ kind: String, _ file: String) async throws {
        _ = try await run([cityProgram, "import", kind, file, "--data", data(city)], accepting: [0, 1]).get()
    }

    private func run(_ command: [String], accepting: [Int32] = [0]) async -> Result<Data, any Error> {
        let directory = directory
        return await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                continuation.resume(
                    returning: Result {
                        let output = "\(directory)/command-\(UUID().uuidString)"
                        defer {
                            unlink(output)
                            unlink("\(output).errors")
                        }
                        let status = try ChildProgram.run(command, output: output, errors: "\(output).errors")
                        guard accepting.contains(status) else {
                            let errors = FileManager.default.contents(atPath: "\(output).errors") ?? Data()
                            throw Failure(message: "\(command.dropFirst().prefix(2).joined(separator: " ")): \(String(decoding: errors, as: UTF8.self))")
                        }
                        return FileManager.default.contents(atPath: output) ?? Data()
                    })
            }
        }
    }
}
