import Arbitration
import ArgumentParser
import FederationHTTP
import FederationWire
import RegistryStore
import Terminal
import VoucherDomain

struct CompanyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "company", abstract: "The ownership file: who is behind a company.", subcommands: [Import.self])

    struct Import: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take over an ownership file in CSV. The same file twice changes nothing.",
            discussion: """
                Columns: \(CompanyForm.columns.joined(separator: ", ")); all but uscc may be missing. \
                Representative, controller, address, phone and bank account are kept as keyed hashes alone. \
                A later row on a company replaces what was known of it.
                """)

        @OptionGroup var database: DatabaseOptions
        @Argument(help: "The CSV file.") var file: String

        func run() async throws {
            try await database.withStore(isWriting: true) { store in
                let file = try CSVFile(path: file, columns: CompanyForm.columns, optional: CompanyForm.optional)
                try await RegisterImport("companies", file) { CompanyForm(fields: $0).validated() }
                    .run { try await store.list($0, now: WallClock.now) }
            }
        }
    }
}

struct ProviderCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "provider", abstract: "The national list of compute providers.",
        subcommands: [Import.self, List.self])

    struct Import: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take over a list of providers in CSV. The same file twice changes nothing.",
            discussion: """
                Columns: \(ProviderForm.columns.joined(separator: ", ")); listed_until is the day after the last.
                """)

        @OptionGroup var database: DatabaseOptions
        @Argument(help: "The CSV file.") var file: String

        func run() async throws {
            try await database.withStore(isWriting: true) { store in
                let file = try CSVFile(path: file, columns: ProviderForm.columns, optional: ProviderForm.optional)
                try await RegisterImport("providers", file) { ProviderForm(fields: $0).validated() }
                    .run { try await store.list($0, now: WallClock.now) }
            }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show the list in force.")

        @OptionGroup var database: DatabaseOptions
        @OptionGroup var output: ListOptions

        static var listing: Listing<ProviderDocument> {
            Listing([
                .init("uscc", shown: .name("uscc")) { $0.uscc },
                .init("name", shown: .text("provider")) { $0.name },
                .init("listed_from", shown: .whole("from")) { $0.listed_from },
                .init("listed_until", shown: .whole("until")) { $0.listed_until ?? "" },
                .init("state_run") { "\($0.state_run)" },
                .init(shown: .whole("state-run")) { $0.state_run ? "yes" : "" },
            ])
        }

        func run() async throws {
            try await database.withStore { store in
                let items = try await store.providers().map(ProviderDocument.init)
                try output.print(items, Self.listing, json: ListDocument(items: items, next: nil))
            }
        }
    }
}

/// A provider in `provider list`.
struct ProviderDocument: Encodable, Sendable {
    let uscc: String
    let name: String
    let listed_from: String
    let listed_until: String?
    let state_run: Bool
}

extension ProviderDocument {
    fileprivate init(_ provider: Register.Provider) {
        self.init(
            uscc: provider.code.rawValue, name: provider.name, listed_from: provider.listedFrom.iso8601,
            listed_until: provider.listedUntil?.iso8601, state_run: provider.isStateRun)
    }
}

/// Takes over a file a piece at a time; a row that is wrong is reported and the others go on.
private final class RegisterImport<Row: Hashable & Sendable> {
    private let kind: String
    private let file: CSVFile
    private let read: ([String: String]) -> Validated<Row>
    private let progress: ProgressBar
    private var waiting: [Row] = []
    private var total = RegistryStore.Listing()
    private var invalid = 0

    init(_ kind: String, _ file: CSVFile, _ read: @escaping ([String: String]) -> Validated<Row>) {
        self.kind = kind
        self.file = file
        self.read = read
        progress = ProgressBar(kind, total: file.size)
    }

    func run(_ list: ([Row]) async throws -> RegistryStore.Listing) async throws {
        func flush() async throws {
            let listing = try await list(waiting)
            waiting = []
            total.listed += listing.listed
            total.unchanged += listing.unchanged
        }
        try await file.read(
            unknown: { Output.note("national-registry: columns ignored: \($0.joined(separator: ", "))") }
        ) { row, offset in
            take(row)
            guard waiting.count == 5_000 else { return }
            try await flush()
            progress.show(offset)
        }
        try await flush()
        progress.finish()
        Output.line("\(kind): \(total.listed) listed, \(total.unchanged) unchanged, \(invalid) invalid")
        if invalid > 0 { throw ExitCode.failure }
    }

    private func take(_ row: FormRow) {
        let validated = read(row.fields)
        let problems = row.problems + (row.problems.isEmpty ? validated.problems : [])
        if problems.isEmpty, let value = validated.value { return waiting.append(value) }
        invalid += 1
        let place = row.line.map { ", row \($0)" } ?? ""
        for problem in problems { Output.note("\(file.path)\(place): \(problem.column): \(problem.message)") }
    }
}
