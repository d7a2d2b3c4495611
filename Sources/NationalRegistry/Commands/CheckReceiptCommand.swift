import ArgumentParser
import FederationWire
import RegistryStore
import Replication
import Terminal
import VoucherDomain

struct CheckReceiptCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check-receipt", abstract: "Verify the receipts of kept answers to checks.",
        discussion: """
            FILE is what `check --json` or POST /v1/checks answered, one document or a list. A receipt is valid when \
            this registry or one of its cities has signed it, the answer around it says the same, and its feed head is \
            on this registry's feed. The reasons of an answer are not signed. Exits 1 if any is not valid.
            """)

    @OptionGroup var database: DatabaseOptions
    @Argument(help: "The kept answer, or - for standard input.") var file: String
    @Option(help: "What was asked, as JSON: each receipt must be of its answer.") var question: String?
    @Option(help: "The city that would file, where a question does not name it.") var city: CityCode?
    @Flag(help: "Print JSON.") var json = false

    func validate() throws {
        if file == "-", question == "-" { throw ValidationError("only one of the two can be standard input") }
    }

    func run() async throws {
        try await database.withStore { store in
            let verdicts = try await verify(store)
            if json {
                try Output.json(ListDocument(items: verdicts, next: nil))
            } else {
                for verdict in verdicts { Output.line(verdict.line) }
            }
            guard verdicts.allSatisfy(\.isValid) else { throw ExitCode.failure }
        }
    }

    private func verify(_ store: RegistryStore) async throws -> [CheckVerdict] {
        let questions = try question.map { path in
            try InputFile.read(path) { try CheckRequests(json: $0).questions(askedBy: city) }
        }
        let kept = try InputFile.read(file) { try KeptChecks(json: $0, questions: questions) }
        let keys = try await store.publicKeys()
        let signed = kept.verdicts { keys[$0] ?? [] }
        let heads = try await store.headsOnFeed(among: Set(signed.compactMap(\.position)))
        return signed.map { $0.confirmed(by: heads) }
    }
}
