import Failpoints
package import Foundation
import Synchronization
import Terminal

/// A whole federation of real processes in one directory: a registry, by default with a private PostgreSQL, and city nodes.
package final class Federation: Sendable {
    struct Failure: Error { let message: String }

    package let directory: String
    /// The options that name the registry's database.
    private let storage: [String]
    private let registryProgram: String
    private let cityProgram: String
    private struct Running { var registries: [Int: pid_t] = [:], cities: [String: pid_t] = [:] }
    private let running = Mutex(Running())

    /// - Parameter storage: The options of `national-registry` that name its database; `nil` for a private one.
    package init(directory: String, storage: [String]? = nil) throws {
        self.directory = directory
        self.storage = storage ?? ["--embedded-postgres", "\(directory)/registry"]
        registryProgram = try Programs.path("national-registry")
        cityProgram = try Programs.path("city-node")
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        // The account of the private PostgreSQL must be able to reach its files; each of those is private itself.
        chmod(directory, 0o755)
    }

    /// The directory of the private PostgreSQL.
    var database: String { "\(directory)/registry" }

    /// Where a registry server said that it listens.
    private func urlFile(_ number: Int) -> String { "\(directory)/registry-\(number).url" }

    /// What a registry server writes to standard error.
    private func logFile(_ number: Int) -> String { "\(directory)/registry-\(number).log" }

    /// The port of the first registry server.
    var registryPort: UInt16 { get throws { try registryPort(1) } }

    /// The port of a registry server, which it keeps when it is started again.
    func registryPort(_ number: Int) throws -> UInt16 {
        let url = try String(contentsOfFile: urlFile(number), encoding: .utf8)
        guard let port = url.split(separator: ":").last.flatMap({ UInt16($0) }) else {
            throw Failure(message: "\(urlFile(number)) names no port")
        }
        return port
    }

    /// Whether a registry server has ever run.
    func hasStartedRegistry(_ number: Int) -> Bool { FileManager.default.fileExists(atPath: urlFile(number)) }

    /// What a registry server has written to standard error, in all of its lives.
    func registryLog(_ number: Int) -> String {
        let data = FileManager.default.contents(atPath: logFile(number)) ?? Data()
        return String(decoding: data, as: UTF8.self)
    }

    func data(_ city: String) -> String { "\(directory)/city-\(city)" }

    // MARK: Processes

    /// Starts a registry server, on the same port as before when it ran before.
    ///
    /// - Parameter number: Which of several servers on the one database.
    package func startRegistry(_ number: Int = 1) async throws {
        try await startRegistry(number, death: nil)
    }

    /// Starts a registry server as ``startRegistry(_:)`` does.
    ///
    /// - Parameters:
    ///   - storage: The options that name its database.
    ///   - words: What goes in front of the command.
    ///   - host: Where it listens.
    ///   - options: More options of `serve`.
    ///   - death: Where it is to die; it may do so before it is ready.
    func startRegistry(
        _ number: Int = 1, storage: [String]? = nil, words: [String] = [], host: String = "127.0.0.1",
        options: [String] = [], death: Death?
    ) async throws {
        let port = (try? registryPort(number)) ?? 0
        let output = "\(directory)/registry-\(number).out"
        let log = logFile(number)
        let command =
            [registryProgram, "serve"] + (storage ?? self.storage) + ["--listen", "\(host):\(port)"] + options
        let child = try ChildProgram.start(words + Death.words(death) + command, output: output, errors: log)
        running.withLock { $0.registries[number] = child }
        guard let url = try await ready(child, output, "registry server \(number)", log: log, mayDie: death != nil)
        else { return }
        try Data(url.utf8).write(to: URL(fileURLWithPath: urlFile(number)), options: .atomic)
    }

    /// Starts a city's node.
    ///
    /// - Parameters:
    ///   - offline: Give it a registry address where nobody answers.
    ///   - server: The registry server it talks to; `nil` for the one in its join token.
    package func startCity(_ city: String, offline: Bool = false, server: Int? = nil) async throws {
        var options = offline ? ["--registry", "https://127.0.0.1:1"] : []
        if let server { options += ["--registry", try String(contentsOfFile: urlFile(server), encoding: .utf8)] }
        try await startCity(city, options, death: nil)
    }

    /// Starts a city's node.
    ///
    /// - Parameters:
    ///   - options: More options of `serve`.
    ///   - words: What goes in front of the command.
    ///   - death: Where it is to die; it may do so before it is ready.
    func startCity(_ city: String, _ options: [String] = [], words: [String] = [], death: Death?) async throws {
        let output = "\(data(city)).out"
        let command =
            words + Death.words(death) + [cityProgram, "serve", "--data", data(city), "--listen", "127.0.0.1:0"]
            + options
        let child = try ChildProgram.start(command, output: output, errors: "\(data(city)).log")
        running.withLock { $0.cities[city] = child }
        _ = try await ready(child, output, "city \(city)", log: "\(data(city)).log", mayDie: death != nil)
    }

    /// Waits for the first line on standard output, which a daemon writes once it is ready.
    ///
    /// - Returns: Where it listens; `nil` when it may die and is dead, though nobody has waited for it yet.
    private func ready(
        _ child: pid_t, _ output: String, _ who: String, log: String, mayDie: Bool
    ) async throws -> String? {
        // Often, because the benches time it.
        for _ in 0..<30_000 {
            if let data = FileManager.default.contents(atPath: output), data.contains(UInt8(ascii: "\n")) {
                let line = String(decoding: data, as: UTF8.self).split(separator: "\n")[0]
                return String(line.dropFirst("listening on ".count))
            }
            if mayDie, ChildProgram.ending(of: child) == SIGKILL { return nil }
            if waitpid(child, nil, WNOHANG) == child { throw Failure(message: "\(who) ended at once: see \(log)") }
            try await Task.sleep(for: .milliseconds(2))
        }
        throw Failure(message: "\(who) was not ready within a minute: see \(log)")
    }

    /// Ends a city's node and waits for it.
    package func stopCity(_ city: String, signal: Int32 = SIGTERM) {
        if let child = running.withLock({ $0.cities.removeValue(forKey: city) }) { end(child, signal) }
    }

    /// Ends a registry server and waits for it.
    package func stopRegistry(_ number: Int = 1, signal: Int32 = SIGTERM) {
        if let child = running.withLock({ $0.registries.removeValue(forKey: number) }) { end(child, signal) }
    }

    /// Whether the process of a city, or of the first registry server for `nil`, has been killed.
    ///
    /// - Throws: ``Failure`` when it ended in another way.
    func isKilled(city: String?) throws -> Bool {
        let child = running.withLock { running in city.map { running.cities[$0] } ?? running.registries[1] }
        guard let ending = child.flatMap({ ChildProgram.ending(of: $0) }) else { return false }
        guard ending == SIGKILL else {
            throw Failure(
                message: "\(city ?? "the registry") ended with signal \(ending): see the logs in \(directory)")
        }
        return true
    }

    /// The most memory that the first registry server has had at a time, in bytes.
    func registryPeakMemory() throws -> Int {
        guard let child = running.withLock({ $0.registries[1] }) else {
            throw Failure(message: "the registry does not run")
        }
        return try ProcessFigures(process: child).statusKilobytes("VmHWM:") << 10
    }

    /// What a city's node costs.
    func figures(ofCity city: String) throws -> ProcessFigures {
        guard let child = running.withLock({ $0.cities[city] }) else {
            throw Failure(message: "city \(city) does not run")
        }
        return ProcessFigures(process: child)
    }

    private func end(_ child: pid_t, _ signal: Int32) {
        kill(child, signal)
        ChildProgram.wait(child)
    }

    /// Ends every process, cities first.
    package func stopAll() {
        let (cities, registries) = running.withLock { running in
            defer { running = Running() }
            return (running.cities.values.sorted(), running.registries.values.sorted())
        }
        for children in [cities, registries] {
            for child in children { kill(child, SIGTERM) }
            for child in children { ChildProgram.wait(child) }
        }
    }

    // MARK: Commands

    /// Runs a verb of `national-registry`.
    package func registry(_ arguments: [String]) async throws -> Data {
        try await run([registryProgram] + arguments + storage).get()
    }

    /// Runs a verb of `city-node`.
    package func city(_ city: String, _ arguments: [String]) async throws -> Data {
        try await run([cityProgram] + arguments + ["--data", data(city)]).get()
    }

    /// Imports a file; rows that are refused are no failure here, they are counted later.
    package func importFile(_ city: String, _ kind: String, _ file: String) async throws {
        _ = try await run([cityProgram, "import", kind, file, "--data", data(city)], accepting: [0, 1]).get()
    }

    /// Makes a directory the node of a city, enrolling the city first.
    package func join(_ city: Sample.City) async throws {
        let token = try await registry(["city", "enroll", city.code, city.name])
        let file = "\(directory)/token-\(city.code)"
        try token.write(to: URL(fileURLWithPath: file))
        defer { unlink(file) }
        _ = try await self.city(city.code, ["join", "--token-file", file])
    }

    /// Every claim of a city, as its node shows it.
    package func claims(of city: String, state: String? = nil) async throws -> [DecidedClaim] {
        struct List: Decodable { let items: [DecidedClaim] }
        let filter = state.map { ["--state", $0] } ?? []
        return try JSONDecoder().decode(
            List.self, from: try await self.city(city, ["claim", "list", "--json"] + filter)
        ).items
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
                            throw Failure(
                                message:
                                    "\(command.dropFirst().prefix(2).joined(separator: " ")): \(String(decoding: errors, as: UTF8.self))"
                            )
                        }
                        return FileManager.default.contents(atPath: output) ?? Data()
                    })
            }
        }
    }
}
