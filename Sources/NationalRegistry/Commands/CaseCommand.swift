import ArgumentParser
import FederationWire
import RegistryStore
import Terminal

struct CaseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "case", abstract: "Look at the cases that held claims have opened.",
        subcommands: [List.self, Show.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List cases, the oldest first.")

        @OptionGroup var database: DatabaseOptions
        @Flag(help: "Only open cases.") var open = false
        @Flag(help: "Only closed cases.") var closed = false
        @Option(help: "The most to print (default: all).") var limit: Int?
        @Flag(help: "Print JSON.") var json = false

        func validate() throws {
            if open, closed { throw ValidationError("--open and --closed exclude each other") }
            if let limit, limit < 1 { throw ValidationError("--limit is at least 1") }
        }

        func run() async throws {
            try await database.withStore { store in
                let list = try await RegistryQueries(store: store).cases(
                    isOpen: open ? true : closed ? false : nil, after: 0, limit: limit ?? 1_000_000)
                if json { return try Output.json(list) }
                var table = TextTable(["case", "state", "rules", "claims"])
                for item in list.items {
                    table.add([
                        item.case_id, item.state, item.rules.joined(separator: " "),
                        item.claims.map { "\($0.city_code)/\($0.claim_no)" }.joined(separator: " "),
                    ])
                }
                Output.line(table.text)
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show one case with all of its claims.")

        @OptionGroup var database: DatabaseOptions
        @Argument(help: "The case's spoken id.") var id: String
        @Flag(help: "Print JSON.") var json = false

        func run() async throws {
            try await database.withStore { store in
                guard let item = try await RegistryQueries(store: store).conflictCase(id) else {
                    throw RegistryRefusal(.notFound, "there is no case \(id): national-registry case list shows them")
                }
                if json { return try Output.json(item) }
                Output.line("case \(item.case_id)  \(item.state)  opened at position \(item.position)")
                Output.line("  rules \(item.rules.joined(separator: " "))")
                for claim in item.claims {
                    Output.line("  \(claim.city_code)/\(claim.claim_no)  \(claim.state)  \(claim.claimed_yuan) yuan")
                }
            }
        }
    }
}
