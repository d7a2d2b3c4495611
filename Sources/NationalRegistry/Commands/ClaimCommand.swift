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
        static let configuration = CommandConfiguration(
            abstract: "Show one claim, why it was decided so, and what became of it.")

        @OptionGroup var database: DatabaseOptions
        @Argument(help: "CITY/CLAIM_NO.") var name: String
        @OptionGroup var past: AsOfOption
        @Flag(help: "Print JSON.") var json = false

        func validate() throws {
            guard ClaimName(name) != nil else {
                throw ValidationError("a claim is named CITY/CLAIM_NO, such as 110000/C0000004")
            }
        }

        func run() async throws {
            try await database.withStore { store in
                let queries = RegistryQueries(store: store)
                _ = try await queries.head(past.asOf)
                guard let claimName = ClaimName(name),
                    let record = try await store.claim(claimName, asOf: past.asOf)
                else { throw RegistryRefusal(.notFound, RegistryQueries.noClaim(name, asOf: past.asOf)) }
                let history = try await queries.steps(of: record, asOf: past.asOf)
                if json {
                    let document = RegistryQueries.document(record, withReceipt: true)
                    return try Output.json(ShownClaim(claim: document, history: history))
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
                for step in history { Output.line("  \(step.text)") }
            }
        }
    }

    struct Find: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Find decided claims; all conditions given must match.")

        @OptionGroup var database: DatabaseOptions
        @OptionGroup var filter: ClaimFilterOptions
        @Flag(help: "The newest first.") var newest = false
        @OptionGroup var most: LimitOption
        @OptionGroup var output: ListOptions

        /// In CSV a claim has all the columns of an export.
        static var listing: Listing<RegistryStore.ClaimRecord> {
            Listing([
                .init(shown: .name("claim")) { $0.name.description },
                .init(shown: .whole("state")) { $0.state.name },
                .init(shown: .number("yuan")) { $0.claim.claimed.yuan },
                .init(shown: .words("reasons", least: 16)) { record in
                    Set(record.reasons.map(\.rule)).sorted().joined(separator: " ")
                },
                .init(shown: .whole("enterprise")) { $0.claim.enterprise.rawValue },
                .init(shown: .text("contract")) { $0.claim.contractText },
            ])
        }

        func run() async throws {
            var filter = try filter.filter()
            filter.isNewestFirst = newest
            try await database.withStore { [filter] store in
                let queries = RegistryQueries(store: store)
                var records: [RegistryStore.ClaimRecord] = []
                let next = try await PagedList.read(limit: most.limit) { after, limit in
                    try await queries.records(filter, after: after.flatMap { Int64($0) }, limit: limit)
                } take: { found, isFirst in
                    if output.csv {
                        Output.csv((isFirst ? [ClaimRow.columns] : []) + found.map(ClaimRow.cells))
                    } else {
                        records += found
                    }
                }
                if output.csv { return }
                if output.json {
                    let documents = records.map { RegistryQueries.document($0, withReceipt: true) }
                    return try Output.json(ListDocument(items: documents, next: next))
                }
                output.print(records, Self.listing)
            }
        }
    }
}

/// `claim show --json`: the claim's document, and what became of it as its `history`.
private struct ShownClaim: Encodable {
    private enum CodingKeys: String, CodingKey { case history }

    let claim: ClaimDocument
    let history: [RegistryQueries.ClaimStepDocument]

    func encode(to encoder: any Encoder) throws {
        try claim.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(history, forKey: .history)
    }
}

extension RegistryQueries.ClaimStepDocument {
    /// Where, when, what, and whose entry did it.
    fileprivate var text: String {
        let payment = payment_stage.map { ", payment \($0)" } ?? ""
        let who = city_code == CityCode.registry.description ? "the registry" : "city \(city_code)"
        return "\(position)  \(received_at)  \(state)\(payment)  by \(who)"
    }
}

struct DuplicatesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "duplicates", abstract: "List the claims that met under one key, by rule.")

    @OptionGroup var database: DatabaseOptions
    @OptionGroup var filter: DuplicateFilterOptions
    @OptionGroup var most: LimitOption
    @OptionGroup var output: ListOptions

    static var listing: Listing<RegistryQueries.DuplicateDocument> {
        Listing([
            .init("rule", shown: .name("rule")) { $0.rule },
            .init("key_hash") { $0.key_hash },
            .init("claimed_yuan", shown: .number("yuan")) { $0.claimed_yuan },
            .init("claims", shown: .words("claims", isKept: true)) { $0.claims.map(\.text).joined(separator: " ") },
        ])
    }

    func run() async throws {
        let filter = try filter.filter()
        try await database.withStore { store in
            let queries = RegistryQueries(store: store)
            try await output.print(Self.listing, limit: most.limit) { after, limit in
                try await queries.duplicates(
                    filter, after: after.flatMap { RegistryStore.DuplicatePlace($0) }, limit: limit)
            }
        }
    }
}
