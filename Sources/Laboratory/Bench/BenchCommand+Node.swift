import ArgumentParser
import Terminal

extension BenchCommand {
    struct Node: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "A city's node with a million claims: its start, its memory, what it costs when idle, its API.")

        @OptionGroup var options: BenchOptions
        @Option(help: "Claims that the city has filed.") var claims = 1_000_000
        @Option(help: "Seconds without anything to do.") var idle = 60
        @Option(help: "How often each request is made.") var rounds = 500
        @Flag(help: "Look at it without a network alone.") var offline = false

        func run() async throws {
            try await options.run {
                let bench =
                    options.smallest
                    ? NodeBench(claims: 200, idle: .seconds(1), starts: 2, rounds: 3, meetsRegistry: true)
                    : NodeBench(
                        claims: claims, idle: .seconds(idle), starts: 5, rounds: rounds, meetsRegistry: !offline)
                let result = try await bench.run()
                if options.json { return try Output.json(result) }
                Output.line(NodeReport(result).text)
            }
        }
    }
}

/// The figures of ``NodeBench`` as people read them: a column for each condition, beside the aims.
private struct NodeReport {
    let result: NodeBench.Result
    private let conditions: [NodeBench.Condition]

    init(_ result: NodeBench.Result) {
        self.result = result
        conditions = [result.offline, result.connected].compactMap { $0 }
    }

    var text: String {
        let filled =
            "\(result.claims) claims, filed in \(result.filing_seconds.formatted) s; a store of "
            + "\(result.store_megabytes.formatted) MB"
        return ([filled, figures, requests] + conditions.indices.map(details)).joined(separator: "\n\n")
    }

    private var names: [String] { Array(["offline", "connected"].prefix(conditions.count)) }

    private var figures: String {
        var table = TextTable(["figure"] + names + ["aim"], rightAligned: Set(1...3))
        func add(_ name: String, aim: Double? = nil, _ value: (NodeBench.Condition) -> Double) {
            table.add([name] + conditions.map { value($0).formatted } + [aim?.formatted ?? ""])
        }
        add("listening, p50 ms", aim: result.aim_ready_ms, \.listening_p50_ms)
        add("listening, worst ms", \.listening_worst_ms)
        add("first answer, p50 ms", aim: result.aim_ready_ms, \.answered_p50_ms)
        add("first answer, worst ms", \.answered_worst_ms)
        for part in ["program", "store", "pages", "listen"] {
            add("  the last start's \(part), ms") { $0.parts_ms[part] ?? 0 }
        }
        add("resident just after the start, MB", \.started.resident_megabytes)
        add("resident, idle, MB", aim: result.aim_idle_megabytes, \.idle.resident_megabytes)
        add("  shared pages divided, MB", \.idle.proportional_megabytes)
        add("  heaps and stacks, MB", \.idle.anonymous_megabytes)
        add("  in pages of 2 MB, MB", \.idle.huge_megabytes)
        add("resident after the requests, MB", \.worked.resident_megabytes)
        add("resident, idle again, MB", aim: result.aim_idle_megabytes, \.idle_again.resident_megabytes)
        add("the most that was resident, MB", \.idle_again.peak_megabytes)
        add("processor, idle, %", aim: result.aim_idle_percent, \.idle_work.processor_percent)
        add("  by the scheduler's clock, %", \.idle_work.scheduled_percent)
        add("  turns of threads a second", \.idle_work.turns_per_second)
        return table.text
    }

    private var requests: String {
        let columns = names.flatMap { ["\($0) p50 ms", "\($0) p99 ms"] }
        var table = TextTable(["request"] + columns, rightAligned: Set(1...columns.count))
        for (index, request) in result.offline.requests.enumerated() {
            let figures = conditions.flatMap { [$0.requests[index].p50_ms, $0.requests[index].p99_ms] }
            table.add([request.request] + figures.map(\.formatted))
        }
        return table.text
    }

    /// What is resident in an idle node, and which of its threads are busy.
    private func details(_ index: Int) -> String {
        let condition = conditions[index]
        var mappings = TextTable(["\(names[index]), idle: resident in", "MB", "heap MB"], rightAligned: [1, 2])
        for mapping in condition.idle.largest {
            mappings.add([mapping.name, mapping.resident_megabytes.formatted, mapping.anonymous_megabytes.formatted])
        }
        var threads = TextTable(["\(names[index]), idle: thread", "%", "turns a second"], rightAligned: [1, 2])
        for thread in condition.idle_work.busiest {
            threads.add([thread.name, thread.scheduled_percent.formatted, thread.turns_per_second.formatted])
        }
        return mappings.text + "\n\n" + threads.text
    }
}
