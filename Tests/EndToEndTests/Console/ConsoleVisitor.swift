import Foundation
import Testing

/// Somebody at a console, in a real browser.
struct ConsoleVisitor {
    let page: BrowserPage
    /// Where the console is served.
    let url: String

    /// Lends a browser that has signed in.
    ///
    /// - Parameter purpose: What an auditor looks for.
    static func with(
        _ url: String, token: String, language: String = "zh-CN", purpose: String? = nil,
        _ body: (ConsoleVisitor) async throws -> Void
    ) async throws {
        try await Browser.with(language: language, window: (1_100, 760)) { page in
            let visitor = ConsoleVisitor(page: page, url: url)
            try await visitor.open("/console")
            try await page.fill("#token", token)
            if let purpose { try await page.fill("#purpose", purpose) }
            try await page.clickAndLoad("form.card button")
            try await body(visitor)
        }
    }

    func open(_ path: String) async throws { try await page.open(url + path) }

    /// The page's heading.
    func heading() async throws -> String { try await page.text(of: "h1") }

    /// Fills fields by their ids.
    func fill(_ fields: [String: String]) async throws {
        for (id, value) in fields.sorted(by: { $0.key < $1.key }) { try await page.fill("#\(id)", value) }
    }

    /// Follows the first link with that text.
    func follow(_ text: String) async throws {
        let literal = try BrowserPage.literal(text)
        try await page.run(
            """
            for (const e of document.querySelectorAll('a,button')) {
                if (e.textContent.trim() === \(literal)) { e.id = e.id || 'followed'; break; }
            }
            """)
        let id: String = try await page.evaluate(
            "([...document.querySelectorAll('a,button')].find(e => e.textContent.trim() === \(literal)) || {}).id || ''"
        )
        try #require(!id.isEmpty, "no link says \(text)")
        try await page.clickAndLoad("#\(id)")
    }

    /// The texts of a column of the first table in an element.
    func column(_ number: Int, in selector: String) async throws -> [String] {
        try await page.evaluate(
            """
            [...document.querySelectorAll('\(selector) tbody tr')].map(r => r.children[\(number)].textContent.trim())
            """)
    }

    /// Keeps a picture of the page where `WRITE_SCREENSHOTS=1` asks for it: `Tests/Screenshots` has the ones looked at.
    ///
    /// - Parameter language: The one of the picture, where a test runs in several: a page in another is not kept.
    func picture(_ name: String, in language: String? = nil) async throws {
        guard ProcessInfo.processInfo.environment["WRITE_SCREENSHOTS"] == "1" else { return }
        if let language, try await page.with("html", "e.lang", as: String.self) != language { return }
        let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let folder = tests.appending(path: "Screenshots")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try await page.screenshot(to: folder.appending(path: "\(name).png").path)
    }

    /// Nothing that keeps somebody from reading, typing, hearing or walking through the page, in light colours and in dark
    /// ones, and nothing that the browser complained of.
    ///
    /// - Parameter isFault: Whether this page, or one before it, says what went wrong: the browser names their status as an
    ///   error of its own.
    func expectAccessible(
        _ name: String, isFault: Bool = false, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        #expect(try await page.accessibilityFaults() == [], "\(name)", sourceLocation: sourceLocation)
        #expect(try await page.focusFaults() == [], "\(name)", sourceLocation: sourceLocation)
        try await page.setColours(dark: true)
        let inDark = try await page.accessibilityFaults()
        try await page.setColours(dark: false)
        #expect(inDark == [], "\(name), in dark colours", sourceLocation: sourceLocation)
        let errors = try await page.consoleErrors().filter {
            !isFault || !$0.contains("the server responded with a status of 4")
        }
        #expect(errors == [], "\(name)", sourceLocation: sourceLocation)
    }
}

extension BadInputFederation {
    /// A token for the registry's API and console.
    func token(_ role: String, label: String) async throws -> String {
        let made = try await registry(["token", "create", "--role", role, "--label", label])
        try #require(made.status == 0, "\(made.errors)")
        return made.output.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// The id of a token, by its label.
    func tokenID(label: String) async throws -> String {
        struct Token: Decodable { let token_id, label: String }
        struct List: Decodable { let items: [Token] }
        let list = try await registry(["token", "list", "--json"]).json(List.self)
        return try #require(list.items.first { $0.label == label }).token_id
    }
}

extension TestCity {
    /// The token of the city's own API and console.
    func apiToken() throws -> String {
        try String(contentsOfFile: "\(data)/api-token", encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines)
    }
}

extension ClaimFile {
    /// A claim by column that resembles no other one: the suite's cities have one enterprise and one provider, whose nearly
    /// equal claims would be held.
    static func distinct(_ number: Int, of city: TestCity, _ changes: [String: String] = [:]) -> [String: String] {
        let serial = (UInt64(city.code) ?? 0) * 10 + UInt64(number)
        let scattered = serial &* 0x9E37_79B9_7F4A_7C15
        // Of any two, one is two hundredths more than the other.
        let amount = Int((150 * pow(1.021, Double(serial * 37 % 89))).rounded())
        return fields(number, of: city).merging([
            "contract_no": String(scattered, radix: 36).uppercased(), "invoice_amounts_yuan": "\(amount).00",
            "claimed_yuan": "\(amount / 2).00",
        ]) { $1 }.merging(changes) { $1 }
    }

    static func distinctRow(_ number: Int, of city: TestCity, _ changes: [String: String] = [:]) -> String {
        let fields = distinct(number, of: city, changes)
        return columns.map { fields[$0] ?? "" }.joined(separator: ",") + "\n"
    }
}

/// Two cities with a duplicate, a held claim and its case, all decided.
struct DisputedClaims {
    let first: TestCity
    let second: TestCity

    /// Lends two running cities: `first` has 1 (reserved), `second` has 1 (refused: the same invoice), 2 (reserved) and
    /// 3 (held: the same bank receipt as `first`'s 2).
    static func with(
        _ federation: BadInputFederation,
        _ body: (DisputedClaims, _ first: Daemon, _ second: Daemon) async throws -> Void
    ) async throws {
        let (first, second) = (try await federation.city(), try await federation.city())
        try await first.served { firstDaemon in
            try await second.served { secondDaemon in
                let receipt = ["bank_receipt_no": "R-\(first.code)"]
                try await first.file([
                    ClaimFile.distinctRow(1, of: first), ClaimFile.distinctRow(2, of: first, receipt),
                ])
                let invoice = ClaimFile.distinct(1, of: first)["invoice_numbers"] ?? ""
                try await second.file([
                    ClaimFile.distinctRow(1, of: second, ["invoice_numbers": invoice]),
                    ClaimFile.distinctRow(2, of: second), ClaimFile.distinctRow(3, of: second, receipt),
                ])
                for (number, state) in [(1, "refused"), (2, "reserved"), (3, "held")] {
                    let shown = try await second.show(second.claim(number))
                    try #require(shown.state == state, "\(shown)")
                }
                try await body(DisputedClaims(first: first, second: second), firstDaemon, secondDaemon)
            }
        }
    }

    /// The case that `second`'s claim 3 opened.
    func caseID(_ federation: BadInputFederation) async throws -> String {
        struct Claim: Decodable { let claim_no: String }
        struct Case: Decodable {
            let case_id: String
            let claims: [Claim]
        }
        struct List: Decodable { let items: [Case] }
        let list = try await federation.registry(["case", "list", "--json"]).json(List.self)
        return try #require(list.items.first { $0.claims.contains { $0.claim_no == second.claim(3) } }).case_id
    }
}
