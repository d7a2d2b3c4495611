import Arbitration
import ArgumentParser
import FederationWire
import RegistryStore
import Terminal
import VoucherDomain

struct PaymentCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "payment", abstract: "Look at the payments of all cities.", subcommands: [List.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List payments in the order in which their claims were decided.")

        @OptionGroup var database: DatabaseOptions
        @Option(help: "requested, authorized, released, submitted, paid, failed or reversed.")
        var stage: Payment.Stage?
        @Option(help: "The most to print (default: all).") var limit: Int?
        @Flag(help: "Print JSON.") var json = false

        func validate() throws {
            if let limit, limit < 1 { throw ValidationError("--limit is at least 1") }
        }

        func run() async throws {
            try await database.withStore { store in
                let payments = try await store.payments(stage: stage, after: 0, limit: limit ?? 1_000_000)
                if json {
                    return try Output.json(ListDocument(items: payments.map(ClaimPaymentDocument.init), next: nil))
                }
                var table = TextTable(
                    ["claim", "stage", "yuan", "paid back", "to claw back", "reference", ""], rightAligned: [2, 3, 4])
                for payment in payments {
                    table.add([
                        payment.claim.description, payment.stage.name, payment.authorization?.amount.yuan ?? "",
                        payment.refunded.yuan, payment.owed.yuan, payment.authorization?.reference.text ?? "",
                        payment.isBarred ? "stopped" : "",
                    ])
                }
                Output.line(table.text)
            }
        }
    }
}

extension Payment.Stage: ExpressibleByArgument {
    package init?(argument: String) {
        guard let stage = Payment.Stage.allCases.first(where: { $0.name == argument }) else { return nil }
        self = stage
    }
}
