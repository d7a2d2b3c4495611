import Foundation
import Terminal
import Testing

@Suite("Help texts")
struct HelpTests {
    /// A command as the programs describe themselves.
    private struct Command: Decodable {
        let commandName: String
        let abstract: String?
        let subcommands: [Command]?
        let shouldDisplay: Bool

        /// The words of every command below this one, this one's among them.
        var paths: [[String]] { [[]] + (subcommands ?? []).flatMap { sub in sub.paths.map { [sub.commandName] + $0 } } }

        /// The names of the commands below this one that people are shown.
        var shown: [String] {
            (subcommands ?? []).filter(\.shouldDisplay).flatMap { [$0.commandName] + $0.shown }
        }

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

    @Test(
        "the shells' completions that are installed can be read by them",
        arguments: [Program.city, .registry, .laboratory])
    func completions(program: Program) async throws {
        let verbs = try await program.run(["--experimental-dump-help"]).json(Dump.self).command.shown
        let beginnings = ["bash": "#!/bin/bash", "zsh": "#compdef \(program.rawValue)", "fish": "function "]
        for (shell, beginning) in beginnings {
            let made = try await program.run(["--generate-completion-script", shell])
            #expect(made.status == 0, "\(made.errors)")
            #expect(made.output.hasPrefix(beginning), "\(shell)")
            for verb in verbs { #expect(made.output.contains(verb), "\(verb) for \(shell)") }
            // Those that this machine has look themselves.
            let path = "/usr/bin/\(shell)"
            guard access(path, X_OK) == 0 else { continue }
            let files = OutputFiles()
            defer { files.remove() }
            try Data(made.output.utf8).write(to: URL(fileURLWithPath: files.output))
            let child = try ChildProgram.start([path, "-n", files.output], output: "/dev/null", errors: files.errors)
            #expect(try await ChildEnd.wait(for: child) == 0, "\(files.errorText)")
        }
    }

    @Test("the manual page that is installed tells of every verb", arguments: [Program.city, .registry, .laboratory])
    func manual(program: Program) async throws {
        let script = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "deploy/make-manual").path
        let files = OutputFiles()
        defer { files.remove() }
        let child = try ChildProgram.start(
            [script, try #require(try program.command([]).first)], output: files.output, errors: files.errors)
        #expect(try await ChildEnd.wait(for: child) == 0, "\(files.errorText)")

        let lines = files.outputText.split(separator: "\n").map(String.init)
        #expect(lines.contains(".Dt \(program.rawValue.uppercased()) 1"))
        let help = try await program.run(["--experimental-dump-help"]).json(Dump.self).command
        let verbs = help.paths.filter { !$0.isEmpty && $0.last != "help" }.map { $0.joined(separator: " ") }
        #expect(lines.filter { $0.hasPrefix(".Ss ") }.map { String($0.dropFirst(4)) } == verbs)
        // Nothing that a help text says is taken for a macro, and every list ends.
        let macros = Set(lines.filter { $0.hasPrefix(".") }.map { $0.prefix { $0 != " " } })
        let known = [".Dd", ".Dt", ".Os", ".Sh", ".Nm", ".Nd", ".Ar", ".Op", ".Ss", ".Pp", ".Bl", ".It", ".El"]
        #expect(macros.isSubset(of: known.map { $0[...] }), "\(macros)")
        #expect(!lines.contains { $0.hasPrefix("'") })
        let lists = lines.filter { $0.hasPrefix(".Bl") || $0.hasPrefix(".El") }.map { $0.prefix(3) }
        #expect(lists.enumerated().allSatisfy { $1 == ($0.isMultiple(of: 2) ? ".Bl" : ".El") })
        #expect(lists.count.isMultiple(of: 2))
    }

    @Test("every program says its version", arguments: [Program.city, .registry, .laboratory])
    func version(program: Program) async throws {
        let result = try await program.run(["--version"])

        #expect(result.status == 0)
        #expect(!result.output.isEmpty)
    }
}
