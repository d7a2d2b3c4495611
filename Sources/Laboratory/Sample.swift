import Foundation
import VoucherDomain

/// A labelled sample: cities, their files, and what is to come of each claim.
package struct Sample: Sendable {
    package struct City: Sendable {
        package let code: String
        package let name: String
    }

    /// A row of `truth.csv`.
    package struct Label: Sendable {
        let group: String
        let pattern: String
        let expectation: String
        let city: String
        let claim: String
        let outcome: String
        let capacityFen: Int64?
    }

    struct Failure: Error { let message: String }

    package let directory: String
    package var cities: [City]
    package let labels: [Label]

    package init(directory: String) throws {
        self.directory = directory
        cities = try Sample.rows("\(directory)/cities.csv").map {
            City(code: $0["city_code"] ?? "", name: $0["name_zh"] ?? "")
        }
        labels = try Sample.rows("\(directory)/truth.csv").map { row in
            Label(
                group: row["group"] ?? "", pattern: row["pattern"] ?? "", expectation: row["expectation"] ?? "",
                city: row["city_code"] ?? "", claim: row["claim_no"] ?? "", outcome: row["outcome"] ?? "",
                capacityFen: Int64(row["capacity_fen"] ?? ""))
        }
    }

    /// The sample that comes with the product.
    package static func find() throws -> String {
        try find("deploy/sample", option: "--sample DIR")
    }

    /// What comes with the product: below the working directory, or above this program.
    ///
    /// - Parameters:
    ///   - path: From the project's directory on.
    ///   - option: What names another one.
    static func find(_ path: String, option: String) throws -> String {
        var candidates = [FileManager.default.currentDirectoryPath]
        var above = URL(fileURLWithPath: Programs.ownPath).deletingLastPathComponent()
        for _ in 0..<5 {
            candidates.append(above.path)
            above.deleteLastPathComponent()
        }
        for base in candidates where FileManager.default.fileExists(atPath: "\(base)/\(path)") {
            return "\(base)/\(path)"
        }
        throw Failure(message: "\(path) is not found: run this in the project's directory, or give \(option)")
    }

    private static func rows(_ path: String) throws -> [[String: String]] {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw Failure(message: "cannot read \(path)")
        }
        var reader = CSVReader()
        var header: [String]?
        var rows: [[String: String]] = []
        func take(_ row: CSVReader.Row) throws {
            let cells = row.cells.map { String(decoding: $0, as: UTF8.self) }
            guard let names = header else { return header = cells }
            guard row.fault == nil, cells.count == names.count else {
                throw Failure(message: "\(path), line \(row.line) is broken")
            }
            rows.append(Dictionary(uniqueKeysWithValues: zip(names, cells)))
        }
        try reader.read(data) { try take($0) }
        try reader.finish { try take($0) }
        return rows
    }
}

/// The other two programs, which are installed beside this one.
enum Programs {
    static var ownPath: String { (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? "" }

    static func path(_ name: String) throws -> String {
        let path = URL(fileURLWithPath: ownPath).deletingLastPathComponent().appendingPathComponent(name).path
        guard FileManager.default.isExecutableFile(atPath: path) else {
            throw Sample.Failure(message: "\(name) is not beside federation-lab: run swift build first")
        }
        return path
    }
}
