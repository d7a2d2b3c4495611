import Failpoints
import Foundation
import Terminal
import Testing

/// The drill as people run it, with real processes.
@Suite("Drill", .serialized)
struct DrillTests {
    private struct Report: Decodable {
        struct Row: Decodable {
            let fault: String
            let violations: [String]
        }
        let rows: [Row]
        /// Faults that cannot be brought about here, each with the reason.
        let skipped: [String]
        let claims: Int
        let payments: Int
    }

    /// One for each commit and each answer; `federation-lab drill` goes through all of them.
    private static let points: [Failpoint] = [
        .filingCommitted, .answerUnsent, .grantCommitted, .pushAnswered, .receiptUncommitted, .pageUncommitted,
        .submissionReceived, .batchUncommitted, .batchCommitted, .decisionUncommitted, .decisionCommitted,
        .authorizationCommitted,
    ]

    @Test("killed between a commit and an answer, a federation loses nothing, decides once and pays once")
    func kills() async throws {
        let names = Self.points.map(\.rawValue)
        let result = try await Program.laboratory.run(["drill", "--json", "--only"] + names, within: .seconds(600))

        #expect(result.status == 0, "\(result.errors)")
        let report = try result.json(Report.self)
        #expect(report.rows.map(\.fault) == names + ["none"])
        #expect(report.rows.flatMap(\.violations) == [])
        #expect(report.claims > names.count)
        #expect(report.payments > 0)
    }

    @Test("put back to an earlier point, registry and city get the rest from each other, and a copy gives way")
    func restores() async throws {
        let names = ["registry.backup", "registry.files", "registry.standby", "city.backup", "city.copy"]
        let result = try await Program.laboratory.run(["drill", "--json", "--only"] + names, within: .seconds(600))

        #expect(result.status == 0, "\(result.errors)")
        let report = try result.json(Report.self)
        #expect(report.rows.map(\.fault) == names + ["none"])
        #expect(report.rows.flatMap(\.violations) == [])
    }

    @Test("cable pulled, disk full, clock wrong: a city loses nothing; what cannot be made is said")
    func cableAndDisk() async throws {
        let names = ["partition.cable", "disk.city", "clock.city.decades"]
        // No process has this number: it is what a drill leaves that was killed. Where none can be made none is left.
        let abandoned = "vf4194305"
        let making = ["/usr/bin/env", "ip", "netns", "add", abandoned]
        let isMade = (try? ChildProgram.run(making, output: "/dev/null")) == 0
        let result = try await Program.laboratory.run(["drill", "--json", "--only"] + names, within: .seconds(600))

        #expect(result.status == 0, "\(result.errors)")
        let report = try result.json(Report.self)
        let skipped = report.skipped.compactMap { $0.split(separator: ":").first.map(String.init) }
        #expect(Set(report.rows.map(\.fault) + skipped) == Set(names + ["none"]))
        #expect(report.rows.flatMap(\.violations) == [])
        if isMade { #expect(!FileManager.default.fileExists(atPath: "/run/netns/\(abandoned)")) }
    }

    @Test("faults are named, and a strange name is refused before anything starts")
    func names() async throws {
        let listed = try await Program.laboratory.run(["drill", "--only", "list"])
        let strange = try await Program.laboratory.run(["drill", "--only", "city.nowhere"])

        #expect(listed.output.split(separator: "\n").contains("registry.push.committed"))
        #expect(strange.status == 64)
        strange.expectSaid("there is no such fault")
    }
}
