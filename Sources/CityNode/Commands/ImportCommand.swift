import ArgumentParser
import CityStore
import FederationHTTP
import FederationWire
import Foundation
import Terminal
import VoucherDomain

struct ImportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Take over a CSV file, row by row, in its order. The same file twice changes nothing.",
        subcommands: [Vouchers.self, Claims.self])

    struct Vouchers: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Issue the vouchers in a CSV file.")

        @OptionGroup var node: DataOptions
        @Argument(help: "The CSV file.") var file: String

        func run() async throws {
            try await node.withNode {
                try await CSVImport("vouchers", CSVFile(path: file, columns: VoucherForm.columns)).run($0)
            }
        }
    }

    struct Claims: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "File the claims in a CSV file.")

        @OptionGroup var node: DataOptions
        @Argument(help: "The CSV file.") var file: String

        func run() async throws {
            try await node.withNode {
                try await CSVImport(
                    "claims",
                    CSVFile(path: file, columns: ClaimForm.columns, optional: ["invoice_dates"])
                ).run($0)
            }
        }
    }
}

/// Sends a file's rows to the node in pieces and sums up what became of them.
private final class CSVImport {
    private let kind: String
    private let file: CSVFile
    private let progress: ProgressBar
    private var waiting: [ImportRequest.Row] = []
    private var counts: [FilingResult.Outcome: Int] = [:]
    private var repairs = 0

    init(_ kind: String, _ file: CSVFile) {
        self.kind = kind
        self.file = file
        progress = ProgressBar(kind, total: file.size)
    }

    func run(_ node: NodeConnection) async throws {
        do {
            try await file.read(
                unknown: { Output.note("city-node: columns ignored: \($0.joined(separator: ", "))") }
            ) { row, offset in
                waiting.append(.init(row))
                if waiting.count == CSVImport.rowsPerRequest {
                    try await sendWaiting(node)
                    progress.show(offset)
                }
            }
            try await sendWaiting(node)
        } catch {
            // What was recorded stays; the officer must know how much that is.
            progress.finish()
            if !counts.isEmpty {
                Output.line(summary)
                Output.note(
                    "city-node: \(file.path) is not imported to its end: import it again, nothing is recorded twice")
            }
            throw error
        }
        progress.finish()
        Output.line(summary)
        if count(.invalid) + count(.conflict) > 0 { throw ExitCode.failure }
    }

    private static let rowsPerRequest = 500

    private func sendWaiting(_ node: NodeConnection) async throws {
        guard !waiting.isEmpty else { return }
        let rows = waiting
        waiting = []
        try await send(rows, node)
    }

    private func send(_ rows: [ImportRequest.Row], _ node: NodeConnection) async throws {
        struct Results: Decodable { let items: [ImportResult] }
        let answer = try await node.post("/v1/imports/\(kind)", ImportRequest(rows: rows))
        for result in try answer.value(Results.self).items {
            counts[result.outcome, default: 0] += 1
            repairs += result.repairs
            if result.outcome == .invalid || result.outcome == .conflict {
                report(line: result.line, number: result.number, result.problems.map { "\($0.column): \($0.message)" })
            }
        }
    }

    private func report(line: Int?, number: String, _ problems: [String]) {
        let place = [line.map { "row \($0)" }, number.isEmpty ? nil : number].compactMap { $0 }.joined(separator: ", ")
        for problem in problems { Output.note("\(file.path), \(place): \(problem)") }
    }

    private func count(_ outcome: FilingResult.Outcome) -> Int { counts[outcome] ?? 0 }

    private var summary: String {
        "\(kind): \(counts.values.reduce(0, +)) rows, \(count(.recorded)) recorded, \(count(.unchanged)) unchanged, "
            + "\(count(.invalid)) invalid, \(count(.conflict)) in conflict, \(repairs) fields repaired"
    }
}
