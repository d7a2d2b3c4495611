import Arbitration
import ArgumentParser
import FederationHTTP
import FederationWire
import Foundation
import RegistryStore
import Replication
import Terminal
import VoucherDomain

struct ClaimCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "claim", abstract: "Look at decided claims.", subcommands: [Show.self, Find.self])

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show one claim and why it was decided so.")

        @OptionGroup var database: DatabaseOptions
        @Argument(help: "CITY/CLAIM_NO.") var name: String
        @Flag(help: "Print JSON.") var json = false

        func validate() throws {
            guard ClaimName(name) != nil else {
                throw ValidationError("a claim is named CITY/CLAIM_NO, such as 110000/C0000004")
            }
        }

        func run() async throws {
            try await database.withStore { store in
                guard let claimName = ClaimName(name), let record = try await store.claim(claimName) else {
                    throw RegistryRefusal(.notFound, "no claim \(name) has been decided")
                }
                if json {
                    return try Output.json(try await RegistryQueries(store: store).claim(claimName))
                }
                Output.line("\(record.name)  \(record.state.name)  \(record.claim.claimed.yuan) yuan")
                Output.line("  enterprise \(record.claim.enterprise.rawValue) \(record.claim.enterpriseName)")
                Output.line("  provider   \(record.claim.provider.rawValue) \(record.claim.providerName)")
                Output.line("  contract   \(record.claim.contractText)")
                Output.line("  invoices   \(record.claim.invoices.map(\.number.text).joined(separator: " "))")
                Output.line("  decided at \(record.decidedAt.position) under policy \(record.policyVersion)")
                for reason in record.reasons {
                    Output.line("  [\(reason.outcome.rawValue)] \(reason.rule): \(reason.message)")
                    if !reason.blocking.isEmpty {
                        Output.line("     blocking: \(reason.blocking.map(\.description).joined(separator: ", "))")
                    }
                }
                if let caseID = record.caseID { Output.line("  case       \(caseID)") }
                if let payment = record.payment {
                    let reference = payment.authorization.map { "  reference \($0.reference.text)" } ?? ""
                    Output.line("  payment    \(payment.stage.name)\(reference)")
                }
            }
        }
    }

    struct Find: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Find decided claims; all conditions given must match.")

        @OptionGroup var database: DatabaseOptions
        @OptionGroup var filter: ClaimFilterOptions
        @Flag(help: "The newest first.") var newest = false
        @Option(help: "The most claims to print (default: all).") var limit: Int?
        @Flag(help: "Print JSON.") var json = false
        @Flag(help: "Print CSV.") var csv = false

        func validate() throws {
            if json, csv { throw ValidationError("--json and --csv exclude each other") }
        }

        func run() async throws {
            var filter = try filter.filter()
            filter.isNewestFirst = newest
            try await database.withStore { [filter] store in
                let queries = RegistryQueries(store: store)
                let limit = limit ?? 1_000_000
                if json { return try Output.json(try await queries.claims(filter, after: nil, limit: limit)) }
                _ = try await queries.head(filter.asOf)
                let records = try await store.claims(filter, after: nil, limit: limit)
                if csv {
                    let rows = [ClaimRow.columns] + records.map(ClaimRow.cells)
                    return Output.text(rows.map(CSVLine.encode).joined())
                }
                var table = TextTable(
                    ["claim", "state", "yuan", "enterprise", "contract", "reasons"], rightAligned: [2])
                for record in records {
                    table.add([
                        record.name.description, record.state.name, record.claim.claimed.yuan,
                        record.claim.enterprise.rawValue, record.claim.contractText,
                        Set(record.reasons.map(\.rule)).sorted().joined(separator: " "),
                    ])
                }
                Output.line(table.text)
            }
        }
    }
}

struct DuplicatesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "duplicates", abstract: "List the claims that met under one key, by rule.")

    @OptionGroup var database: DatabaseOptions
    @Option(help: "Only this rule.") var rule: String?
    @Option(help: "Two cities whose claims met, such as 110000,310000.") var pair: String?
    @Option(help: "As it was at this position of the feed.") var asOf: String?
    @Option(help: "The most to print (default: all).") var limit: Int?
    @Flag(help: "Print JSON.") var json = false

    private func filter() throws -> RegistryStore.DuplicateFilter {
        do {
            let values = ["rule": rule, "pair": pair, "as_of": asOf].compactMapValues(\.self)
            return try RegistryStore.DuplicateFilter(
                Question(values, known: RegistryStore.DuplicateFilter.parameters))
        } catch let problem as Problem { throw ValidationError(problem.detail) }
    }

    func validate() throws { _ = try filter() }

    func run() async throws {
        let filter = try filter()
        try await database.withStore { store in
            let list = try await RegistryQueries(store: store).duplicates(
                filter, after: nil, limit: limit ?? 1_000_000)
            if json { return try Output.json(list) }
            var table = TextTable(["rule", "yuan", "claims"], rightAligned: [1])
            for item in list.items {
                table.add([
                    item.rule, item.claimed_yuan,
                    item.claims.map { "\($0.city_code)/\($0.claim_no)" }.joined(separator: " "),
                ])
            }
            Output.line(table.text)
        }
    }
}
