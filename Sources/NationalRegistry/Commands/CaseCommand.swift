import Arbitration
import ArgumentParser
import FederationHTTP
import FederationWire
import RegistryStore
import Terminal
import VoucherDomain

struct CaseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "case", abstract: "Look at cases, and rule on them.",
        discussion: """
            A held claim opens a case with all that it met. So does a claim that was refused though it was filed before \
            those in its way (an automatic case): that one delays a payment by one dwell at most, and ends by itself \
            when the refused claim's city does not contest it. A ruling against the holder frees the key for whoever \
            files next.

            A ruling names every claim of the case that still holds its keys, and takes effect where the arbiter decides \
            it. Over the policy's amount (cases.two_person_fen) it waits until another operator confirms it.
            """,
        subcommands: [List.self, Show.self, Rule.self, Confirm.self, Reopen.self, Sweep.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List cases, the oldest first.")

        @OptionGroup var database: DatabaseOptions
        @Flag(help: "Only open cases.") var open = false
        @Flag(help: "Only closed cases.") var closed = false
        @Flag(help: "The most money first, instead of the oldest.") var byMoney = false
        @OptionGroup var past: AsOfOption
        @OptionGroup var most: LimitOption
        @OptionGroup var output: ListOptions

        static var listing: Listing<RegistryQueries.CaseDocument> {
            Listing([
                .init("case_id", shown: .name("case")) { $0.case_id },
                .init("state", shown: .whole("state")) { $0.state },
                .init("claimed_yuan", shown: .number("yuan")) { $0.claimedYuan },
                .init("claims", shown: .words("claims")) { $0.claims.map(\.text).joined(separator: " ") },
                .init("rules", shown: .words("rules", least: 16)) { $0.rules.joined(separator: " ") },
                .init("deadline", shown: .whole("answer by")) { $0.deadline },
                .init("automatic") { "\($0.automatic)" },
                .init("position") { "\($0.position)" },
                .init("proposed_by", shown: .text("proposed by")) { $0.proposed_by ?? "" },
            ])
        }

        func validate() throws {
            if open, closed { throw ValidationError("--open and --closed exclude each other") }
        }

        func run() async throws {
            try await database.withStore { store in
                var filter = RegistryStore.CaseFilter()
                filter.isOpen = open ? true : closed ? false : nil
                filter.isByMoney = byMoney
                filter.asOf = past.asOf
                let queries = RegistryQueries(store: store)
                try await output.print(Self.listing, limit: most.limit) { [filter] after, limit in
                    try await queries.cases(filter, after: after.flatMap(filter.place(_:)), limit: limit)
                }
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show one case with all of its claims.")

        @OptionGroup var database: DatabaseOptions
        @Argument(help: "The case's spoken id.") var id: String
        @OptionGroup var past: AsOfOption
        @Flag(help: "Print JSON.") var json = false

        func run() async throws {
            try await database.withStore { store in
                guard let item = try await RegistryQueries(store: store).conflictCase(id, asOf: past.asOf) else {
                    throw RegistryRefusal(
                        .notFound,
                        RegistryQueries.noCase(
                            id, asOf: past.asOf, advice: ": national-registry case list shows them"))
                }
                if json { return try Output.json(item) }
                Output.line("case \(item.case_id)  \(item.state)  opened at position \(item.position)")
                if item.automatic {
                    Output.line("  opened by the registry itself: the first claim was refused, and filed first")
                }
                Output.line("  cities answer until \(item.deadline)")
                Output.line("  rules \(item.rules.joined(separator: " "))")
                for claim in item.claims {
                    Output.line("  \(claim.text)  \(claim.state ?? "")  \(claim.claimed_yuan ?? "") yuan")
                }
                for step in item.steps ?? [] {
                    let what = [step.event, step.city_code, step.answer, step.code, step.by.map { "by \($0)" }]
                    Output.line(
                        "  \(step.position)  \(step.received_at)  \(what.compactMap(\.self).joined(separator: " "))  "
                            + step.text)
                    for digest in step.evidence ?? [] {
                        Output.line("    document kept by the city, SHA-256 \(digest)")
                    }
                }
                if let name = item.proposed_by {
                    Output.line("  waits for a second person: national-registry case confirm \(id) (not by \(name))")
                }
            }
        }
    }

    /// Who acts, and why.
    struct Signature: ParsableArguments {
        @Option(help: "Why; every city of the case reads it.") var reason: String
        @Option(help: "Your name; kept in the registry's log.") var by: String
    }

    struct Rule: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Decide which claims of a case stay.")

        @OptionGroup var database: DatabaseOptions
        @Argument(help: "The case's spoken id.") var id: String
        @Option(help: "A claim that stays, CITY/CLAIM_NO; several times.") var keep: [ClaimName] = []
        @Option(help: "A claim that is refused, CITY/CLAIM_NO; several times.") var ruleOut: [ClaimName] = []
        @Option(help: "confirmed, false-positive, no-response, co-funded or error-in-data.") var code: Ruling.Code
        @OptionGroup var signature: Signature

        func validate() throws {
            if keep.isEmpty, ruleOut.isEmpty { throw ValidationError("name the claims: --keep and --rule-out") }
        }

        func run() async throws {
            try await database.withStore(isWriting: true) { store in
                try await CaseCommand.rule(
                    Ruling(
                        caseID: id, kept: keep, ruledOut: ruleOut, code: code, reason: signature.reason,
                        by: signature.by), store)
            }
        }
    }

    struct Confirm: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Give a ruling that another operator proposed its second signature.")

        @OptionGroup var database: DatabaseOptions
        @Argument(help: "The case's spoken id.") var id: String
        @OptionGroup var signature: Signature

        func run() async throws {
            try await database.withStore(isWriting: true) { store in
                guard let proposal = try await store.conflictCase(id)?.proposal else {
                    throw RegistryRefusal(.notFound, "no ruling on case \(id) waits for a second person")
                }
                try await CaseCommand.rule(
                    Ruling(
                        caseID: id, kept: proposal.kept, ruledOut: proposal.ruledOut, code: proposal.code,
                        reason: signature.reason, by: signature.by), store)
            }
        }
    }

    struct Reopen: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Look at a closed case once more; what was decided stays until a new ruling.")

        @OptionGroup var database: DatabaseOptions
        @Argument(help: "The case's spoken id.") var id: String
        @OptionGroup var signature: Signature

        func run() async throws {
            try await database.withStore(isWriting: true) { store in
                try await store.reopen(caseID: id, reason: signature.reason, by: signature.by, now: WallClock.now)
                Output.line("case \(id) is reopened at the arbiter's next decision")
            }
        }
    }

    private static func rule(_ ruling: Ruling, _ store: RegistryStore) async throws {
        let decision = try await store.rule(ruling, now: WallClock.now)
        Output.line(
            decision == .pending
                ? "proposed: over the policy's amount, another operator must run case confirm \(ruling.caseID)"
                : "ruled: case \(ruling.caseID) is closed at the arbiter's next decision")
    }
}

extension RegistryQueries.CaseDocument {
    /// What the claims that still hold their keys claim, by which the most money comes first.
    fileprivate var claimedYuan: String {
        claims.filter(\.live).compactMap { $0.claimed_yuan.flatMap { Money(yuan: $0) } }.total?.yuan ?? ""
    }
}

extension RegistryQueries.CaseDocument.Claim: NamedClaim {}

extension ClaimName: ExpressibleByArgument {
    package init?(argument: String) { self.init(argument) }
}

extension Ruling.Code: ExpressibleByArgument {
    package init?(argument: String) {
        guard let code = Ruling.Code.allCases.first(where: { $0.name == argument }) else { return nil }
        self = code
    }
}
