import ArgumentParser
import Terminal

struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Measure, side by side in one run, against what PostgreSQL itself can do.",
        discussion: "Wants a release build; --smallest runs the least work in any build, to see that it runs.",
        subcommands: [Ingest.self])

    struct Ingest: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Registry ingest in claims a second, against COPY and against one transaction a claim.")

        @OptionGroup var options: BenchOptions
        @Option(help: "Claims to ingest.") var claims = 51_000

        func run() async throws {
            try await options.run { cluster in
                let bench = IngestBench(
                    claims: options.smallest ? 340 : claims, single: options.smallest ? 34 : 3_400)
                let result = try await bench.run(cluster)
                if options.json { return try Output.json(result) }
                Output.line("ingest                 \(Int(result.ingest_claims_per_second)) claims/s")
                Output.line("COPY of the same rows  \(Int(result.floor_claims_per_second)) claims/s")
                Output.line("a transaction a claim  \(Int(result.single_claims_per_second)) claims/s, 17 connections")
                Output.line("ingest / COPY          \(result.ratio_to_floor.formatted)")
                Output.line("ingest / transaction   \(result.ratio_to_single.formatted)")
            }
        }
    }
}

struct BenchOptions: ParsableArguments {
    @Flag(help: "The least work, in any build: a functional test, no measurement.") var smallest = false
    @Flag(help: "Print JSON.") var json = false

    func run(_ body: (BenchCluster) async throws -> Void) async throws {
        #if DEBUG
        guard smallest else {
            Output.note("federation-lab: a debug build measures nothing: swift build -c release, or --smallest")
            throw ExitCode.failure
        }
        #endif
        try await CommandFailure.catching(
            "federation-lab", explain: DemoCommand.explain, pass: { $0 is ExitCode }, exit: ExitCode.failure
        ) {
            let cluster = try BenchCluster()
            defer { cluster.remove() }
            try await body(cluster)
        }
    }
}

extension Double {
    /// Two decimals.
    var formatted: String { String((self * 100).rounded() / 100) }
}
