import Arbitration
import ArgumentParser
import FederationWire
import Foundation
import Terminal
import VoucherDomain

struct PaymentCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "payment", abstract: "Ask for the payment of claims, and say what the bank has done.",
        discussion: """
            A reserved claim is asked for (request), authorised by the registry, and released once other cities have the \
            authorisation. Only then it is submitted: the registry's receipt comes first, the bank second. A time-out of \
            the bank is no failure: ask the bank again under the same reference.
            """,
        subcommands: [
            Request.self, Submit.self, Export.self, Confirm.self, Fail.self, Reverse.self, RedLetter.self,
            RedLetters.self, List.self,
        ])

    struct Request: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Ask the registry to authorise the payment of claims.")

        @OptionGroup var node: DataOptions
        @Argument(help: "The claims' numbers.") var numbers: [String] = []
        @Flag(help: "Ask for every reserved claim.") var all = false

        func validate() throws {
            if numbers.isEmpty != all { throw ValidationError("name claims, or give --all") }
        }

        func run() async throws {
            try await node.withNode { node in
                let wanted = all ? try await PaymentCommand.reserved(node) : numbers
                var failed = 0
                for number in wanted {
                    do {
                        _ = try await node.post(PaymentCommand.path(number, "payment-request"), NoBody()).success()
                    } catch let failure as NodeDirectory.Failure {
                        failed += 1
                        Output.note("city-node: \(number) is not asked for: \(failure.message)")
                    }
                }
                Output.line("\(wanted.count - failed) payments are asked for; payment list shows where they stand")
                if failed > 0 { throw ExitCode.failure }
            }
        }
    }

    struct Submit: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say that the instruction for a released payment goes to the bank now.",
            discussion:
                "Prints the bank reference once the registry has received it; before that, do not call the bank.")

        @OptionGroup var node: DataOptions
        @Argument(help: "The claim's number.") var number: String

        func run() async throws {
            try await node.withNode { node in
                let payment = try await PaymentCommand.act(number, "payment-submission", NoBody(), node)
                Output.line("\(number)  \(payment.amount_yuan ?? "") yuan  reference \(payment.reference ?? "")")
            }
        }
    }

    struct Confirm: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Say that the bank has paid.")

        @OptionGroup var node: DataOptions
        @Argument(help: "The claim's number.") var number: String
        @OptionGroup var bank: BankOptions

        func run() async throws {
            try await node.withNode { node in
                let payment = try await PaymentCommand.act(number, "payment-confirmation", bank.request(nil), node)
                Output.line("\(number)  the confirmation is recorded; the payment is \(payment.stage)")
            }
        }
    }

    struct Fail: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say that the bank will never pay under the reference.",
            discussion: "A time-out is no failure: the keys stay bound until the bank has answered.")

        @OptionGroup var node: DataOptions
        @Argument(help: "The claim's number.") var number: String
        @Option(help: "rejected: the bank refused it for good; cancelled: the bank confirmed that it is cancelled.")
        var failure: PaymentAct.Failure
        @Option(help: "What the bank says.") var reason: String

        func run() async throws {
            try await node.withNode { node in
                let request = FailureRequest(failure: failure.name, reason: reason)
                let payment = try await PaymentCommand.act(number, "payment-failure", request, node)
                Output.line("\(number)  the failure is recorded; the payment is \(payment.stage)")
            }
        }
    }

    struct Reverse: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say that money of a paid claim came back, all of it or a part.",
            discussion: "The claim's keys are free once all of it is back.")

        @OptionGroup var node: DataOptions
        @Argument(help: "The claim's number.") var number: String
        @OptionGroup var bank: BankOptions
        @Option(help: "Why it came back.") var reason: String

        func run() async throws {
            try await node.withNode { node in
                let payment = try await PaymentCommand.act(number, "payment-reversal", bank.request(reason), node)
                Output.line("\(number)  the reversal is recorded; the payment is \(payment.stage)")
            }
        }
    }

    struct RedLetter: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say that an invoice, or a part of it, was reversed by a red-letter invoice.",
            discussion: "Claims on the invoice that it does not cover any more are held, or are to be clawed back.")

        @OptionGroup var node: DataOptions
        @Argument(help: "The invoice that is reversed.") var invoice: String
        @Option(help: "The red-letter invoice's own number.") var number: String
        @Option(help: "What it takes back, in yuan.") var amount: String
        @Option(help: "When it was issued, YYYY-MM-DD.") var issuedOn: String

        func run() async throws {
            try await node.withNode { node in
                let request = RedLetterRequest(
                    invoice: invoice, number: number, amount_yuan: amount, issued_on: issuedOn)
                _ = try await node.post("/v1/red-letters", request).success()
                Output.line("the reversal of \(invoice) is recorded")
            }
        }
    }

    struct RedLetters: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "red-letters", abstract: "List the reversals of invoices that this city has told.")

        @OptionGroup var node: DataOptions
        @OptionGroup var output: ListOptions

        static var listing: Listing<RedLetterDocument> {
            Listing([
                .init("invoice", shown: .name("invoice")) { $0.invoice },
                .init("number", shown: .name("red letter")) { $0.number },
                .init("amount_yuan", shown: .number("yuan")) { $0.amount_yuan },
                .init("problem", shown: .text("problem")) { $0.problem ?? "" },
                .init("issued_on", shown: .whole("issued on")) { $0.issued_on },
            ])
        }

        func run() async throws {
            try await node.withNode { node in try await output.print("/v1/red-letters", node, Self.listing) }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List payments in the order of their claims.")

        @OptionGroup var node: DataOptions
        @Option(help: "Only payments at this stage.") var stage: String?
        @OptionGroup var most: LimitOption
        @OptionGroup var output: ListOptions

        static var listing: Listing<ClaimPaymentDocument> {
            Listing([
                .init("claim_no", shown: .name("claim")) { $0.claim_no },
                .init("stage", shown: .whole("stage")) { $0.payment.stage },
                .init("amount_yuan", shown: .number("yuan")) { $0.payment.amount_yuan ?? "" },
                .init("stopped") { "\($0.payment.stopped)" },
                .init("problem") { $0.payment.problem ?? "" },
                .init(shown: .text("problem", least: 24)) { item in
                    item.payment.problem ?? (item.payment.stopped ? "stopped: do not pay" : "")
                },
                .init("refunded_yuan", shown: .number("paid back")) { $0.payment.refunded_yuan },
                .init("clawback_yuan", shown: .number("to claw back")) { $0.payment.clawback_yuan },
                .init("reference", shown: .whole("reference")) { $0.payment.reference ?? "" },
            ])
        }

        func validate() throws {
            if let stage, !NodeRoutes.paymentStages.contains(stage) {
                throw ValidationError("--stage is one of \(NodeRoutes.paymentStages.joined(separator: ", "))")
            }
        }

        func run() async throws {
            let path = "/v1/payments" + (stage.map { "?stage=\($0)" } ?? "")
            try await node.withNode { node in
                try await output.print(path, limit: most.limit, node, Self.listing)
            }
        }
    }
}

