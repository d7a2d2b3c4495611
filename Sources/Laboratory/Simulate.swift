import ArgumentParser
import Foundation
import Simulation
import Terminal

/// `federation-lab simulate`.
struct SimulateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate",
        abstract: "Run whole federations in one process, from seeds, with faults of every kind.",
        discussion: """
            Each seed is a world of its own: production's code, virtual time, a network, disks and clocks that fail. When \
            all faults have ended, everything must drain, and no invariant may be broken. Exits 1 when a seed failed; a \
            smaller plan that still fails is then looked for. One seed prints its digest; of many, what occurred is \
            counted, and what never occurred is named.
            """)

    @Option(help: "The first seed.") var seed: UInt64 = 1
    @Option(help: "How many seeds, one after the other.") var seeds: UInt64 = 1
    @Option(help: "Cities, 2 to 60 (default: drawn from the seed).") var cities: Int?
    @Option(help: "Steps of officers and misfortune before all faults end (default: the profile's).") var steps: Int?
    @Option(help: "How large and hostile a run is: quick, swarm or hostile.") var profile = FaultPlan.Profile.quick
    @Option(help: "Kinds of faults to leave out, separated by commas.") var without = ""
    @Option(help: "Write what happened to this file; of one seed.") var trace: String?
    @Flag(help: "Run each seed in two processes with other hash seeds, and compare the digests.") var hashCheck = false

    private struct SeedsFailed: Error { let count: Int }

    func validate() throws {
        guard (1...1_000_000_000).contains(seeds) else { throw ValidationError("--seeds is 1 to 1000000000") }
        if let cities, !(2...60).contains(cities) { throw ValidationError("--cities is 2 to 60") }
        if let steps, !(1...100_000).contains(steps) { throw ValidationError("--steps is 1 to 100000") }
        if trace != nil, seeds > 1 { throw ValidationError("--trace writes one seed: leave --seeds out") }
        if let stranger = names.first(where: { FaultKind(rawValue: $0) == nil }) {
            throw ValidationError(
                "--without \(stranger): kinds are \(FaultKind.allCases.map(\.rawValue).joined(separator: ", "))")
        }
    }

    private var names: [String] { without.split(separator: ",").map(String.init) }

    func run() async throws {
        try await CommandFailure.catching(
            "federation-lab", explain: Self.explain, pass: { $0 is ExitCode }, exit: ExitCode.failure
        ) {
            let simulation = Simulation()
            var coverage = Coverage()
            var failed = 0
            let start = ContinuousClock.now
            for seed in seed..<seed.addingReportingOverflow(seeds).partialValue {
                let run = try simulation.run(plan(seed), keepsTrace: trace != nil)
                coverage.take(run.coverage)
                if !run.violations.isEmpty {
                    failed += 1
                    try report(run, simulation)
                }
                if seeds == 1 { try show(run) }
                if hashCheck { try compare(run) }
            }
            if seeds > 1 { summarise(coverage, failed, start.duration(to: .now)) }
            if failed > 0 { throw SeedsFailed(count: failed) }
        }
    }

    private func plan(_ seed: UInt64) -> FaultPlan {
        names.compactMap(FaultKind.init(rawValue:)).reduce(
            FaultPlan(seed: seed, profile: profile, cities: cities, steps: steps)
        ) { $0.without($1) }
    }

    // MARK: What is printed

    private func show(_ run: Simulation.Run) throws {
        Output.line("seed \(run.plan.seed): \(run.decisions) decisions in \(run.virtualTime / 1_000) s of virtual time")
        Output.line("faults: \(run.plan.kinds.map(\.rawValue).joined(separator: ", "))")
        Output.line("digest \(run.digest)")
        guard let trace else { return }
        try (run.trace.joined(separator: "\n") + "\n").write(toFile: trace, atomically: false, encoding: .utf8)
    }

    private func summarise(_ coverage: Coverage, _ failed: Int, _ elapsed: Duration) {
        for line in coverage.lines { Output.line(line) }
        let rate = Double(seeds) / max(0.001, elapsed / .seconds(1))
        Output.line("\n\(seeds) seeds, \(failed) failed, \(String(format: "%.1f", rate)) seeds/s")
        if !coverage.missing.isEmpty { Output.line("never seen: \(coverage.missing.joined(separator: ", "))") }
    }

    /// Says what went wrong, and how to see it again.
    private func report(_ run: Simulation.Run, _ simulation: Simulation) throws {
        Output.line("seed \(run.plan.seed) failed\(Self.commit.map { " at commit \($0)" } ?? ""):")
        for violation in run.violations.prefix(20) { Output.line("  \(violation)") }
        if run.violations.count > 20 { Output.line("  and \(run.violations.count - 20) more") }
        Output.line("again:   \(run.plan.command)")
        Output.line("smaller: \(try simulation.minimised(run.plan).command)")
    }

    /// The commit of the sources in the present directory, if there are any.
    private static var commit: String? {
        guard let head = try? String(contentsOfFile: ".git/HEAD", encoding: .utf8) else { return nil }
        let text = head.trimmingCharacters(in: .whitespacesAndNewlines)
        guard text.hasPrefix("ref: ") else { return text }
        let commit = try? String(contentsOfFile: ".git/\(text.dropFirst(5))", encoding: .utf8)
        return commit?.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    // MARK: Another process

    /// The same plan in a process whose hash tables have another order.
    private func compare(_ run: Simulation.Run) throws {
        guard let difference = try OtherProcess.difference(from: run) else { return }
        throw Sample.Failure(message: "seed \(run.plan.seed): \(difference)")
    }

    private static func explain(_ error: any Error) -> String {
        switch error {
        case let failed as SeedsFailed: "\(failed.count) of the seeds failed: see above"
        default: DemoCommand.explain(error)
        }
    }
}

extension FaultPlan.Profile: ExpressibleByArgument {}
