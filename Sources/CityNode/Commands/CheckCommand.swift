import ArgumentParser
import FederationHTTP
import FederationWire
import Foundation
import Terminal

struct CheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Would this be a duplicate? Answers CLEAR, HIT or UNKNOWN, with a receipt.",
        discussion: """
            CLEAR is the registry's word alone, which a node that is served and connected asks for. Where it does not \
            answer at once, and offline, the answer is HIT or UNKNOWN, as far as this city has the national feed.

            A file holds one question, {"enterprise_uscc", "provider_uscc", "contract_no", "invoices": ["…"]}, or up \
            to \(CheckRequests.maximumItems) of them as {"items": […]}. All are answered as of one position of the \
            feed, or none: a question that is wrong is named.
            """)

    @OptionGroup var node: DataOptions
    @Option(help: "Enterprise's credit code.") var enterprise: String?
    @Option(help: "Provider's credit code.") var provider: String?
    @Option(help: "Contract number.") var contract: String?
    @Option(help: "Invoice number; may be repeated.") var invoice: [String] = []
    @Option(help: "A claim of this city, by its number.") var claim: String?
    @Option(help: "A JSON file with one question or a batch, or - for standard input.") var file: String?
    @Flag(help: "Print JSON.") var json = false

    /// What is printed of an answer.
    private struct CheckLine: Decodable {
        struct Reason: Decodable {
            let rule: String
            let message: String
        }
        let answer: String
        let reasons: [Reason]
    }

    /// What is asked about a claim that is filed already.
    private struct Asked: Decodable {
        struct Invoice: Decodable { let number: String }
        let enterprise_uscc: String?
        let provider_uscc: String?
        let contract_no: String?
        let invoices: [Invoice]
    }

    func validate() throws {
        if claim == nil, file == nil, enterprise == nil || provider == nil || contract == nil || invoice.isEmpty {
            throw ValidationError("give --enterprise, --provider, --contract and --invoice; or --claim NO; or --file F")
        }
    }

    func run() async throws {
        try await node.withNode { node in
            let request = try await body(node)
            let answer = try await node.send("POST", "/v1/checks", request)
            if json { return Output.line(String(decoding: try answer.success(), as: UTF8.self)) }
            let answers = try OneOrMany<CheckLine>(json: try answer.success())
            let lines = answers.items.compactMap(\.self)
            if answers.isList {
                Output.line(table(try CheckRequests(json: request).items, lines).text)
            } else {
                show(lines)
            }
        }
    }

    /// The request: the file as it is, or the question that the options make.
    private func body(_ node: NodeConnection) async throws -> [UInt8] {
        if let file { return try readJSON(file) }
        return try JSONBody.encode(try await question(node))
    }

    private func question(_ node: NodeConnection) async throws -> CheckRequestDocument {
        guard let claim else {
            return CheckRequestDocument(
                enterprise_uscc: enterprise ?? "", provider_uscc: provider ?? "", contract_no: contract ?? "",
                invoices: invoice, city_code: nil)
        }
        let asked = try await node.get(ClaimCommand.path(claim)).value(Asked.self)
        return CheckRequestDocument(
            enterprise_uscc: asked.enterprise_uscc ?? "", provider_uscc: asked.provider_uscc ?? "",
            contract_no: asked.contract_no ?? "", invoices: asked.invoices.map(\.number), city_code: nil)
    }

    private func show(_ answers: [CheckLine]) {
        for answer in answers {
            Output.line(answer.answer)
            for reason in answer.reasons { Output.line("  \(reason.rule): \(reason.message)") }
        }
    }

    private func table(_ asked: [CheckRequestDocument], _ answers: [CheckLine]) -> TextTable {
        var table = TextTable(columns: [
            .number("item"), .whole("answer"), .text("contract"), .words("rules", least: 16),
        ])
        for (index, (question, answer)) in zip(asked, answers).enumerated() {
            table.add([
                String(index), answer.answer, question.contract_no,
                Set(answer.reasons.map(\.rule)).sorted().joined(separator: " "),
            ])
        }
        return table
    }
}
