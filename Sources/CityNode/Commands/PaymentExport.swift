import ArgumentParser
import FederationWire
import Foundation
import Terminal
import VoucherDomain

extension PaymentCommand {
    /// Submits what is released and writes it for the bank: nothing else ever gets into the file.
    struct Export: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Submit every released payment, and write those that the registry has received as CSV.",
            discussion: """
                Only what is authorised, released and submitted is written, each with its bank reference: the bank pays a \
                reference once, however often it gets it. --again also writes what was submitted before and has no answer \
                of the bank yet.
                """)

        @OptionGroup var node: DataOptions
        @Argument(help: "The CSV file to write, or - for standard output.") var file: String
        @Flag(help: "Also what was submitted before.") var again = false

        private struct Claim: Decodable {
            let claim_no: String?
            let enterprise_uscc: String?
            let enterprise_name: String?
            let voucher_no: String?
            let contract_no: String?
            let payment: PaymentDocument?
        }

        func run() async throws {
            try await node.withNode { node in
                let before =
                    again
                    ? try await listItems("/v1/payments?stage=submitted", node, as: ClaimPaymentDocument.self).filter {
                        $0.payment.submission_received == true && !$0.payment.stopped
                    } : []
                // Read after what was submitted before, so that none is in the file twice.
                let released = try await listItems("/v1/payments?stage=released", node, as: ClaimPaymentDocument.self)
                    .filter { !$0.payment.stopped }
                var claims: [Claim] = []
                for item in before {
                    claims.append(try await node.get(ClaimCommand.path(item.claim_no)).value(Claim.self))
                }
                let failed = try await submit(released, node) { claims.append($0) }
                if claims.isEmpty, failed > 0 { throw ExitCode.failure }
                try write([BankFile.columns] + claims.map(Export.row))
                Output.note("\(claims.count) payments written")
                if failed > 0 { throw ExitCode.failure }
            }
        }

        /// Submits payments one by one; one that cannot be submitted is reported, and the others go on.
        ///
        /// - Returns: How many could not.
        private func submit(
            _ items: [ClaimPaymentDocument], _ node: NodeConnection, _ body: (Claim) -> Void
        ) async throws -> Int {
            var failed = 0
            let progress = ProgressBar("payments", total: items.count)
            for (done, item) in items.enumerated() {
                do {
                    let path = PaymentCommand.path(item.claim_no, "payment-submission")
                    body(try await node.post(path, NoBody()).value(Claim.self))
                } catch let failure as NodeDirectory.Failure {
                    failed += 1
                    Output.note("city-node: \(item.claim_no) is not submitted: \(failure.message)")
                }
                progress.show(done + 1)
            }
            progress.finish()
            return failed
        }

        private static func row(_ claim: Claim) -> [String] {
            let fields = [
                "enterprise_uscc": claim.enterprise_uscc, "enterprise_name": claim.enterprise_name,
                "voucher_no": claim.voucher_no, "contract_no": claim.contract_no,
            ]
            return BankFile.row(
                reference: claim.payment?.reference ?? "", amount: claim.payment?.amount_yuan ?? "",
                claimNumber: claim.claim_no ?? "", fields.compactMapValues(\.self))
        }

        /// RFC 4180, with a byte-order mark so that Excel reads Chinese.
        private func write(_ rows: [[String]]) throws {
            let data = Data(CSVLine.byteOrderMark) + Data(rows.map(CSVLine.encode).joined().utf8)
            if file == "-" { return FileHandle.standardOutput.write(data) }
            do {
                try data.write(to: URL(fileURLWithPath: file), options: .atomic)
            } catch {
                throw NodeDirectory.Failure(
                    message:
                        "cannot write \(file); what was submitted is not lost: choose another file and give --again")
            }
        }
    }
}
