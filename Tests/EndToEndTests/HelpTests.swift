import Foundation
import Testing

@Suite("Help texts")
struct HelpTests {
    /// A command as the programs describe themselves.
    private struct Command: Decodable {
        let commandName: String
        let abstract: String?
        let subcommands: [Command]?

        /// The words of every command below this one, this one's among them.
        var paths: [[String]] { [[]] + (subcommands ?? []).flatMap { sub in sub.paths.map { [sub.commandName] + $0 } } }

        /// The commands that do not say what they are for.
        var silent: [String] {
            (abstract?.isEmpty ?? true ? [commandName] : []) + (subcommands ?? []).flatMap(\.silent)
        }
    }

    private struct Dump: Decodable { let command: Command }

    @Test(
        "every verb has a help text, and its options do not contradict each other",
        arguments: [
            Program.city, .registry, .laboratory,
        ])
    func everyVerb(program: Program) async throws {
        let dump = try await program.run(["--experimental-dump-help"]).json(Dump.self)
        #expect(dump.command.paths.count > 3)
        #expect(dump.command.silent.filter { $0 != "help" } == [])
        for path in dump.command.paths where path.first != "help" {
            let result = try await program.run(path + ["--help"])
            #expect(result.status == 0, "\(path): \(result.errors)")
            #expect(result.output.contains("USAGE: \(program.rawValue)"), "\(path)")
        }
    }

    @Test("every program says its version", arguments: [Program.city, .registry, .laboratory])
    func version(program: Program) async throws {
        let result = try await program.run(["--version"])

        #expect(result.status == 0)
        #expect(!result.output.isEmpty)
    }
}
