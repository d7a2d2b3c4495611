import Arbitration
import Crypto
import FederationHTTP
import FederationWire
import Foundation
import Hummingbird
import RegistryStore
import Replication
import VoucherDomain

/// A set of rows that can be written out whole, at any size with flat memory.
///
/// Its bytes are a function of what was asked and nothing else: every row is as of one position of the feed. So whoever
/// has the bytes can ask for a signed manifest later, and anybody can ask for the same bytes again.
struct Export: Sendable {
    enum Dataset: String, CaseIterable, Sendable { case claims, duplicates }

    enum Format: String, CaseIterable, Sendable {
        case csv
        /// One JSON document a line.
        case ndjson

        var mediaType: String { self == .csv ? "text/csv; charset=utf-8" : "application/x-ndjson" }
    }

    let dataset: Dataset
    let format: Format
    /// What was asked, `as_of` among it.
    let parameters: [String: String]
    /// The feed's entry up to which rows are told.
    let asOf: FeedHead
    fileprivate let claims: RegistryStore.ClaimFilter
    fileprivate let duplicates: RegistryStore.DuplicateFilter
    private let queries: RegistryQueries

    /// How many rows are read and written at a time.
    private static let pageRows = 1_000

    static func parameters(of dataset: Dataset) -> [String] {
        dataset == .claims ? RegistryStore.ClaimFilter.parameters : RegistryStore.DuplicateFilter.parameters
    }

    /// - Parameter values: What is asked, by name; without `as_of` it is asked as of now.
    /// - Throws: ``Problem`` that names the parameter and the form that was expected.
    init(_ dataset: Dataset, _ format: Format, _ values: [String: String], _ queries: RegistryQueries) async throws {
        let question = try Question(values, known: Export.parameters(of: dataset))
        let end = try await queries.head(try question.number("as_of", in: 0...Int64.max))
        // A replica may have what the primary has not acknowledged, and what a promoted standby may never have: nothing is
        // signed of that. (The primary is asked then.)
        if queries.isReplica, let primary = queries.desk?.primary,
            (try? await primary.feedHead(at: Int64(end.position))) != end
        {
            throw Problem(.serviceUnavailable, "database", "the replica is ahead of the registry", retryAfter: 2)
        }
        asOf = end
        var parameters = question.values
        parameters["as_of"] = "\(asOf.position)"
        self.dataset = dataset
        self.format = format
        self.parameters = parameters
        self.queries = queries
        let pinned = try Question(parameters, known: Export.parameters(of: dataset))
        claims = dataset == .claims ? try RegistryStore.ClaimFilter(pinned) : RegistryStore.ClaimFilter()
        duplicates =
            dataset == .duplicates ? try RegistryStore.DuplicateFilter(pinned) : RegistryStore.DuplicateFilter()
    }

    /// Reads what a request asks: the data set's parameters and `format`.
    init(_ dataset: Dataset, asking request: Request, _ queries: RegistryQueries) async throws {
        let question = try Question(request, known: Export.parameters(of: dataset) + ["format"])
        let format = try question.value("format", "csv or ndjson", Format.init(rawValue:)) ?? .csv
        try await self.init(dataset, format, question.values.filter { $0.key != "format" }, queries)
    }

    /// A name for the file.
    var fileName: String { "\(dataset.rawValue)-\(asOf.position).\(format.rawValue)" }

    /// The bytes from the first one on.
    var pieces: Pieces { Pieces(self) }

    /// Reads an export piece by piece.
    struct Pieces {
        private enum Place {
            case start
            case claims(after: Int64?)
            case duplicates(after: RegistryStore.DuplicatePlace?)
            case end
        }

        private let export: Export
        private var place = Place.start
        private var hash = SHA256()
        /// How many rows were read, and how many bytes.
        private(set) var count = 0
        private(set) var bytes = 0

        fileprivate init(_ export: Export) { self.export = export }

        /// The SHA-256 of what was read, in lower-case hexadecimal.
        var digest: String { Array(hash.finalize()).hexadecimal }

        /// - Returns: `nil` at the end.
        mutating func next() async throws -> [UInt8]? {
            guard let piece = try await read() else { return nil }
            hash.update(data: piece)
            bytes += piece.count
            return piece
        }

