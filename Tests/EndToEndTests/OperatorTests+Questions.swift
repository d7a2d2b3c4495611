import Foundation
import Laboratory
import RegistryStore
import TestSupport
import Testing

/// What auditors ask by the registry's own verbs: of more claims than one page of an export holds.
extension OperatorTests {
    /// A claim as it is found and exported.
    private struct Claim: Decodable, Hashable {
        let city_code, claim_no, state: String
    }

    private struct Duplicate: Decodable, Hashable {
        struct Claim: Decodable, Hashable { let city_code, claim_no: String }
        let rule, claimed_yuan: String
        let claims: [Claim]
    }

    private struct Report: Decodable {
        let report: String
        let must_be_empty: Bool
        let columns: [String]
        let items: [[String: String]]
    }

    private struct List<Item: Decodable>: Decodable { let items: [Item] }

    /// Rules on a case; exports claims and duplicates in both formats; lists duplicates; makes every report.
    func expectAnswers(_ fixture: FederationFixture, in folder: TemporaryDirectory) async throws {
        let federation = fixture.federation
        let ruled = try await ruleOnOne(federation)
        let claims = try await items(Claim.self, federation, ["claim", "find", "--json"])
        try #require(claims.count > 1_000, "one page has them all")
        try await expectExport(of: "claims", count: claims.count, federation, folder) { format, bytes in
            let found: [Claim] = try format == "csv" ? rows(ofCSV: bytes) : documents(ofNDJSON: bytes)
            #expect(found == claims, "\(format)")
        }

        let duplicates = try await items(Duplicate.self, federation, ["duplicates", "--json"])
        #expect(!duplicates.isEmpty && duplicates.allSatisfy { $0.claims.count > 1 })
        let rule = try #require(duplicates.first).rule
        let ofRule = try await items(Duplicate.self, federation, ["duplicates", "--rule", rule, "--json"])
        #expect(ofRule == duplicates.filter { $0.rule == rule })
        let table = String(decoding: try await federation.registry(["duplicates"]), as: UTF8.self)
        #expect(Set(duplicates.map(\.rule)).allSatisfy { table.contains($0) })
        try await expectExport(of: "duplicates", count: duplicates.count, federation, folder) { format, bytes in
            guard format == "ndjson" else { return }
            let found: [Duplicate] = try documents(ofNDJSON: bytes)
            #expect(found == duplicates)
        }
        try await expectReports(federation, ruled: ruled)
    }

    private func items<Item: Decodable>(
        _ type: Item.Type, _ federation: Federation, _ arguments: [String]
    ) async throws -> [Item] {
        try JSONDecoder().decode(List<Item>.self, from: try await federation.registry(arguments)).items
    }

    // MARK: Exports

    /// Exports a data set in both formats, and once more as of the same position: the bytes are the same, and the manifest
    /// vouches for them. `body` looks at the bytes.
    private func expectExport(
        of dataset: String, count: Int, _ federation: Federation, _ folder: TemporaryDirectory,
        _ body: (_ format: String, Data) throws -> Void
    ) async throws {
        struct Status: Decodable { let signing_key: String }
        let status = try await federation.registry(["status", "--json"])
        let key = try JSONDecoder().decode(Status.self, from: status).signing_key
        for format in ["csv", "ndjson"] {
            let (file, again) = ("\(folder.path)/\(dataset).\(format)", "\(folder.path)/\(dataset)-again.\(format)")
            let export = ["export", dataset, "--format", format]
            let said = String(decoding: try await federation.registry(export + ["--output", file]), as: UTF8.self)
            let summary = try #require(said.firstMatch(of: /^([0-9]+) rows as of position ([0-9]+)/), "\(said)")
            #expect(summary.1 == "\(count)")
            let bytes = try Data(contentsOf: URL(fileURLWithPath: file))
            try body(format, bytes)

            _ = try await federation.registry(export + ["--as-of", String(summary.2), "--output", again])
            #expect(try Data(contentsOf: URL(fileURLWithPath: again)) == bytes, "\(format)")
            let verified = try await Program.registry.run(["audit", "verify-export", file, "--key", key])
            #expect(verified.status == 0, "\(verified.errors)")
            #expect(verified.output.hasPrefix("valid: \(count) rows of \(dataset)"), "\(verified.output)")
        }
    }

