import Foundation
import Testing

/// What the form for a claim says of a check.
@Suite("Checks in the city's console", .badInputFederation)
struct CityCheckPageTests {
    private let federation = BadInputFederation.current

    /// The page that answers a check of what would be filed as a claim.
    private func checked(_ number: Int, of city: TestCity, _ desk: OfficerDesk) async throws -> String {
        let fields = ClaimFile.distinct(number, of: city).merging(["act": "check"]) { $1 }
        let answer = try await desk.post("/console/file", fields)
        #expect(answer.status == 200)
        return answer.text
    }

    @Test("connected, the registry's word is shown with its receipt, which verifies as it stands on the page")
    func connected() async throws {
        let city = try await federation.city()
        try await city.served { daemon in
            try await city.file([ClaimFile.distinctRow(1, of: city)])
            try await OfficerDesk.with(city, daemon) { desk in
                for (number, verdict, level) in [(2, "CLEAR", "good"), (1, "HIT", "fault")] {
                    // A busy machine may let the registry's word come too late for once.
                    var page = ""
                    try await expectEventually {
                        page = try await checked(number, of: city, desk)
                        return page.contains("the registry, signed")
                    }
                    #expect(page.contains(#"<p id="verdict" class="\#(level)" role="status">\#(verdict)"#))
                    let answer = try #require(page.firstMatch(of: /<pre>(.+?)<\/pre>/))
                    let file = try city.write(answer.1.replacing("&quot;", with: "\"").utf8, "answer-\(number)")
                    for result in [
                        try await city.run(["check-receipt", file]),
                        try await federation.registry(["check-receipt", file]),
                    ] {
                        #expect(result.status == 0, "\(result.output)\(result.errors)")
                        #expect(result.output.contains(verdict))
                    }
                }
            }
        }
    }

    @Test("offline it is UNKNOWN, which is nothing good, and the page says how to get CLEAR", arguments: ["en", "zh"])
    func offline(language: String) async throws {
        let city = try await federation.city()
        try await city.served(isOffline: true) { daemon in
            try await OfficerDesk.with(city, daemon, language: language) { desk in
                let page = try await checked(1, of: city, desk)

                #expect(page.contains(#"<p id="verdict" class="neutral" role="status">UNKNOWN"#))
                #expect(page.contains(language == "en" ? "to get CLEAR" : "才能得到 CLEAR"))
                #expect(page.contains(language == "en" ? "signed by this node" : "由本节点签名"))
            }
        }
    }

    @Test("a question that is none is told, and nothing is answered")
    func none() async throws {
        let city = try await federation.city()
        try await city.served { daemon in
            try await OfficerDesk.with(city, daemon) { desk in
                let answer = try await desk.post("/console/file", ["act": "check", "contract_no": "HT-1"])

                #expect(answer.text.contains("invoices: expected 1 to 200 numbers"))
                #expect(!answer.text.contains("id=\"verdict\""))
            }
        }
    }
}
