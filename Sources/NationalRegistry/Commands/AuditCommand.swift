import ArgumentParser
import FederationWire
import RegistryStore
import Replication
import Terminal

struct AuditCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit", abstract: "Recompute and verify what the registry has decided, and read its audit log.",
        subcommands: [Recompute.self, Verify.self, VerifyExportCommand.self, Events.self, AddUp.self])

    struct Recompute: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Fold the whole journal again and compare every feed entry, byte for byte.",
            discussion: """
                Every table that follows from the journal is compared, too: it is written once more beside the real one, in \
                temporary tables that need as much space while it runs. On a replica, which takes none, only what the \
                arbiter decides from is compared.
                """)

        @OptionGroup var database: DatabaseOptions
        @Flag(help: "Print JSON.") var json = false

        func run() async throws {
            try await database.withStore { store in
                let total = Int(try await store.feedHead().position)
                let report = try await store.recompute { done in Output.note("recomputed \(done) of \(total)") }
                try AuditCommand.finish(report, "recomputed", json: json)
            }
        }
    }

    struct Verify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Check every stored entry, chain and seal, and the feed.")

        @OptionGroup var database: DatabaseOptions
        @Flag(help: "Print JSON.") var json = false

        func run() async throws {
            try await database.withStore { store in
                let report = try await store.verify { done in Output.note("verified \(done) entries") }
                try AuditCommand.finish(report, "verified", json: json)
            }
        }
    }

    struct AddUp: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "add-up",
            abstract: "Add up anew what the overview and the reports show: where recompute says that a sum differs.")

        @OptionGroup var database: DatabaseOptions

        func run() async throws {
            try await database.withStore { store in
                try await store.addUpAgain()
                Output.line("added up")
            }
        }
    }

    private struct ReportDocument: Encodable {
        let examined: Int
        let faults: [String]
        let agrees: Bool
        let position: PositionDocument
    }

    private static func finish(_ report: RegistryStore.AuditReport, _ verb: String, json: Bool) throws {
        if json {
            try Output.json(
                ReportDocument(
                    examined: report.examined, faults: report.faults, agrees: report.faults.isEmpty,
                    position: PositionDocument(report.head)))
        } else if report.faults.isEmpty {
            Output.line("\(verb) \(report.examined) entries up to position \(report.head.position): all agree")
        }
        for fault in report.faults { Output.note("national-registry: \(fault)") }
        if !report.faults.isEmpty { throw ExitCode.failure }
    }
}
