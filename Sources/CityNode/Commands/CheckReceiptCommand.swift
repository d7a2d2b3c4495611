import ArgumentParser
import CityStore
import FederationWire
import Replication
import Terminal
import VoucherDomain

struct CheckReceiptCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check-receipt",
        abstract: "Verify the receipts of kept answers to checks; needs no network.",
        discussion: """
            FILE is what `check --json` or POST /v1/checks answered here or at the registry, one document or a list, or \
            what the console shows to be kept. A receipt \
            is valid when the registry that this node joined, or this node itself, has signed it and the answer around \
            it says the same. The reasons of an answer are not signed. Exits 1 if any is not valid.
            """)

    @OptionGroup var node: DataOptions
    @Argument(help: "The kept answer, or - for standard input.") var file: String
    @Option(help: "What was asked, as JSON: each receipt must be of its answer.") var question: String?
    @Flag(help: "Print JSON.") var json = false

    func validate() throws {
        if file == "-", question == "-" { throw ValidationError("only one of the two can be standard input") }
    }

    func run() async throws {
        try await node.run { directory in
            try directory.requireStore()
            guard let identity = try CityStore(reading: directory.path).identity() else {
                throw StoreRefusal(.notJoined, "this node has not joined: run city-node join TOKEN")
            }
            // As the registry reads a question: nobody asks who is not named in it.
            let questions = try question.map { try CheckRequests(json: try readJSON($0)).questions(askedBy: nil) }
            let kept = try KeptChecks(json: try readJSON(file), questions: questions, asker: identity.city)
            let own = try directory.signingKey().publicKey
            let verdicts = kept.verdicts { signer in
                signer == .registry ? [identity.registryKey] : signer == identity.city ? [own] : []
            }
            if json {
                try Output.json(ListDocument(items: verdicts, next: nil))
            } else {
                for verdict in verdicts { Output.line(verdict.line) }
            }
            guard verdicts.allSatisfy(\.isValid) else { throw ExitCode.failure }
        }
    }
}
