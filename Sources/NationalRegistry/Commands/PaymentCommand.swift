import Arbitration
import ArgumentParser
import FederationWire
import RegistryStore
import Terminal

struct PaymentCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "payment", abstract: "Look at the payments of all cities.", subcommands: [List.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List payments in the order in which their claims were decided.")

        @OptionGroup var database: DatabaseOptions
        @Option(help: "requested, authorized, released, submitted, paid, failed or reversed.")
        var stage: Payment.Stage?
        @OptionGroup var most: LimitOption
        @OptionGroup var output: ListOptions

        static var listing: Listing<ClaimPaymentDocument> {
            Listing([
                .init("claim", shown: .name("claim")) { $0.claim.text },
                .init("stage", shown: .whole("stage")) { $0.payment.stage },
                .init("amount_yuan", shown: .number("yuan")) { $0.payment.amount_yuan ?? "" },
                .init("stopped") { "\($0.payment.stopped)" },
                .init(shown: .whole("stopped")) { $0.payment.stopped ? "yes" : "" },
                .init("refunded_yuan", shown: .number("paid back")) { $0.payment.refunded_yuan },
                .init("clawback_yuan", shown: .number("to claw back")) { $0.payment.clawback_yuan },
                .init("reference", shown: .whole("reference")) { $0.payment.reference ?? "" },
            ])
        }

        func run() async throws {
            try await database.withStore { store in
                let queries = RegistryQueries(store: store)
                try await output.print(Self.listing, limit: most.limit) { after, limit in
                    try await queries.payments(stage: stage, after: after.flatMap { Int64($0) } ?? 0, limit: limit)
                }
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
