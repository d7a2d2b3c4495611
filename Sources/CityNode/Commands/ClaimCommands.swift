import ArgumentParser
import FederationHTTP
import FederationWire
import Foundation
import Terminal
import VoucherDomain

/// What commands read of a claim's document.
struct ClaimLine: Decodable {
    struct ReasonLine: Decodable {
        struct Blocking: Decodable, NamedClaim {
            let city_code: String
            let claim_no: String
        }
        let rule: String
        let outcome: String
        let message: String
        let blocking: [Blocking]
    }
    let claim_no: String?
    let state: String
    let claimed_yuan: String?
    let enterprise_uscc: String?
    let enterprise_name: String?
    let contract_no: String?
    let reasons: [ReasonLine]
}

/// One page of a list.
struct Page<Item: Decodable>: Decodable {
    let items: [Item]
    let next: String?
}

/// Follows a list's pages.
///
/// - Parameter limit: The most items; `nil` for all.
func listItems<Item: Decodable>(
    _ path: String, limit: Int? = nil, _ node: NodeConnection, as type: Item.Type = Item.self
) async throws -> [Item] {
    var items: [Item] = []
    var next: String? = "0"
    while let after = next, items.count < limit ?? .max {
        let size = min(1_000, (limit ?? .max) - items.count)
        let page = try await node.get("\(path)\(path.contains("?") ? "&" : "?")limit=\(size)&after=\(after)")
            .value(Page<Item>.self)
        items += page.items
        next = page.next
    }
    return items
}

/// Reads a JSON object from a file, or from standard input for `-`.
func readJSON(_ path: String) throws -> [UInt8] {
    if path == "-" { return Array(FileHandle.standardInput.readDataToEndOfFile()) }
    guard let data = FileManager.default.contents(atPath: path) else {
        throw NodeDirectory.Failure(message: "cannot read \(path)")
    }
    return Array(data)
}

/// Follows a list's pages and prints them as one JSON list, item by item as the node wrote them.
func printPages(_ path: String, limit: Int?, _ node: NodeConnection) async throws {
    var items: [Any] = []
    var next: String? = "0"
    while let after = next, items.count < limit ?? .max {
        let size = min(1_000, (limit ?? .max) - items.count)
        let separator = path.contains("?") ? "&" : "?"
        let body = try await node.get("\(path)\(separator)limit=\(size)&after=\(after)").success()
        let page = try JSONSerialization.jsonObject(with: Data(body)) as? [String: Any]
        items += page?["items"] as? [Any] ?? []
        next = page?["next"] as? String
    }
    let document: [String: Any] = ["items": items, "next": next ?? NSNull()]
    let data = try JSONSerialization.data(
        withJSONObject: document, options: [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes])
    Output.line(String(decoding: data, as: UTF8.self))
}

extension ListOptions {
    /// Follows a list's pages and prints what is on them.
    ///
    /// - Parameter limit: The most items; `nil` for all.
    func print<Item: Decodable>(
        _ path: String, limit: Int? = nil, _ node: NodeConnection, _ listing: Listing<Item>
    ) async throws {
        if json { return try await printPages(path, limit: limit, node) }
        print(try await listItems(path, limit: limit, node, as: Item.self), listing)
    }
}

struct VoucherCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "voucher", abstract: "Issue and list vouchers.", subcommands: [Issue.self, List.self])

    struct Issue: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Issue a voucher, given as a JSON object with the CSV's columns.")

        @OptionGroup var node: DataOptions
        @Argument(help: "A file, or - for standard input.") var file: String

        func run() async throws {
            try await node.withNode { node in
                let answer = try await node.send("POST", "/v1/vouchers", try readJSON(file))
                Output.line(String(decoding: try answer.success(), as: UTF8.self))
            }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List vouchers in the order of issue.")

        @OptionGroup var node: DataOptions
        @OptionGroup var most: LimitOption
        @OptionGroup var output: ListOptions

        /// In CSV a voucher has the columns of the file that is imported, and its state.
        static var listing: Listing<[String: String]> {
            let shown: [(name: String, column: TextTable.Column)] = [
                ("voucher_no", .name("voucher")), ("state", .whole("state")), ("face_value_yuan", .number("yuan")),
                ("valid_from", .whole("valid from")), ("valid_until", .whole("until")),
                ("enterprise_uscc", .whole("enterprise")), ("enterprise_name", .text("name")),
            ]
            let others = VoucherForm.columns.filter { name in !shown.contains { $0.name == name } }
            return Listing(
                shown.map { name, column in Listing<[String: String]>.Column(name, shown: column) { $0[name] ?? "" } }
                    + others.map { name in Listing<[String: String]>.Column(name) { $0[name] ?? "" } })
        }

        func run() async throws {
            try await node.withNode { node in
                try await output.print("/v1/vouchers", limit: most.limit, node, Self.listing)
            }
        }
    }
}

