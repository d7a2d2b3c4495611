import Arbitration
import ArgumentParser
import FederationHTTP
import FederationWire
import Foundation
import RegistryStore
import Replication
import Terminal
import VoucherDomain

struct PolicyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "policy", abstract: "Look at the rule book in force, try another one, and publish it.",
        discussion: """
            A policy is one JSON file (Schemas/policy/policy.schema.json). `policy show --json` prints the one in force; \
            change it, raise its version, look at `policy preview FILE`, then `policy publish FILE`.
            """,
        subcommands: [Show.self, Preview.self, Publish.self])

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show the policy in force.")

        @OptionGroup var database: DatabaseOptions
        @Flag(help: "Print the policy file exactly as it was published.") var json = false

        func run() async throws {
            try await database.withStore { store in
                let published = try await store.policyDocuments()
                guard let policy = published.first?.policy, let document = published.first?.document else {
                    throw RegistryRefusal(.notFound, "no policy has been decided yet: start national-registry serve")
                }
                if json { return FileHandle.standardOutput.write(Data(document)) }
                Output.line("policy version \(policy.version)")
                for waiting in published.dropFirst() {
                    Output.line("  version \(waiting.policy.version) waits: \(waiting.policy.begin)")
                }
                var table = TextTable(columns: [
                    .name("rule"), .whole("pattern"), .whole("primitive"), .whole("outcome"), .words("keys"),
                ])
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

    struct Preview: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say what would have been decided otherwise under a policy file; changes nothing.",
            discussion: "Folds the whole journal twice in memory: as it was, and under the file from the beginning.")

        @OptionGroup var database: DatabaseOptions
        @Argument(help: "The policy file.") var file: String
        @Flag(help: "Print JSON, with every claim.") var json = false

        func run() async throws {
            try await database.withStore { store in
                let total = Int(try await store.feedHead().position)
                let preview = try await store.preview(policy: try PolicyCommand.read(file)) { done in
                    Output.note("folded \(done) of \(total)")
                }
                if json { return try Output.json(PreviewDocument(preview)) }
                Output.line("\(preview.compared) claims compared, \(preview.changes.count) would be decided otherwise")
                guard !preview.changes.isEmpty else { return }
                var table = TextTable(columns: [
                    .whole("was"), .whole("would be"), .number("claims"), .number("yuan"), .words("rules", least: 16),
                ])
                for row in preview.summary {
                    table.add([
                        row.before.name, row.after.name, String(row.claims), row.claimed.yuan,
                        row.rules.joined(separator: " "),
                    ])
                }
                Output.line(table.text)
            }
        }
    }

    struct Publish: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Put a policy file in force for every claim that is decided from now on.",
            discussion: """
                What was decided stays decided. The same file again changes nothing. A file with `effective` \
                (from_position or from_date) waits for its time; a newer version that comes before it ends it.
                """)

        @OptionGroup var database: DatabaseOptions
        @Argument(help: "The policy file.") var file: String

        func run() async throws {
            try await database.withStore(isWriting: true) { store in
                let document = try PolicyCommand.read(file)
                let isNew = try await store.publish(policy: document, now: WallClock.now)
                let begin = try PolicyCoding.decode(document).begin
                Output.line(isNew ? "published; it is in force \(begin)" : "published before: nothing changed")
            }
        }
    }

    private static func read(_ file: String) throws -> [UInt8] {
        guard let data = FileManager.default.contents(atPath: file) else {
            throw RegistryRefusal(.notFound, "cannot read \(file): \(String(cString: strerror(errno)))")
        }
        return Array(data)
    }
}

extension Policy {
    /// From when on it binds, in words.
    fileprivate var begin: String {
        if let position = effective?.fromPosition { return "from position \(position) on" }
        if let date = effective?.fromDate { return "from \(date.iso8601) on, at the first tick of that day" }
        return "at the arbiter's next decision"
    }
}

extension PolicyPreview {
    fileprivate struct SummaryRow {
        let before: Outcome.Decision
        let after: Outcome.Decision
        var claims = 0
        var claimed = Money.zero
        var rules: [String] = []
    }

    /// The changes by what they change, the commonest first.
    fileprivate var summary: [SummaryRow] {
        var rows: [SummaryRow] = []
        for change in changes {
            let known = rows.firstIndex { $0.before == change.before && $0.after == change.after }
            let index = known ?? rows.count
            if known == nil { rows.append(SummaryRow(before: change.before, after: change.after)) }
            rows[index].claims += 1
            // A sum past 64 bits stays at the last one that fits; no federation has that much money.
            rows[index].claimed = rows[index].claimed.adding(change.claimed) ?? rows[index].claimed
            rows[index].rules += change.rules.filter { !rows[index].rules.contains($0) }
        }
        return rows.sorted { ($1.claims, $0.before.rawValue) < ($0.claims, $1.before.rawValue) }
    }
}

/// `policy preview --json`.
private struct PreviewDocument: Encodable {
    struct Item: Encodable {
        let city_code: String
        let claim_no: String
        let claimed_yuan: String
        let before: String
        let after: String
        let rules: [String]
    }

    let compared: Int
    let changed: Int
    let items: [Item]

    init(_ preview: PolicyPreview) {
        compared = preview.compared
        changed = preview.changes.count
        items = preview.changes.map { change in
            Item(
                city_code: change.claim.city.description, claim_no: change.claim.number,
                claimed_yuan: change.claimed.yuan, before: change.before.name, after: change.after.name,
                rules: change.rules)
        }
    }
}
