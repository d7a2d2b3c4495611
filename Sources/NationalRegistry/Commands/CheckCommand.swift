import Arbitration
import ArgumentParser
import FederationWire
import RegistryStore
import Terminal
import VoucherDomain

struct CheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Would this be a duplicate? Answers CLEAR, HIT or UNKNOWN, with a receipt.",
        discussion: """
            A file holds one question, {"enterprise_uscc", "provider_uscc", "contract_no", "invoices": ["…"], \
            "city_code"?}, or up to \(CheckRequests.maximumItems) of them as {"items": […]}. All are answered as of \
            one position, or none: a question that is wrong is named. Keep what --json prints: `check-receipt` \
            verifies it years later.
            """)

    @OptionGroup var database: DatabaseOptions
    @Option(help: "Enterprise's credit code.") var enterprise: String?
    @Option(help: "Provider's credit code.") var provider: String?
    @Option(help: "Contract number.") var contract: String?
    @Option(help: "Invoice number; may be repeated.") var invoice: [String] = []
    @Option(help: "The city that would file, where a question does not name it.") var city: CityCode?
    @Option(help: "A JSON file with one question or a batch, or - for standard input.") var file: String?
    @Flag(help: "Print JSON.") var json = false

    /// The question that the options make.
    private var typed: CheckRequestDocument {
        CheckRequestDocument(
            enterprise_uscc: enterprise ?? "", provider_uscc: provider ?? "", contract_no: contract ?? "",
            invoices: invoice, city_code: nil)
    }

    func validate() throws {
        guard file == nil else {
            if enterprise != nil || provider != nil || contract != nil || !invoice.isEmpty {
                throw ValidationError("--file holds all that is asked: only --city goes with it")
            }
            return
        }
        guard enterprise != nil, provider != nil, contract != nil, !invoice.isEmpty else {
            throw ValidationError("give --enterprise, --provider, --contract and --invoice; or --file F")
        }
        do { _ = try typed.question(askedBy: city) } catch { throw ValidationError(error.message) }
    }

    func run() async throws {
        try await database.withStore { store in
            let (requests, questions) = try asked()
            let answers = try await RegistryQueries(store: store).check(questions)
            if json { return try Output.json(CheckAnswers(answers, to: requests)) }
            if requests.isBatch {
                Output.line(table(requests.items, answers).text)
            } else {
                show(answers)
            }
        }
    }

    /// What is asked, as it came and in normal form.
    private func asked() throws -> (requests: CheckRequests, questions: [PreCheck]) {
        guard let file else {
            let requests = CheckRequests(typed)
            return (requests, try requests.questions(askedBy: city))
        }
        return try InputFile.read(file) { bytes in
            let requests = try CheckRequests(json: bytes)
            return (requests, try requests.questions(askedBy: city))
        }
    }

    private func show(_ answers: [CheckDocument]) {
        for answer in answers {
            Output.line(answer.answer)
            for reason in answer.reasons { Output.line("  \(reason.rule): \(reason.message)") }
            Output.line("  receipt \(answer.receipt.id)")
        }
    }

    private func table(_ asked: [CheckRequestDocument], _ answers: [CheckDocument]) -> TextTable {
        var table = TextTable(columns: [
            .number("item"), .whole("answer"), .text("contract"), .words("rules", least: 16), .whole("receipt"),
        ])
        for (index, (question, answer)) in zip(asked, answers).enumerated() {
            table.add([
                String(index), answer.answer, question.contract_no,
                Set(answer.reasons.map(\.rule)).sorted().joined(separator: " "), answer.receipt.id,
            ])
        }
        return table
    }
}
