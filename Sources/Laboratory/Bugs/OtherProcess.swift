import Foundation
import Simulation
import Terminal

/// A plan run by another process of this program, whose hash tables have another order.
enum OtherProcess {
    /// - Returns: What the other process said, `nil` when it came to the same digest.
    static func difference(from run: Simulation.Run) throws -> String? {
        let output = "/tmp/federation-simulate-\(getpid())"
        defer { try? FileManager.default.removeItem(atPath: output) }
        let arguments = run.plan.command.split(separator: " ").dropFirst().map(String.init)
        _ = try ChildProgram.run([Programs.ownPath] + arguments, output: output)
        let said = try String(contentsOfFile: output, encoding: .utf8)
        return said.contains("digest \(run.digest)\n") ? nil : "another process came to another digest:\n\(said)"
    }
}
