import ArgumentParser
import FederationHTTP
import FederationWire
import RegistryStore
import Terminal
import VoucherDomain

struct TokenCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token", abstract: "Make, list and revoke tokens for the query API and the console.",
        subcommands: [Create.self, List.self, Revoke.self])

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a token and print it, once; only its digest is kept.",
            discussion: """
                An operator's token also rules on cases in the console, under its label. An auditor's questions are \
                logged with their purpose. A city's token reads what concerns that city.
                """)

        @OptionGroup var database: DatabaseOptions
        @Option(help: "operator, auditor or city.") var role: RegistryStore.Role
        @Option(help: "Whom the token is for.") var label = ""
        @Option(help: "The city of a city's token.") var city: CityCode?
        @Option(help: "What an auditor's questions are for, unless a request says it (Query-Purpose).") var purpose = ""
        @Option(help: "Days until it expires (default: never).") var expires: UInt64?

        func validate() throws {
            if (role == .city) != (city != nil) { throw ValidationError("--city goes with --role city") }
            if let expires, expires > 36_500 { throw ValidationError("--expires is at most 36500 days") }
        }

        func run() async throws {
            try await database.withStore { store in
                let now = WallClock.now
                let caller = RegistryStore.Caller(
                    role: role, label: label.isEmpty ? role.rawValue : label, city: city, purpose: purpose)
                let token = try await store.makeToken(
                    caller, expiresAt: expires.map { now + $0 * 86_400_000 }, now: now)
                Output.line(token)
            }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List all tokens, the newest first.")

        @OptionGroup var database: DatabaseOptions
        @OptionGroup var output: ListOptions

        struct Document: Encodable, Sendable {
            let token_id: String
            let role: String
            let label: String
            let city_code: String?
            let purpose: String
            let created_at: String
            let expires_at: String?
            let revoked_at: String?
        }

        static var listing: Listing<Document> {
            Listing([
                .init("token_id", shown: .name("token")) { $0.token_id },
                .init("role", shown: .whole("role")) { $0.role },
                .init("label", shown: .text("label")) { $0.label },
                .init("city_code", shown: .whole("city")) { $0.city_code ?? "" },
                .init("expires_at") { $0.expires_at ?? "" },
                .init(shown: .whole("expires")) { $0.expires_at.map(MinuteText.utc) ?? "never" },
                .init("revoked_at") { $0.revoked_at ?? "" },
                .init(shown: .whole("revoked")) { $0.revoked_at.map(MinuteText.utc) ?? "" },
                .init("purpose", shown: .text("purpose")) { $0.purpose },
                .init("created_at") { $0.created_at },
                .init(shown: .whole("created")) { MinuteText.utc($0.created_at) },
            ])
        }

        func run() async throws {
            try await database.withStore { store in
                let items = try await store.tokens().map(Document.init)
                try output.print(items, Self.listing, json: ListDocument(items: items, next: nil))
            }
        }
    }

    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "End a token, and every session in the console that was begun with it.")

        @OptionGroup var database: DatabaseOptions
        @Argument(help: "The token's id, as `token list` shows it.") var id: String

        func run() async throws {
            try await database.withStore { store in
                try await store.revokeToken(id, now: WallClock.now)
                Output.line("token \(id) is revoked")
            }
        }
    }
}

extension TokenCommand.List.Document {
    init(_ token: RegistryStore.TokenSummary) {
        self.init(
            token_id: token.id, role: token.caller.role.rawValue, label: token.caller.label,
            city_code: token.caller.city?.description, purpose: token.caller.purpose,
            created_at: StatedTime(rawValue: token.createdAt).rfc3339,
            expires_at: token.expiresAt.map { StatedTime(rawValue: $0).rfc3339 },
            revoked_at: token.revokedAt.map { StatedTime(rawValue: $0).rfc3339 })
    }
}

extension RegistryStore.Role: ExpressibleByArgument {}
