import Arbitration
import ArgumentParser
import FederationWire
import Terminal
import VoucherDomain

struct CaseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "case", abstract: "Look at the cases that name a claim of this city, and answer them.",
        discussion: """
            While a case is open, none of its claims is paid. A city says what it knows; the registry rules. Of other \
            cities' claims no more than city and number is shown, and which fields agree.
            """,
        subcommands: [List.self, Show.self, Answer.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List cases, the oldest first.")

        @OptionGroup var node: DataOptions
        @Flag(help: "Only open cases.") var open = false
        @Flag(help: "Only closed cases.") var closed = false
        @OptionGroup var most: LimitOption
        @OptionGroup var output: ListOptions

        static var listing: Listing<CaseDocument> {
            Listing([
                .init("case_id", shown: .name("case")) { $0.case_id },
                .init("state", shown: .whole("state")) { $0.state },
                .init("deadline", shown: .whole("answer by")) { $0.deadline },
                .init("claims", shown: .words("claims")) { $0.claims.map(\.text).joined(separator: " ") },
                .init("rules", shown: .words("rules", least: 16)) { $0.reasons.map(\.rule).joined(separator: " ") },
                .init("automatic") { "\($0.automatic)" },
                .init("answer_pending") { "\($0.answer_pending)" },
                .init("answer_problem") { $0.answer_problem ?? "" },
            ])
        }

        func validate() throws {
            if open, closed { throw ValidationError("--open and --closed exclude each other") }
        }

        func run() async throws {
            let path = "/v1/cases" + (open ? "?state=open" : closed ? "?state=closed" : "")
            try await node.withNode { node in
                try await output.print(path, limit: most.limit, node, Self.listing)
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show one case with its claims and what happened.")

        @OptionGroup var node: DataOptions
        @Argument(help: "The case's spoken id.") var id: String
        @Flag(help: "Print JSON.") var json = false

        func run() async throws {
            try await node.withNode { node in
                let answer = try await node.get("/v1/cases/\(id)")
                if json { return Output.line(String(decoding: try answer.success(), as: UTF8.self)) }
                try answer.value(CaseDocument.self).print()
            }
        }
    }

    struct Answer: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say what this city knows of a case.",
            discussion: "Documents stay in the city: only their SHA-256 travels.")

        @OptionGroup var node: DataOptions
        @Argument(help: "The case's spoken id.") var id: String
        @Argument(help: "withdraw, contest, co-funded, not-a-duplicate or appeal.") var answer: CaseAnswer.Kind
        @Option(help: "Why; every city of the case reads it.") var reason: String
        @Option(help: "A document that shows it; several times.") var evidence: [String] = []

        func run() async throws {
            try await node.withNode { node in
                let request = CaseAnswerRequest(
                    answer: answer.name, reason: reason, evidence: try evidence.map(FileDigest.sha256))
                try await node.post("/v1/cases/\(id)/answer", request).value(CaseDocument.self).print()
            }
        }
    }
}

extension CaseAnswer.Kind: ExpressibleByArgument {
    package init?(argument: String) {
        guard let kind = CaseAnswer.Kind.allCases.first(where: { $0.name == argument }) else { return nil }
        self = kind
    }
}

extension CaseDocument.Claim: NamedClaim {}

extension CaseDocument {
    fileprivate func print() {
        Output.line("case \(case_id)  \(state)  answer until \(deadline)")
        if automatic {
            Output.line("  opened by the registry itself: the first claim was refused, and filed before the others;")
            Output.line("  its city contests it, or the case ends with the dwell and the claim stays refused")
        }
        for claim in claims {
            Output.line("  \(claim.text)\(claim.live ? "" : "  holds nothing any more")")
        }
        for reason in reasons { Output.line("  \(reason.rule): \(reason.message)") }
        for step in steps {
            let what = [step.event, step.city_code, step.answer, step.code].compactMap(\.self).joined(separator: " ")
            Output.line("  \(step.position)  \(what)  \(step.text)")
        }
        if answer_pending { Output.line("  this city's answer waits for the registry") }
        if let answer_problem { Output.line("  this city's answer was not taken: \(answer_problem)") }
    }
}
