import ArgumentParser
import AsyncHTTPClient
import Foundation
import Terminal

/// `federation-lab drill`.
struct DrillCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drill",
        abstract: "Let real processes live through faults while officers work, and check what their clients saw.",
        discussion: """
            A registry with its private PostgreSQL and three cities over TLS: officers file, also one invoice in two \
            cities at once, ask for payment and pay. Each fault is brought about in their midst; then what was not answered \
            is asked again, all must come to rest, and what every client was ever told or shown is held against the \
            invariants. The table says what was done and seen. Exits 1 when a fault did not occur or an invariant broke.
            """)

    @Option(parsing: .upToNextOption, help: "Only these faults (default: all); `list` names them.")
    var only: [String] = []
    @Option(help: "How often each fault is met; each time one arrival later.") var rounds = 1
    @Option(help: "Seeds the claims.") var seed: UInt64 = 1
    @Option(help: "Write what clients saw to this file, a JSON object a line.") var history: String?
    @Option(help: "Keep logs and stores in this directory.") var keep: String?
    @Flag(help: "Print JSON.") var json = false

    private struct Broken: Error {}

    func validate() throws {
        guard (1...10_000).contains(rounds) else { throw ValidationError("--rounds is 1 to 10000") }
        if only != ["list"], let stranger = only.first(where: { DrillFault(name: $0) == nil }) {
            throw ValidationError("--only \(stranger): there is no such fault; --only list names them")
        }
    }

    func run() async throws {
        if only == ["list"] { return DrillFault.all.forEach { Output.line($0.name) } }
        try await CommandFailure.catching(
            "federation-lab", explain: Self.explain, pass: { $0 is ExitCode }, exit: ExitCode.failure
        ) {
            let federation = try Federation(directory: keep ?? "/tmp/federation-drill-\(getpid())")
            let interrupted = Interruption { federation.stopAll() }
            defer {
                interrupted.end()
                federation.stopAll()
            }
            do { try await play(federation) } catch {
                Output.note("logs are kept in \(federation.directory)")
                throw error
            }
            federation.stopAll()
            if keep == nil { try? FileManager.default.removeItem(atPath: federation.directory) }
        }
    }

    private func play(_ federation: Federation) async throws {
        var configuration = HTTPClient.Configuration()
        // Where nobody listens now, an officer is to know at once.
        configuration.connectionPool.retryConnectionEstablishment = false
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        let officers = Officers(cities: Drill.cities.map(\.code), client: client, seed: seed) { federation.data($0) }
        var drill = Drill(federation: federation, officers: officers) { Output.note("==> \($0)") }
        let result: Result<Void, any Error>
        do {
            try await play(&drill)
            result = .success(())
        } catch { result = .failure(error) }
        try? await client.shutdown()
        if let history { try drill.history.lines.write(to: URL(fileURLWithPath: history)) }
        try result.get()
        if json { try Output.json(drill.report) } else { Output.line(drill.report.text) }
        guard drill.report.holds else { throw Broken() }
    }

    private func play(_ drill: inout Drill) async throws {
        try await drill.prepare()
        let faults = only.isEmpty ? DrillFault.all : only.compactMap(DrillFault.init(name:))
        for round in 0..<rounds {
            for fault in faults { try await drill.run(fault, round: round) }
        }
        try await drill.finish()
    }

    private static func explain(_ error: any Error) -> String {
        error is Broken ? "an invariant is broken, or a fault did not occur: see above" : DemoCommand.explain(error)
    }
}