        private mutating func read() async throws -> [UInt8]? {
            let export = export
            var rows: [String] = []
            switch place {
            case .end: return nil
            case .start:
                place = export.dataset == .claims ? .claims(after: nil) : .duplicates(after: nil)
                return export.format == .csv
                    ? CSVLine.byteOrderMark + Array(CSVLine.encode(export.columns).utf8) : try await read()
            case .claims(let after):
                let page = try await export.read {
                    try await $0.claims(export.claims, after: after, limit: Export.pageRows)
                }
                rows = try page.map(export.row)
                place = .claims(after: page.last.map { Int64($0.decidedAt.position) })
            case .duplicates(let after):
                let page = try await export.read {
                    try await $0.duplicates(export.duplicates, after: after, limit: Export.pageRows)
                }
                rows = try page.map(export.row)
                place = .duplicates(after: page.last?.place)
            }
            count += rows.count
            if rows.count < Export.pageRows { place = .end }
            return Array(rows.joined().utf8)
        }
    }

    /// Reads a page. Its rows are as of one position, so whichever database has come so far has the same ones: each page is a
    /// question of its own, so that a replica which has failed at one is left alone with the next ones.
    fileprivate func read<Page>(_ page: (RegistryStore) async throws -> Page) async throws -> Page {
        guard let desk = queries.desk else { return try await page(queries.store) }
        return try await desk.ask { queries in
            try queries.expect(Int64(clamping: asOf.position))
            return try await page(queries.store)
        }
    }

    private var columns: [String] { dataset == .claims ? ClaimRow.columns : Export.duplicateColumns }

    /// Makes the manifest of the bytes.
    ///
    /// - Parameters:
    ///   - read: The pieces, as far as they were read: the rest is read here.
    ///   - person: Whoever asks for it.
    ///   - now: Milliseconds since 1970.
    func manifest(of read: Pieces? = nil, for person: String, now: UInt64) async throws -> ExportManifest {
        var pieces = read ?? pieces
        while try await pieces.next() != nil {}
        return ExportManifest(
            dataset: dataset.rawValue, format: format.rawValue, parameters: parameters,
            as_of: PositionDocument(asOf), count: pieces.count, bytes: pieces.bytes, sha256: pieces.digest,
            made_at: StatedTime(rawValue: Int64(now)).rfc3339,
            made_for: person)
    }

    // MARK: Rows

    private func row(_ record: RegistryStore.ClaimRecord) throws -> String {
        if format == .csv { return CSVLine.encode(ClaimRow.cells(record).map(CSVLine.harmless)) }
        return try Export.line(RegistryQueries.document(record, withReceipt: false))
    }

    private static let duplicateColumns = ["rule", "key_hash", "claims", "claimed_yuan"]

    private func row(_ duplicate: RegistryStore.Duplicate) throws -> String {
        if format == .ndjson { return try Export.line(RegistryQueries.DuplicateDocument(duplicate)) }
        return CSVLine.encode([
            duplicate.rule, duplicate.keyHash.hexadecimal,
            duplicate.claims.map(\.description).joined(separator: " "), duplicate.claimed.yuan,
        ])
    }

    private static func line(_ value: some Encodable) throws -> String {
        String(decoding: try JSONBody.encode(value), as: UTF8.self) + "\n"
    }
}

/// A decided claim as a row: the columns of the file that cities exchange, and behind them what became of it.
enum ClaimRow {
    static let columns =
        ["city_code", "state", "position", "received_at", "policy_version", "rules", "blocking", "case_id"]
        + ClaimForm.columns

    static func cells(_ record: RegistryStore.ClaimRecord) -> [String] {
        let fields = ClaimForm(record.claim).fields
        let rules = record.reasons.map(\.rule)
        let blocking = record.reasons.flatMap(\.blocking).map(\.description)
        return [
            record.name.city.description, record.state.name, "\(record.decidedAt.position)",
            StatedTime(rawValue: record.receivedAt).rfc3339, "\(record.policyVersion)",
            Set(rules).sorted().joined(separator: " "), Set(blocking).sorted().joined(separator: " "),
            record.caseID ?? "",
        ] + ClaimForm.columns.map { fields[$0] ?? "" }
    }
}
