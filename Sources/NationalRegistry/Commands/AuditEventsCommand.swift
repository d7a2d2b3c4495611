import ArgumentParser
import RegistryStore
import Terminal

extension AuditCommand {
    struct Events: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List what operators did, what was refused, and what auditors asked; the newest first.",
            discussion: """
                Of an auditor's question the detail is its path and query. Whoever reads by this verb has the database \
                itself: only questions to the API and the console are written down.
                """)

        @OptionGroup var database: DatabaseOptions
        @Option(help: "Only events before this one, by its number.") var before: Int64?
        @OptionGroup var most: LimitOption
        @OptionGroup var output: ListOptions

        static var listing: Listing<RegistryQueries.AuditEventDocument> {
            Listing([
                .init("event_id", shown: .name("event")) { "\($0.event_id)" },
                .init("at") { $0.at },
                .init(shown: .whole("at")) { MinuteText.utc($0.at) },
                .init("actor", shown: .text("actor")) { $0.actor },
                .init("action", shown: .text("action", least: 8)) { $0.action },
                .init("detail", shown: .text("detail")) { $0.detail },
                .init("purpose", shown: .text("purpose")) { $0.purpose },
            ])
        }

        func validate() throws {
            if let before, before < 1 { throw ValidationError("--before is the number of an event") }
        }

        func run() async throws {
            try await database.withStore { store in
                let queries = RegistryQueries(store: store)
                try await output.print(Self.listing, limit: most.limit) { after, limit in
                    try await queries.auditEvents(before: after.flatMap { Int64($0) } ?? before, limit: limit)
                }
            }
        }
    }
}
