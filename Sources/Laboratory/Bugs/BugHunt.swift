import Foundation
import SeededBugs
import Simulation
import Terminal

/// What a hunt for one defect came to.
struct BugReport: Codable, Sendable {
    let bug: String
    let trap: Int
    let detector: String
    /// What was found: the invariant or what was broken; `nil` when nothing was.
    let finding: String?
    /// How many seeds were looked at.
    let seeds: UInt64
    let seconds: Double

    var isCaught: Bool { finding != nil }
}

/// Looks for one defect, or for none, with one detector: in a process of its own, which it may well crash.
enum BugHunt {
    /// What the process that looks says at its end.
    struct Catch: Codable {
        let finding: String?
        let seeds: UInt64
        let seconds: Double
    }

    /// Looks in this process, seed after seed.
    ///
    /// - Parameters:
    ///   - seconds: When no more seeds are begun.
    ///   - seeds: The most.
    static func look(with detector: Detector, seconds: Double, seeds: UInt64) throws -> Catch {
        // A defect may let it run for ever.
        alarm(UInt32(seconds) + 120)
        let simulation = Simulation()
        let start = ContinuousClock.now
        var elapsed: Double { start.duration(to: .now) / .seconds(1) }
        var seed: UInt64 = 0
        while seed < seeds, elapsed < seconds {
            seed += 1
            if let finding = try detector.finding(seed: seed, simulation) {
                return Catch(finding: finding, seeds: seed, seconds: elapsed)
            }
        }
        return Catch(finding: nil, seeds: seed, seconds: elapsed)
    }

    /// Looks in another process of this program.
    ///
    /// - Parameter bug: `nil` for a sound build.
    static func send(_ detector: Detector, after bug: SeededBug?, seconds: Double, seeds: UInt64) throws -> Catch {
        let output = "/tmp/federation-bugs-\(getpid()).out"
        let errors = "/tmp/federation-bugs-\(getpid()).err"
        defer { for path in [output, errors] { try? FileManager.default.removeItem(atPath: path) } }
        try? FileManager.default.removeItem(atPath: errors)
        if let bug { setenv(SeededBug.variable, bug.rawValue, 1) } else { unsetenv(SeededBug.variable) }
        defer { unsetenv(SeededBug.variable) }
        let start = ContinuousClock.now
        let status = try ChildProgram.run(
            [
                Programs.ownPath, "hunt", "--detector", detector.rawValue, "--seconds", "\(seconds)", "--seeds",
                "\(seeds)",
            ], output: output, errors: errors)
        if status == 0, let said = FileManager.default.contents(atPath: output) {
            return try JSONDecoder().decode(Catch.self, from: said)
        }
        let lines = ((try? String(contentsOfFile: errors, encoding: .utf8)) ?? "").split(separator: "\n")
        let reason = lines.first { $0.contains("atal error") } ?? lines.first ?? "a signal ended it, or it did not end"
        return Catch(
            finding: "crash: \(reason)", seeds: 0,
            seconds: start.duration(to: .now) / .seconds(1))
    }
}
