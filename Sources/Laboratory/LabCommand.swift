package import ArgumentParser
import Foundation
import Terminal

/// `federation-lab`.
package struct LabCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "federation-lab",
        abstract: "Demonstrates, simulates, evaluates and measures Voucher Federation.",
        version: "federation-lab 0.1.0",
        subcommands: [
            DemoCommand.self, DrillCommand.self, SimulateCommand.self, BugsCommand.self, HuntCommand.self,
            CrashImagesCommand.self, EvaluateCommand.self, GenerateCommand.self, BenchCommand.self,
            CapacityCommand.self,
        ])

    package init() {}
}

struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo", abstract: "Run 17 cities and the registry on the sample, and show what came of it.",
        discussion: "Exits 0 when every expectation of the sample is met. Cleans up unless --keep or --resume is given."
    )

    @Option(help: "Labelled sample (default: deploy/sample).") var sample: String?
    @Option(help: "Keep everything in this directory and stay up until Ctrl-C.") var keep: String?
    @Option(help: "Come up again with what a --keep left in this directory.") var resume: String?
    @Option(parsing: .upToNextOption, help: "Cities that file while cut off from the registry.") var offline: [String] =
        []

    func validate() throws {
        if keep != nil, resume != nil { throw ValidationError("give --keep or --resume, not both") }
    }

    func run() async throws {
        try await CommandFailure.catching(
            "federation-lab", explain: Self.explain, pass: { $0 is ExitCode }, exit: ExitCode.failure
        ) {
            let directory = keep ?? resume ?? "/tmp/federation-demo-\(getpid())"
            let sample = try Sample(directory: try sample ?? Sample.find())
            let known = Set(sample.cities.map(\.code))
            if let stranger = offline.first(where: { !known.contains($0) }) {
                throw Sample.Failure(message: "--offline \(stranger): the sample has no such city")
            }
            let federation = try Federation(directory: directory)
            let interrupted = Interruption { federation.stopAll() }
            defer { interrupted.end() }
            let demonstration = Demonstration(
                sample: sample, federation: federation, offline: Set(offline), resumes: resume != nil)
            do {
                try await demonstration.run()
                if keep != nil || resume != nil {
                    Output.note("up until Ctrl-C; come again with federation-lab demo --resume \(directory)")
                    try await interrupted.wait()
                }
            } catch {
                federation.stopAll()
                if keep == nil, resume == nil, !(error is Demonstration.Disagreement) {
                    Output.note("logs are kept in \(directory)")
                }
                throw error
            }
            federation.stopAll()
            if keep == nil, resume == nil { try? FileManager.default.removeItem(atPath: directory) }
        }
    }

    static func explain(_ error: any Error) -> String {
        switch error {
        case let failure as Sample.Failure: failure.message
        case let failure as Federation.Failure: failure.message
        case let failure as ChildProgram.Failure: failure.message
        case is Demonstration.Disagreement: "an expectation of the sample is not met: see above"
        default: "\(error)"
        }
    }
}

struct EvaluateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate", abstract: "Run a labelled set through real processes, and say how well it was judged.",
        discussion: """
            The set is a directory of the sample's form; federation-lab generate writes such sets. For each pattern: \
            cases, caught, missed, wrongly fired, precision, recall, money protected. Exits 1 when a clean claim or a guard \
            was stopped, an exact pattern was missed, or a detector is below 0.95.
            """)

    @Argument(help: "Directory of the labelled set.") var directory: String
    @Flag(help: "Print JSON.") var json = false

    struct Insufficient: Error {}

    func run() async throws {
        try await CommandFailure.catching(
            "federation-lab",
            explain: { error in
                error is Insufficient
                    ? "what every release must reach is not reached: see above" : DemoCommand.explain(error)
            }, pass: { $0 is ExitCode }, exit: ExitCode.failure
        ) {
            let sample = try Sample(directory: directory)
            let federation = try Federation(directory: "/tmp/federation-evaluate-\(getpid())")
            let interrupted = Interruption { federation.stopAll() }
            defer {
                interrupted.end()
                federation.stopAll()
                try? FileManager.default.removeItem(atPath: federation.directory)
            }
            let demonstration = Demonstration(sample: sample, federation: federation, offline: [], resumes: false)
            try await demonstration.play()
            let report = QualityReport(sample.labels, try await demonstration.claims())
            if json { try Output.json(report) } else { Output.line(report.text) }
            guard report.isSufficient else { throw Insufficient() }
        }
    }
}

/// Ctrl-C and SIGTERM: ends the children first, then this process.
final class Interruption {
    private let sources: [any DispatchSourceSignal]

    init(_ stop: @escaping @Sendable () -> Void) {
        sources = [SIGINT, SIGTERM].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler {
                Output.note("\nstopping")
                stop()
                exit(number == SIGINT ? 130 : 0)
            }
            source.resume()
            return source
        }
    }

    /// Waits until a signal ends the process.
    func wait() async throws {
        while true { try await Task.sleep(for: .seconds(3_600)) }
    }

    func end() { for source in sources { source.cancel() } }
}
