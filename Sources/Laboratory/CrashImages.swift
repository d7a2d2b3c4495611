import ArgumentParser
import CrashImages
import Foundation
import Terminal

/// `federation-lab crash-images`.
struct CrashImagesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "crash-images",
        abstract: "Record every write and sync of a city's store, and recover it from crashes between any two of them.",
        discussion: """
            Each seed is a scenario of filings, withdrawals, payments, pushes, feed pages and restarts. An image is what a \
            power failure, a kill, or both one after the other leave at one place of it; places beside syncs, \
            acknowledgements, creations, truncations and deletions come in turn. \
            Each is opened by the node's own recovery, which must have everything acknowledged once, agree with its feed \
            cursor, and go on as if nothing had happened. Exits 1 when one does not, and says how to see it again.
            """)

    @Option(help: "The first seed.") var seed: UInt64 = 1
    @Option(help: "How many seeds, one after the other.") var seeds: UInt64 = 1
    @Option(help: "Images of each seed.") var images = 1_000
    @Option(help: "Calls of the store in each scenario.") var calls = 60
    @Option(help: "Only the image of this number.") var image: Int?
    @Flag(help: "Let two registries go on apart, time and again, and the city go back to where both agreed.")
    var merges = false
    @Flag(help: "Also let every call of the disk fail: EIO once, EIO for good, ENOSPC.") var faults = false
    @Option(help: "Only let this call of the disk fail.") var fault: Int?

    private struct ImagesFailed: Error { let count: Int }

    func validate() throws {
        guard (1...1_000_000).contains(seeds) else { throw ValidationError("--seeds is 1 to 1000000") }
        guard (1...10_000_000).contains(images) else { throw ValidationError("--images is 1 to 10000000") }
        guard (4...1_000).contains(calls) else { throw ValidationError("--calls is 4 to 1000") }
        if let image, image < 0 { throw ValidationError("--image is 0 or more") }
        if let fault, fault < 1 { throw ValidationError("--fault is 1 or more") }
    }

    func run() async throws {
        try await CommandFailure.catching(
            "federation-lab", explain: Self.explain, pass: { $0 is ExitCode }, exit: ExitCode.failure
        ) {
            let directory = "/tmp/federation-crash-images-\(getpid())"
            defer { try? FileManager.default.removeItem(atPath: directory) }
            var tally = CrashTally()
            let start = ContinuousClock.now
            for seed in seed..<seed.addingReportingOverflow(seeds).partialValue {
                let scenario = try RecordedScenario(
                    seed: seed, calls: calls, merges: merges, in: "\(directory)/scenario")
                tally.take(scenario)
                if fault == nil { runImages(scenario, directory, &tally) }
                if faults || fault != nil { runFaults(scenario, directory, &tally) }
            }
            for line in tally.lines { Output.line(line) }
            let seconds = String(format: "%.1f", start.duration(to: .now) / .seconds(1))
            Output.line("\(seeds) seeds, \(tally.failed) failures, \(seconds) s")
            if tally.failed > 0 { throw ImagesFailed(count: tally.failed) }
        }
    }

    private func runImages(_ scenario: RecordedScenario, _ directory: String, _ tally: inout CrashTally) {
        for number in image.map({ [$0] }) ?? Array(0..<images) {
            let trial = CrashTrial(scenario, number: number, in: "\(directory)/image")
            tally.take(trial)
            guard let violation = trial.violation else { continue }
            report(violation, "image \(number), cut before event \(trial.cut)", scenario, "--image \(number)")
        }
    }

    private func runFaults(_ scenario: RecordedScenario, _ directory: String, _ tally: inout CrashTally) {
        for kind in RecordedDisk.Fault.Kind.allCases {
            for call in (fault ?? 1)... {
                let trial = DiskFaultTrial(
                    scenario, fault: RecordedDisk.Fault(call: call, kind: kind), in: "\(directory)/image")
                tally.take(trial)
                if let violation = trial.violation {
                    report(
                        violation, "\(kind.rawValue) at call \(call) of the disk, \(trial.failure?.call ?? "none")",
                        scenario,
                        "--fault \(call)")
                }
                if fault != nil || trial.failure == nil { break }
            }
        }
    }

    /// Says what went wrong, and how to see it again.
    private func report(_ violation: Violation, _ what: String, _ scenario: RecordedScenario, _ option: String) {
        Output.line("seed \(scenario.seed), \(what): \(violation)")
        let merging = merges ? " --merges" : ""
        Output.line("again: federation-lab crash-images --seed \(scenario.seed) --calls \(calls)\(merging) \(option)")
    }

    private static func explain(_ error: any Error) -> String {
        switch error {
        case let failed as ImagesFailed: "\(failed.count) crashes were not recovered from: see above"
        default: DemoCommand.explain(error)
        }
    }
}