/// What the bank says of a movement of money.
struct BankOptions: ParsableArguments {
    @Option(help: "The bank's own number of the transaction.") var transaction: String
    @Option(help: "Yuan with two decimals.") var amount: String
    @Option(help: "The day, YYYY-MM-DD.") var on: String

    func request(_ reason: String?) -> BankRequest {
        BankRequest(transaction: transaction, amount_yuan: amount, paid_on: on, reason: reason)
    }
}

/// What commands read of a claim that is being paid.
private struct PaidClaim: Decodable { let payment: PaymentDocument? }

/// An empty JSON object.
struct NoBody: Encodable {}

extension PaymentAct.Failure: ExpressibleByArgument {
    package init?(argument: String) {
        guard let failure = PaymentAct.Failure.allCases.first(where: { $0.name == argument }) else { return nil }
        self = failure
    }
}

extension PaymentCommand {
    static func path(_ number: String, _ what: String) -> String { "\(ClaimCommand.path(number))/\(what)" }

    static func act(
        _ number: String, _ what: String, _ body: some Encodable, _ node: NodeConnection
    ) async throws -> PaymentDocument {
        let claim = try await node.post(path(number, what), body).value(PaidClaim.self)
        guard let payment = claim.payment else {
            throw NodeDirectory.Failure(message: "claim \(number) has no payment")
        }
        return payment
    }

    fileprivate static func reserved(_ node: NodeConnection) async throws -> [String] {
        try await listItems("/v1/claims?state=reserved", node, as: ClaimLine.self).compactMap(\.claim_no)
    }
}
