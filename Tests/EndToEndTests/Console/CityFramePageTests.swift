import Foundation
import Testing

/// What stands around every page of the city's console, also where something went wrong.
@Suite("The frame of the city's pages", .badInputFederation)
struct CityFramePageTests {
    private let federation = BadInputFederation.current

    @Test("a page that says what went wrong names whose session it is, and that the registry is not reached")
    func problemPage() async throws {
        let city = try await federation.city()
        try await city.served(isOffline: true) { daemon in
            try await OfficerDesk.with(city, daemon) { desk in
                let answers = [
                    try await desk.get("/console/claims/nothing"),
                    try await desk.post("/console/payments/requests", ["claim": "nothing"]),
                ]
                for answer in answers {
                    #expect(answer.status == 404)
                    #expect(answer.text.contains("<span>\(city.code) "))
                    #expect(answer.text.contains(#"<p class="banner" role="status">Offline"#))
                }
            }
        }
    }

    @Test("what is wrong with a field stands under it in one box, and no box ends in a colon with nothing behind it")
    func faults() async throws {
        let city = try await federation.city()
        try await city.served { daemon in
            // A row of a file that is no entry is shown with its faults as well.
            _ = try await city.importClaims(
                ClaimFile.file([ClaimFile.distinctRow(1, of: city, ["provider_uscc": "9144030071526726XX"])]))
            for language in ["en", "zh-CN"] {
                try await ConsoleVisitor.with(daemon.url, token: try city.apiToken(), language: language) { visitor in
                    let page = visitor.page
                    try await visitor.open("/console/claims/\(city.claim(1))")
                    #expect(try await page.exists("#faults li"))
                    try await visitor.open("/console/file")
                    let fields = ClaimFile.distinct(2, of: city, ["claimed_yuan": "12.345"])
                    for (column, value) in fields.sorted(by: { $0.key < $1.key }) {
                        try await page.fill("#\(column)", value)
                    }
                    try await page.clickAndLoad("button[value=file]")
                    let boxes: Int = try await page.with("#claimed_yuan-problem", "e.getClientRects().length")
                    #expect(boxes == 1)
                    let text = try await page.text(of: "#faults").trimmingCharacters(in: .whitespacesAndNewlines)
                    #expect(!text.isEmpty && !text.hasSuffix(":") && !text.hasSuffix("："), "\(text)")
                }
            }
        }
    }

    @Test(
        "a rule goes by its name, as in the registry's console, with its id behind it where it is explained",
        arguments: [("en", "One invoice, one claim", "Evidence used once"), ("zh", "发票只用一次", "凭证只用一次")])
    func rules(language: String, invoice: String, evidence: String) async throws {
        try await DisputedClaims.with(federation) { claims, _, daemon in
            let id = try await claims.caseID(federation)
            try await OfficerDesk.with(claims.second, daemon, language: language) { desk in
                let claim = try await desk.get("/console/claims/\(claims.second.claim(1))").text
                #expect(claim.contains("\(invoice) <small class=\"muted\">invoice-once</small>"))
                let dispute = try await desk.get("/console/cases/\(id)").text
                #expect(dispute.contains("\(evidence) <small class=\"muted\">evidence-once</small>"))
                let cases = try await desk.get("/console/cases").text
                #expect(cases.contains(evidence) && !cases.contains("evidence-once"))
            }
        }
    }

    @Test("the foot of both consoles leads to what their APIs take and answer", arguments: ["en", "zh"])
    func foot(language: String) async throws {
        let city = try await federation.city()
        try await city.served { daemon in
            for url in [daemon.url, try federation.registryURL] {
                try await HTTPProbe.with(url, authority: federation.authority) { probe in
                    let page = try await probe.send("GET", "/console/login", [("Cookie", "language=\(language)")])
                    let words = language == "en" ? "For programs: the API" : "程序接口（API）说明（英文）"
                    #expect(page.text.contains("<a href=\"/docs\">\(words)</a>"))
                    let docs = try await probe.send("GET", "/docs")
                    #expect(docs.text.contains("id=\"schema-CheckRequest\""))
                    #expect(docs.text.contains("At most 4 MiB, without content encoding.") || url == daemon.url)
                }
            }
        }
    }
}
