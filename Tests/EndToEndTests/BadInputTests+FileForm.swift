import Foundation
import Testing

extension BadInputTests {
    @Suite("Files that are no such file")
    struct FileFormTests {
        private let federation = BadInputFederation.current

        /// Nothing of a file was taken over: no claim, valid or not, and no entry but the voucher's.
        private func expectUntouched(_ city: TestCity) async throws {
            #expect(try await city.claims() == [])
            #expect(try await city.sync().log_head == 1)
            try await city.expectSoundLog()
        }

        static let wrongHeaders: [(file: String, message: String)] = [
            ("a,b,c\n1,2,3\n", "columns are missing: claim_no, filed_at"),
            (ClaimFile.header.replacing(",claimed_yuan,", with: ",claimed,"), "columns are missing: claimed_yuan"),
            (ClaimFile.header.replacing("provider_name", with: "claim_no"), "columns are missing: provider_name"),
            (ClaimFile.header.replacing("\n", with: ",claim_no\n"), "a column is named twice"),
            (
                ClaimFile.header.replacing("claim_no,", with: "\"claim_no,"),
                "line 1: the file ends inside a quoted cell"
            ),
            ("", "is empty: the first line names the columns"),
        ]

        @Test("a file with a wrong header is refused whole, and what is wrong is named", arguments: wrongHeaders)
        func wrongHeader(file: String, message: String) async throws {
            let city = try await federation.city()

            let result = try await city.importClaims(Array(file.utf8))

            #expect(result.status == 1)
            #expect(result.output == "")
            result.expectSaid(message)
            result.expectSaid("claims.csv")
            try await expectUntouched(city)
        }

        @Test("a file without its header is refused whole")
        func missingHeader() async throws {
            let city = try await federation.city()

            let result = try await city.importClaims(Array(ClaimFile.row(1, of: city).utf8))

            #expect(result.status == 1)
            result.expectSaid("columns are missing: claim_no")
            try await expectUntouched(city)
        }

        @Test("a file of the other kind is refused whole", arguments: ["vouchers", "claims"])
        func otherKind(kind: String) async throws {
            let city = try await federation.city()
            let file = kind == "claims" ? ClaimFile.voucher("V-9") : ClaimFile.file(1, of: city)

            let result = try await city.run(["import", kind, try city.write(file, "other.csv")])

            #expect(result.status == 1)
            result.expectSaid("columns are missing")
            try await expectUntouched(city)
        }

        @Test(
            "a file that is not there, or is a directory, is named with the reason",
            arguments: ["/nowhere/claims.csv", "/tmp"])
        func unreadable(path: String) async throws {
            let city = try await federation.city()

            let result = try await city.run(["import", "claims", path])

            #expect(result.status == 1)
            #expect(result.output == "")
            result.expectSaid(path)
            #expect(!result.errors.contains("is empty"), "\(result.errors)")
            try await expectUntouched(city)
        }

        @Test(
            "an import without a file, or of an unknown kind, is wrong usage",
            arguments: [["claims"], ["payments", "x.csv"]])
        func wrongUsage(arguments: [String]) async throws {
            let city = try await federation.city()

            let result = try await city.run(["import"] + arguments)

            #expect(result.status == 64)
            try await expectUntouched(city)
        }
    }
}
