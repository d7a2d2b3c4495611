import Foundation
import TestSupport
import Testing
import VoucherDomain

@testable import Laboratory

/// A generated set in a directory of its own, and its files as they are read back.
struct GeneratedSet {
    /// A claim's row with what its label says of it.
    struct LabelledClaim {
        let label: Sample.Label
        let fields: [String: String]
        let validated: Validated<Claim>

        var isLabelledInvalid: Bool { label.pattern.hasPrefix("invalid-") }
    }

    let directory: TemporaryDirectory
    let summary: SetGenerator.Summary
    let sample: Sample

    init(seed: UInt64 = 1, claims: Int, cities: Int = 17) throws {
        directory = try TemporaryDirectory()
        summary = try SetGenerator(seed: seed, claims: claims, cities: cities).write(into: directory.path)
        sample = try Sample(directory: directory.path)
    }

    private struct Recipe: Hashable {
        let seed: UInt64
        let claims: Int
        let cities: Int
    }
    private static let kept = makeKept()

    private static func makeKept() -> Kept<Recipe, GeneratedSet> {
        // The directory of a set goes with the last of those who hold it.
        atexit { GeneratedSet.kept.removeAll() }
        return Kept()
    }

    /// A set that is made once in this process, for tests that only read it.
    static func shared(seed: UInt64 = 1, claims: Int, cities: Int = 17) throws -> GeneratedSet {
        try kept.value(for: Recipe(seed: seed, claims: claims, cities: cities)) {
            try GeneratedSet(seed: seed, claims: claims, cities: cities)
        }
    }

    var codes: [String] { sample.cities.map(\.code) }

    /// The bytes of every file, by its path below the directory.
    func files() throws -> [String: Data] { try GeneratedSet.files(below: directory.path) }

    static func files(below directory: String) throws -> [String: Data] {
        var files: [String: Data] = [:]
        // A folder has no contents.
        for path in try FileManager.default.subpathsOfDirectory(atPath: directory) {
            files[path] = FileManager.default.contents(atPath: "\(directory)/\(path)")
        }
        return files
    }

    /// A file's rows after its header, each as text by column.
    func rows(_ path: String) throws -> [[String: String]] {
        let table = try table(path)
        let header = try #require(table.first, "\(path) has no header")
        return try table.dropFirst().map { cells in
            try #require(cells.count == header.count, "\(path) has a row of \(cells.count) cells")
            return Dictionary(uniqueKeysWithValues: zip(header, cells))
        }
    }

    func header(_ path: String) throws -> [String] { try #require(try table(path).first) }

    private func table(_ path: String) throws -> [[String]] {
        let data = try #require(FileManager.default.contents(atPath: "\(directory.path)/\(path)"), "\(path) is missing")
        var reader = CSVReader()
        var rows: [[String]] = []
        func take(_ row: CSVReader.Row) {
            #expect(row.fault == nil, "\(path), line \(row.line)")
            rows.append(row.cells.map { String(decoding: $0, as: UTF8.self) })
        }
        reader.read(Array(data), row: take)
        reader.finish(row: take)
        return rows
    }

    /// Every labelled claim with its row, in the order of the labels.
    func claims() throws -> [LabelledClaim] {
        var rows: [String: [String: String]] = [:]
        for code in codes {
            for row in try self.rows("\(code)/claims.csv") { rows["\(code)/\(row["claim_no"] ?? "")"] = row }
        }
        return try sample.labels.map { label in
            let fields = try #require(rows["\(label.city)/\(label.claim)"], "\(label.claim) has no row")
            return LabelledClaim(label: label, fields: fields, validated: ClaimForm(fields: fields).validated())
        }
    }

    /// The vouchers of one city's file, in its order.
    func vouchers(of city: String) throws -> [Voucher] {
        try rows("\(city)/vouchers.csv").map { try #require(VoucherForm(fields: $0).validated().value) }
    }

    func companies() throws -> [CompanyForm.Company] {
        try rows("companies.csv").map { try #require(CompanyForm(fields: $0).validated().value) }
    }

    func providers() throws -> [ProviderForm.Provider] {
        try rows("providers.csv").map { try #require(ProviderForm(fields: $0).validated().value) }
    }
}
