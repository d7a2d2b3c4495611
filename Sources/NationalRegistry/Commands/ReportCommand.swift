import ArgumentParser
import FederationHTTP
import RegistryStore
import Terminal
import VoucherDomain

struct ReportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report", abstract: "Print a report for auditors.",
        discussion: """
            duplicates-by-rule: claims that met, by rule and pair of cities. duplicates-paid: paid, or on their way to \
            be, under a key that one alone may have (must be empty). caps-used: vouchers from half of their limit on and \
            years of enterprises from a tenth of what their first claim was held against, the nearest to today's limit \
            first. overdue-cases: open past their last day. rulings: by officer. uncleared-payments: without the \
            registry's authorisation (must be empty). Exits 1 when a report that must be empty is not.
            """)

    @OptionGroup var database: DatabaseOptions
    @Argument(help: "The report's name.") var name: RegistryStore.Report.Name
    @Option(help: "The most rows to print (default: all).") var limit: Int?
    @Flag(help: "Print JSON.") var json = false
    @Flag(help: "Print CSV.") var csv = false

    func validate() throws {
        if json, csv { throw ValidationError("--json and --csv exclude each other") }
        if let limit, limit < 1 { throw ValidationError("--limit is at least 1") }
    }

    func run() async throws {
        try await database.withStore { store in
            let report = try await RegistryQueries(store: store).report(name, limit: limit ?? 1_000_000)
            if json {
                try Output.json(RegistryQueries.ReportDocument(report, now: WallClock.now))
            } else if csv {
                Output.text(([report.columns] + report.rows).map(CSVLine.encode).joined())
            } else {
                var table = TextTable(
                    report.columns,
                    rightAligned: Set(report.columns.indices.filter { report.columns[$0].hasSuffix("_yuan") }))
                for row in report.rows { table.add(row) }
                Output.line(table.text)
            }
            if report.name.mustBeEmpty, !report.rows.isEmpty {
                Output.note("national-registry: \(name.rawValue) must be empty, and has \(report.rows.count) rows")
                throw ExitCode.failure
            }
        }
    }
}

extension RegistryStore.Report.Name: ExpressibleByArgument {}
