import ArgumentParser
import Terminal
import Testing

@Suite("How a list is printed")
struct ListOptionsTests {
    private struct City {
        let code: String
        let name: String
    }

    private let listing = Listing<City>([
        .init("city_code", shown: .name("code")) { $0.code },
        .init(shown: .text("city")) { "\($0.name)市" },
        .init("name") { $0.name },
    ])

    @Test("the table and CSV are made of the same rows, each with its own columns")
    func bothForms() {
        let rows = [City(code: "110000", name: "北京"), City(code: "310000", name: "上海")]

        #expect(listing.cells(rows) == [["city_code", "name"], ["110000", "北京"], ["310000", "上海"]])
        #expect(
            listing.table(rows).text(within: nil)
                == "code    city\n------  ------\n110000  北京市\n310000  上海市")
        #expect(listing.cells([]) == [["city_code", "name"]])
    }

    @Test("one form is asked for at a time")
    func exclusion() throws {
        #expect(try ListOptions.parse(["--csv"]).csv)
        #expect(try ListOptions.parse(["--json"]).json)
        #expect(try ListOptions.parse(["--wide"]).wide)
        for both in [["--json", "--csv"], ["--csv", "--wide"], ["--wide", "--json"]] {
            #expect(throws: (any Error).self, "\(both)") { try ListOptions.parse(both) }
        }
    }
}
