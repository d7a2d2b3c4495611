import ArgumentParser
import Terminal

struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Measure, side by side in one run, against what the database itself can do.",
        discussion: "Wants a release build; --smallest runs the least work in any build, to see that it runs.",
        subcommands: [
            Ingest.self, Latency.self, Check.self, Node.self, Rebuild.self, Refill.self, Catchup.self, Reconnect.self,
            Query.self, Growth.self, Handover.self,
        ])

    struct Ingest: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Registry ingest in claims a second, against COPY and against one transaction a claim.")

        @OptionGroup var options: BenchOptions
        @Option(help: "Claims to ingest.") var claims = 51_000

        func run() async throws {
            try await options.run {
                let cluster = try BenchCluster()
                defer { cluster.remove() }
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

extension BenchCommand {
    struct Latency: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "From a city's commit to the decision applied in the city, idle, against one claim transaction.")

        @OptionGroup var options: BenchOptions
        @Option(help: "Claims to file, one after the other.") var rounds = 500

        func run() async throws {
            try await options.run {
                let result = try await LatencyBench(rounds: options.smallest ? 5 : rounds).run()
                if options.json { return try Output.json(result) }
                Output.line("                     p50 ms   p99 ms")
                Output.line(
                    "decision applied     \(result.decision_p50_ms.formatted)     \(result.decision_p99_ms.formatted)")
                Output.line(
                    "claim transaction    \(result.transaction_p50_ms.formatted)     \(result.transaction_p99_ms.formatted)"
                )
                Output.line("ratio                \(result.ratio_p50.formatted)     \(result.ratio_p99.formatted)")
            }
        }
    }

    struct Check: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "The pre-check of an offline city, with ten thousand and with ten million keys.")

        @OptionGroup var options: BenchOptions
        @Option(help: "Checks at each size.") var questions = 20_000

        func run() async throws {
            try await options.run {
                let bench =
                    options.smallest
                    ? CheckBench(sizes: [1_000], questions: 100)
                    : CheckBench(sizes: [10_000, 10_000_000], questions: questions)
                let results = try bench.run()
                if options.json { return try Output.json(results) }
                var table = TextTable(
                    [
                        "keys", "p50 µs", "p99 µs", "p99.9 µs", "bytes a key", "deriving p50", "hashing p50",
                        "first p50", "first p99",
                    ], rightAligned: Set(0...8))
                for result in results {
                    let figures = [
                        result.p50_us, result.p99_us, result.p999_us, result.bytes_per_key, result.deriving_p50_us,
                        result.hashing_p50_us, result.first_p50_us, result.first_p99_us,
                    ]
                    table.add([String(result.keys)] + figures.map(\.formatted))
                }
                let aim = CheckBench.aim
                table.add(
                    ["aim", "", aim.p99Microseconds.formatted, "", aim.bytesPerKey.formatted, "", "", "", ""])
                Output.line(table.text)
            }
        }
    }
}

extension BenchCommand {
    struct Reconnect: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "A thousand cities that come back at one moment, against one city that sends as much.")

        @OptionGroup var options: BenchOptions
        @OptionGroup var record: RecordOption
        @Option(help: "Cities that come back.") var cities = 1_000
        @Option(help: "Claims of each.") var claims = 100

        func run() async throws {
            try await options.run {
                let cluster = try BenchCluster()
                defer { cluster.remove() }
                let bench =
                    options.smallest
                    ? ReconnectBench(cities: 20, claims: 4) : ReconnectBench(cities: cities, claims: claims)
                let result = try await bench.run(cluster)
                try record.write(
                    [.registryMegabytes: result.registry_peak_megabytes * 1_000 / Double(result.cities)],
                    by: "bench reconnect --cities \(result.cities)")
                if options.json { return try Output.json(result) }
                Output.line("all decided            \(result.drained_seconds.formatted) s, \(result.entries) entries")
                Output.line("of one city            \(result.one_city_seconds.formatted) s")
                Output.line("ratio                  \(result.ratio_to_one_city.formatted)")
                Output.line(
                    "receipt of a city      \(result.receipt_p50_seconds.formatted) s p50, "
                        + "\(result.receipt_last_seconds.formatted) s the last, \(result.ratio_last_to_p50.formatted) times p50"
                )
                Output.line("requests sent again    \(result.requests_sent_again)")
                Output.line("registry's memory      \(result.registry_peak_megabytes.formatted) MB at most")
            }
        }
    }
}

extension BenchCommand {
    struct Query: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "The questions of operators and auditors, at a registry with many claims.",
            discussion: "Exits 1 when a question reads a table from end to end that grows with the claims.")

        @OptionGroup var options: BenchOptions
        @Option(help: "Claims that the registry has.") var claims = 10_000_000
        @Option(help: "How often each question is asked.") var rounds = 200
        @Option(help: "Keep the registry in this directory; one that is kept there is asked at once.")
        var directory: String?

        func run() async throws {
            try await options.run {
                let cluster = try BenchCluster(kept: directory)
                defer { cluster.remove() }
                let bench = QueryBench(
                    claims: options.smallest ? 340 : claims, rounds: options.smallest ? 3 : rounds)
                let results = try await bench.run(cluster)
                try show(results)
                let isRead = results.contains { !$0.whole_tables.isEmpty }
                // Of a small table nothing is quicker.
                guard options.smallest || !isRead else {
                    Output.note("federation-lab: a question reads a large table whole")
                    throw ExitCode.failure
                }
            }
        }

        private func show(_ results: [QueryBench.Result]) throws {
            if options.json { return try Output.json(results) }
            var table = TextTable(["question", "p50 ms", "p99 ms", "tables read whole"], rightAligned: [1, 2])
            for result in results {
                table.add([
                    result.question, result.p50_ms.formatted, result.p99_ms.formatted,
                    result.whole_tables.joined(separator: " "),
                ])
            }
            Output.line(table.text)
        }
    }
}

extension BenchCommand {
    struct Handover: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "From the end of the registry server that decides, or of its connection, to the next decision.")

        @OptionGroup var options: BenchOptions
        @Option(help: "How often a server is killed, and how often its connection to the database is cut.")
        var rounds = 20

        func run() async throws {
            try await options.run {
                let result = try await HandoverBench(rounds: options.smallest ? 2 : rounds).run()
                if options.json { return try Output.json(result) }
                Output.line("\(result.servers) servers           p50 ms   most ms")
                Output.line(
                    "nothing fails        \(result.idle_p50_ms.formatted)     \(result.idle_most_ms.formatted)")
                Output.line(
                    "arbiter killed       \(result.killed_p50_ms.formatted)     \(result.killed_most_ms.formatted)")
                Output.line("connection cut       \(result.cut_p50_ms.formatted)     \(result.cut_most_ms.formatted)")
            }
        }
    }
}

struct BenchOptions: ParsableArguments {
    @Flag(help: "The least work, in any build: a functional test, no measurement.") var smallest = false
    @Flag(help: "Print JSON.") var json = false

    func run(_ body: () async throws -> Void) async throws {
        #if DEBUG
            guard smallest else {
                Output.note("federation-lab: a debug build measures nothing: swift build -c release, or --smallest")
                throw ExitCode.failure
            }
        #endif
        try await CommandFailure.catching(
            "federation-lab", explain: DemoCommand.explain, pass: { $0 is ExitCode }, exit: ExitCode.failure
        ) { try await body() }
    }
}

extension Double {
    /// Two decimals.
    var formatted: String { String((self * 100).rounded() / 100) }
}
