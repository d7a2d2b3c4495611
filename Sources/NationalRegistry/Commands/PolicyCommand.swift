import Arbitration
import ArgumentParser
import Foundation
import RegistryStore
import Terminal

struct PolicyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "policy", abstract: "Look at the rule book in force.", subcommands: [Show.self])

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show the policy in force.")

        @OptionGroup var database: DatabaseOptions
        @Flag(help: "Print the policy file exactly as it was published.") var json = false

        func run() async throws {
            try await database.withStore { store in
                guard let (policy, document) = try await store.policy() else {
                    throw RegistryRefusal(.notFound, "no policy has been decided yet: start national-registry serve")
                }
                if json { return FileHandle.standardOutput.write(Data(document)) }
                Output.line("policy version \(policy.version)")
                var table = TextTable(["rule", "pattern", "primitive", "outcome", "keys"])
                for rule in policy.rules {
                    table.add([
                        rule.id, rule.pattern, rule.primitive.rawValue, rule.outcome.rawValue,
                        rule.keys.map(\.name).joined(separator: " "),
                    ])
                }
                Output.line(table.text)
            }
        }
    }
}
