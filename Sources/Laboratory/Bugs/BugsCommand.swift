import ArgumentParser
import FederationWire
import Foundation
import SeededBugs
import Terminal

/// `federation-lab bugs`.
struct BugsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bugs",
        abstract: "Take one counter-measure away after the other, and show that this is caught, and how fast.",
        discussion: """
            Needs a build that has the defects in it: \(BugsCommand.build). Each defect runs in a process of its own, under \
            the detector that must find it, seed after seed. First every detector looks at the sound build, where it must \
            find nothing. Exits 1 when a defect is not found.
            """)

    /// The build that has the defects in it.
    static let build = "swift build --traits SeededBugs --product federation-lab"

    @Option(help: "Only this defect.") var only: String?
    @Option(help: "How long to look for each, in seconds.") var seconds: Double = 60
    @Option(help: "Look with this detector instead of each defect's own.") var detector: Detector?
    @Flag(help: "List the defects, with the trap and the detector of each, and do nothing.") var list = false
    @Flag(help: "Print JSON.") var json = false

    private struct NotCompiledIn: Error {}
    private struct NotClean: Error { let message: String }
    private struct NotCaught: Error { let names: [String] }

    func validate() throws {
        guard (1...86_400).contains(seconds) else { throw ValidationError("--seconds is 1 to 86400") }
        if let only, SeededBug(rawValue: only) == nil {
            throw ValidationError("--only \(only): federation-lab bugs --list names the defects")
        }
    }

    func run() async throws {
        try await CommandFailure.catching(
            "federation-lab", explain: Self.explain, pass: { $0 is ExitCode }, exit: ExitCode.failure
        ) {
            let bugs = SeededBug.allCases.filter { only == nil || $0.rawValue == only }
            if list { return Output.line(listing(bugs)) }
            guard SeededBug.areCompiledIn else { throw NotCompiledIn() }
            try checkSoundBuild(bugs)
            let progress = ProgressBar("defects", total: bugs.count)
            var reports: [BugReport] = []
            for bug in bugs {
                progress.show(reports.count, bug.rawValue)
                reports.append(try hunt(bug))
            }
            progress.finish()
            if json { try Output.json(ListDocument(items: reports, next: nil)) } else { Output.line(table(reports)) }
            let missed = reports.filter { !$0.isCaught }.map(\.bug)
            guard missed.isEmpty else { throw NotCaught(names: missed) }
        }
    }

    /// How many seeds of the sound build each detector looks at.
    private static let soundSeeds: UInt64 = 3

    private func checkSoundBuild(_ bugs: [SeededBug]) throws {
        for detector in Detector.allCases where bugs.contains(where: { self.detector ?? $0.detector == detector }) {
            let found = try BugHunt.send(detector, after: nil, seconds: seconds, seeds: Self.soundSeeds)
            guard let finding = found.finding else { continue }
            throw NotClean(message: "\(detector.rawValue), seed \(found.seeds): \(finding)")
        }
    }

    private func hunt(_ bug: SeededBug) throws -> BugReport {
        let detector = detector ?? bug.detector
        let found = try BugHunt.send(detector, after: bug, seconds: seconds, seeds: .max)
        return BugReport(
            bug: bug.rawValue, trap: bug.trap, detector: detector.rawValue, finding: found.finding, seeds: found.seeds,
            seconds: found.seconds)
    }

    // MARK: What is printed

    private func listing(_ bugs: [SeededBug]) -> String {
        var table = TextTable(["defect", "trap", "detector"], rightAligned: [1])
        for bug in bugs { table.add([bug.rawValue, "\(bug.trap)", bug.detector.rawValue]) }
        return table.text
    }

    private func table(_ reports: [BugReport]) -> String {
        var table = TextTable(
            ["defect", "trap", "detector", "seeds", "seconds", "caught by"], rightAligned: [1, 3, 4])
        for report in reports {
            let finding = report.finding?.split(separator: "\n").first.map { String($0.prefix(100)) } ?? "NOT CAUGHT"
            table.add([
                report.bug, "\(report.trap)", report.detector, "\(report.seeds)",
                String(format: "%.2f", report.seconds), finding,
            ])
        }
        let caught = reports.filter(\.isCaught)
        let slowest = caught.max { $0.seconds < $1.seconds }
        return table.text + "\n\n\(caught.count) of \(reports.count) caught"
            + (slowest.map { ", the slowest, \($0.bug), after \(String(format: "%.1f", $0.seconds)) s" } ?? "")
    }

    private static func explain(_ error: any Error) -> String {
        switch error {
        case is NotCompiledIn: "this build has no defects in it; build one that has: \(build)"
        case let found as NotClean: "the sound build is not sound: \(found.message)"
        case let missed as NotCaught: "not caught: \(missed.names.joined(separator: ", "))"
        default: DemoCommand.explain(error)
        }
    }
}

/// `federation-lab hunt`: what `bugs` runs for each defect, in a process of its own.
struct HuntCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hunt", abstract: "Look for what one detector finds.", shouldDisplay: false)

    @Option(help: "The detector.") var detector: Detector
    @Option(help: "When no more seeds are begun.") var seconds: Double = 60
    @Option(help: "The most seeds.") var seeds: UInt64 = .max

    func run() async throws {
        try Output.json(try BugHunt.look(with: detector, seconds: seconds, seeds: seeds))
    }
}