    /// The claims of a file. What stands before their numbers has no comma in it.
    private func rows(ofCSV bytes: Data) throws -> [Claim] {
        #expect(Array(bytes.prefix(3)) == [0xEF, 0xBB, 0xBF])
        let lines = String(decoding: bytes.dropFirst(3), as: UTF8.self).split(separator: "\r\n").map {
            $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        }
        let header = try #require(lines.first)
        let city = try #require(header.firstIndex(of: "city_code"))
        let state = try #require(header.firstIndex(of: "state"))
        let number = try #require(header.firstIndex(of: "claim_no"))
        return lines.dropFirst().map { Claim(city_code: $0[city], claim_no: $0[number], state: $0[state]) }
    }

    private func documents<Item: Decodable>(ofNDJSON bytes: Data) throws -> [Item] {
        #expect(bytes.last == UInt8(ascii: "\n"))
        return try bytes.split(separator: UInt8(ascii: "\n")).map {
            try JSONDecoder().decode(Item.self, from: Data($0))
        }
    }

    // MARK: Reports

    /// Lets all claims of a case stay.
    ///
    /// - Returns: The case's id.
    private func ruleOnOne(_ federation: Federation) async throws -> String {
        struct Case: Decodable {
            let case_id: String
            let automatic: Bool
            let claims: [Claim]
        }
        let cases = try await items(Case.self, federation, ["case", "list", "--open", "--json"])
        let found = try #require(
            cases.first { !$0.automatic && $0.claims.allSatisfy { ["held", "reserved"].contains($0.state) } })
        let kept = found.claims.flatMap { ["--keep", "\($0.city_code)/\($0.claim_no)"] }
        let ruling = ["--code", "false-positive", "--reason", "两笔不同的业务", "--by", "李娜"]
        _ = try await federation.registry(["case", "rule", found.case_id] + kept + ruling)
        // From here on nothing changes that is asked for.
        try await expectEventually {
            let report = try await federation.registry(["report", "rulings", "--json"])
            return try JSONDecoder().decode(Report.self, from: report).items.count == 1
        }
        return found.case_id
    }

    /// Every report is made, and as CSV with the same rows; of some the rows are known.
    private func expectReports(_ federation: Federation, ruled: String) async throws {
        var reports: [RegistryStore.Report.Name: Report] = [:]
        for name in RegistryStore.Report.Name.allCases {
            let report = try JSONDecoder().decode(
                Report.self, from: try await federation.registry(["report", name.rawValue, "--json"]))
            #expect(report.report == name.rawValue)
            #expect(report.must_be_empty == name.mustBeEmpty)
            #expect(report.items.isEmpty || !name.mustBeEmpty, "\(name)")
            #expect(report.items.allSatisfy { Set($0.keys) == Set(report.columns) })
            let csv = try await federation.registry(["report", name.rawValue, "--csv"])
            let lines = String(decoding: csv, as: UTF8.self).split(separator: "\r\n")
            #expect(lines.first.map(String.init) == report.columns.joined(separator: ","))
            #expect(lines.count == report.items.count + 1, "\(name)")
            reports[name] = report
        }
        #expect(reports[.duplicatesByRule]?.items.isEmpty == false)
        #expect(reports[.capsUsed]?.items.isEmpty == false)
        // Their cities have days to answer yet.
        #expect(reports[.overdueCases]?.items == [])
        let rulings = try #require(reports[.rulings]).items
        #expect(rulings.map { $0["case_id"] } == [ruled])
        #expect(rulings.map { $0["by"] } == ["李娜"])
        #expect(rulings.map { $0["reason"] } == ["两笔不同的业务"])
        let table = String(decoding: try await federation.registry(["report", "rulings"]), as: UTF8.self)
        #expect(table.contains(ruled) && table.contains("李娜"), "\(table)")
    }
}
