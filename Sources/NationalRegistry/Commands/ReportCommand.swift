import ArgumentParser
import FederationHTTP
import RegistryStore
import Terminal

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
    @OptionGroup var most: LimitOption
    @OptionGroup var output: ListOptions

    func run() async throws {
        try await database.withStore { store in
            // More rows than that are in no database.
            let report = try await RegistryQueries(store: store).report(name, limit: most.limit ?? Int(Int32.max))
            try output.print(
                report.rows, Self.listing(report.columns),
                json: RegistryQueries.ReportDocument(report, now: WallClock.now))
            if report.isCut { Output.note("national-registry: \(name.rawValue) has more rows than --limit says") }
            if report.name.mustBeEmpty, !report.rows.isEmpty {
                Output.note("national-registry: \(name.rawValue) must be empty, and has \(report.rows.count) rows")
                throw ExitCode.failure
            }
        }
    }
}

extension ReportCommand {
    static func listing(_ columns: [String]) -> Listing<[String]> {
        Listing(
            columns.enumerated().map { index, name in
                Listing<[String]>.Column(name, shown: shown(name)) { $0[index] }
            })
    }

    private static func shown(_ name: String) -> TextTable.Column {
        switch name {
        case "case_id", "claim", "other_claim", "rule", "position": .name(name)
        // A key is what somebody asks for: all of it.
        case "key": .words(name, isKept: true)
        case "claims": .words(name)
        case "by", "reason", "what": .text(name)
        default: name.hasSuffix("_yuan") ? .number(name) : .whole(name)
        }
    }
}

extension RegistryStore.Report.Name: ExpressibleByArgument {}