struct ClaimCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "claim", abstract: "File, look at and withdraw claims.",
        subcommands: [File.self, Show.self, List.self, Withdraw.self])

    static func path(_ number: String) -> String {
        let allowed = CharacterSet.alphanumerics.union(CharacterSet(charactersIn: "-._~"))
        return "/v1/claims/\(number.addingPercentEncoding(withAllowedCharacters: allowed) ?? number)"
    }

    struct File: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "File a claim, given as a JSON object with the CSV's columns and `invoices`.")

        @OptionGroup var node: DataOptions
        @Argument(help: "A file, or - for standard input.") var file: String

        func run() async throws {
            try await node.withNode { node in
                let answer = try await node.send("POST", "/v1/claims", try readJSON(file))
                Output.line(String(decoding: try answer.success(), as: UTF8.self))
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show a claim and why it stands as it does.")

        @OptionGroup var node: DataOptions
        @Argument(help: "The claim's number.") var number: String
        @Flag(help: "Print JSON.") var json = false

        func run() async throws {
            try await node.withNode { node in
                let answer = try await node.get(ClaimCommand.path(number))
                if json {
                    Output.line(String(decoding: try answer.success(), as: UTF8.self))
                    return
                }
                let claim = try answer.value(ClaimLine.self)
                Output.line("\(number)  \(claim.state)  \(claim.claimed_yuan ?? "-") yuan")
                Output.line("  enterprise \(claim.enterprise_uscc ?? "-")")
                Output.line("  contract   \(claim.contract_no ?? "-")")
                for reason in claim.reasons {
                    Output.line("  [\(reason.outcome)] \(reason.rule): \(reason.message)")
                    if !reason.blocking.isEmpty {
                        Output.line("     blocking: \(reason.blocking.map(\.text).joined(separator: ", "))")
                    }
                }
            }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List claims in the order of filing.")

        @OptionGroup var node: DataOptions
        @Option(help: "Only claims in this state.") var state: String?
        @Option(
            help: ArgumentHelp(
                "Only claims with this in a number of theirs or in the enterprise's name or credit code.",
                discussion: "The number of a claim finds that claim alone. Width and case make no difference.",
                valueName: "text"))
        var search: String?
        @Flag(help: "The newest first.") var newest = false
        @OptionGroup var most: LimitOption
        @OptionGroup var output: ListOptions

        static var listing: Listing<ClaimLine> {
            Listing([
                .init("claim_no", shown: .name("claim")) { $0.claim_no ?? "" },
                .init("state", shown: .whole("state")) { $0.state },
                .init("claimed_yuan", shown: .number("yuan")) { $0.claimed_yuan ?? "" },
                .init("rules", shown: .words("rules", least: 16)) { claim in
                    Set(claim.reasons.map(\.rule)).sorted().joined(separator: " ")
                },
                .init("blocking") { claim in
                    Set(claim.reasons.flatMap(\.blocking).map(\.text)).sorted().joined(separator: " ")
                },
                .init("enterprise_uscc", shown: .whole("enterprise")) { $0.enterprise_uscc ?? "" },
                .init("enterprise_name", shown: .text("name")) { $0.enterprise_name ?? "" },
                .init("contract_no", shown: .text("contract")) { $0.contract_no ?? "" },
            ])
        }

        /// The list that is asked for.
        private var path: String {
            var values: [String: String] = [:]
            values["state"] = state
            values["q"] = search
            values["order"] = newest ? "newest" : nil
            return values.isEmpty ? "/v1/claims" : "/v1/claims?\(Question.query(values))"
        }

        func run() async throws {
            try await node.withNode { node in
                try await output.print(path, limit: most.limit, node, Self.listing)
            }
        }
    }

    struct Withdraw: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Withdraw a claim; its keys are free once the registry has decided so.")

        @OptionGroup var node: DataOptions
        @Argument(help: "The claim's number.") var number: String
        @Option(help: "Why; kept in the log.") var reason: String

        func run() async throws {
            try await node.withNode { node in
                let answer = try await node.post("\(ClaimCommand.path(number))/withdrawal", ["reason": reason])
                _ = try answer.success()
                Output.line("the withdrawal of \(number) is recorded")
            }
        }
    }
}
