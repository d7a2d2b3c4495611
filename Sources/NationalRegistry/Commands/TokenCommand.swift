import ArgumentParser
import FederationHTTP
import RegistryStore
import Terminal

struct TokenCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token", abstract: "Make tokens for the query API.", subcommands: [Create.self])

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a token and print it, once; only its digest is kept.")

        @OptionGroup var database: DatabaseOptions
        @Option(help: "operator or auditor; an auditor's queries are logged.") var role: RegistryStore.Role
        @Option(help: "Whom the token is for.") var label = ""
        @Option(help: "Days until it expires (default: never).") var expires: UInt64?

        func run() async throws {
            try await database.withStore { store in
                let now = WallClock.now
                let token = try await store.makeToken(
                    role: role, label: label.isEmpty ? role.rawValue : label,
                    expiresAt: expires.map { now + $0 * 86_400_000 }, now: now)
                Output.line(token)
            }
        }
    }
}

extension RegistryStore.Role: ExpressibleByArgument {}
