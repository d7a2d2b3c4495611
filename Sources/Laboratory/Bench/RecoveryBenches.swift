import ArgumentParser
import Terminal

extension BenchCommand {
    struct Rebuild: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "A city's store rebuilt from the registry, against SQLite loading the same rows.")

        @OptionGroup var options: BenchOptions
        @OptionGroup var record: RecordOption
        @Option(help: "Entries in the city's log.") var entries = 1_000_000

        func run() async throws {
            try await options.run {
                let cluster = try BenchCluster()
                defer { cluster.remove() }
                let result = try await RebuildBench(entries: options.smallest ? 500 : entries).run(cluster)
                try record.write(
                    [
                        .rebuildEntriesPerSecond: result.entries_per_second,
                        .cityBytesPerOwnEntry: result.own_bytes_per_entry,
                        .cityBytesPerNationEntry: result.nation_bytes_per_entry,
                    ], by: "bench rebuild --entries \(result.entries)")
                if options.json { return try Output.json(result) }
                Output.line("entries                \(result.entries), \(result.rows) rows")
                Output.line("own log taken back     \(result.log_seconds.formatted) s")
                Output.line("feed applied           \(result.feed_seconds.formatted) s")
                Output.line("SQLite, the same rows  \(result.floor_seconds.formatted) s")
                Output.line("rebuild / SQLite       \(result.ratio_to_floor.formatted)")
                Output.line(
                    "bytes for an entry     \(Int(result.own_bytes_per_entry)) of the city's own, "
                        + "\(Int(result.nation_bytes_per_entry)) of any city's")
            }
        }
    }

    struct Refill: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "A restored registry refilled by 17 cities, against the rate of taking the same entries in.")

        @OptionGroup var options: BenchOptions
        @OptionGroup var record: RecordOption
        @Option(help: "Entries that were lost.") var entries = 1_000_000

        func run() async throws {
            try await options.run {
                let cluster = try BenchCluster()
                defer { cluster.remove() }
                let result = try await RefillBench(entries: options.smallest ? 340 : entries).run(cluster)
                try record.write(
                    [.refillEntriesPerSecond: result.refill_entries_per_second],
                    by: "bench refill --entries \(result.entries)")
                if options.json { return try Output.json(result) }
                Output.line("taken in               \(Int(result.ingest_entries_per_second)) entries/s")
                Output.line("refilled and decided   \(Int(result.refill_entries_per_second)) entries/s")
                Output.line(
                    "of \(result.refill_seconds.formatted) s      \(result.collecting_seconds.formatted) s of taking back"
                )
                Output.line("refill / ingest        \(result.ratio_to_ingest.formatted)")
            }
        }
    }

    struct Catchup: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "A fresh claim's decision while another city sends a month's backlog, against an idle federation."
        )

        @OptionGroup var options: BenchOptions
        @Option(help: "Entries that the late city has to send.") var backlog = 200_000
        @Option(help: "Claims to file one after the other in the idle federation.") var rounds = 300

        func run() async throws {
            try await options.run {
                let bench = CatchupBench(
                    backlog: options.smallest ? 400 : backlog, rounds: options.smallest ? 5 : rounds)
                let result = try await bench.run()
                if options.json { return try Output.json(result) }
                Output.line("backlog              \(Int(result.backlog_entries_per_second)) entries/s")
                Output.line("                     p50 ms   p99 ms")
                Output.line(
                    "idle                 \(result.idle_p50_ms.formatted)     \(result.idle_p99_ms.formatted)")
                Output.line(
                    "during the backlog   \(result.fresh_p50_ms.formatted)     \(result.fresh_p99_ms.formatted)")
                Output.line("ratio                \(result.ratio_p50.formatted)     \(result.ratio_p99.formatted)")
                Output.line("own fresh claim      \(result.own_fresh_ms.formatted) ms, behind the backlog")
            }
        }
    }
}
