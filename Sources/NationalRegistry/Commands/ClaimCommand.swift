import Arbitration
import ArgumentParser
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
        @Option(help: "City code.") var city: CityCode?
        @Option(help: "reserved, refused, held, withdrawn, authorized, paid or reversed.") var claimState: String?
        @Option(help: "Enterprise's credit code.") var enterprise: String?
        @Option(help: "Provider's credit code.") var provider: String?
        @Option(help: "Contract number.") var contract: String?
        @Option(help: "Invoice number.") var invoice: String?
        @Option(help: "Voucher serial.") var voucher: String?
        @Option(help: "The most claims to print (default: all).") var limit: Int?
        @Flag(help: "Print JSON.") var json = false

        private func filter() throws -> RegistryStore.ClaimFilter {
            var filter = RegistryStore.ClaimFilter()
            filter.city = city
            filter.state = try claimState.map { try value("--claim-state", Outcome.Decision(name: $0)) }
            filter.enterprise = try enterprise.map { try value("--enterprise", try? CreditCode.parse($0).get().code) }
            filter.provider = try provider.map { try value("--provider", try? CreditCode.parse($0).get().code) }
            filter.contract = try contract.map { try value("--contract", ContractNumber($0)) }
            filter.keys =
                try invoice.map { try value("--invoice", try? InvoiceNumber($0)).names.map(Key.invoice) } ?? []
            filter.voucherNumber = voucher
            return filter
        }

        private func value<T>(_ option: String, _ parsed: T?) throws -> T {
            guard let parsed else { throw ValidationError("\(option) has not the right form") }
            return parsed
        }

        func validate() throws { _ = try filter() }

        func run() async throws {
            let filter = try filter()
            try await database.withStore { store in
                let queries = RegistryQueries(store: store)
                if json {
                    return try Output.json(try await queries.claims(filter, after: 0, limit: limit ?? 1_000_000))
                }
                var table = TextTable(
                    ["claim", "state", "yuan", "enterprise", "contract", "reasons"], rightAligned: [2])
                for record in try await store.claims(filter, after: 0, limit: limit ?? 1_000_000) {
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
    @Option(help: "The most to print (default: all).") var limit: Int?
    @Flag(help: "Print JSON.") var json = false

    func run() async throws {
        try await database.withStore { store in
            let list = try await RegistryQueries(store: store).duplicates(
                rule: rule, after: 0, limit: limit ?? 1_000_000)
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
