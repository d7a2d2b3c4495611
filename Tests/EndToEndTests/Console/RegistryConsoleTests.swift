import Foundation
import RegistryStore
import Testing

/// The registry's console in a real browser, as its operators and auditors use it.
@Suite("The registry's console", .badInputFederation, .serialized)
struct RegistryConsoleTests {
    private let federation = BadInputFederation.current

    @Test("an operator's day: from what was stopped to a ruling", arguments: ConsoleWords.languages)
    func operatorsDay(language: String) async throws {
        let words = try ConsoleWords.registry(language)
        let person = "王伟 \(language)"
        let token = try await federation.token("operator", label: person)
        try await DisputedClaims.with(federation) { claims, _, _ in
            try await ConsoleVisitor.with(try federation.registryURL, token: token, language: language) { visitor in
                let page = visitor.page
                #expect(try await visitor.heading() == words.text("overview"))
                try await page.waitUntil("document.querySelector('#latest tbody tr')")
                try await visitor.picture("registry-overview", in: "zh-CN")

                try await lookAtCities(visitor, claims, words)
                try await findWhyRefused(visitor, claims, words)

                // The duplicates of these two cities.
                try await visitor.open("/console/duplicates?pair=\(claims.first.code),\(claims.second.code)")
                let rules = Set(try await visitor.column(0, in: "#group-rows"))
                #expect(rules == ["invoice-once", "evidence-once", "stack-cap"])
                try await visitor.picture("registry-duplicates", in: "en")

                try await rule(visitor, claims, words, as: person)
            }
            #expect(try await federation.claimState(claims.second, claims.second.claim(3)) == "refused")
        }
        try await federation.expectSoundJournal()
    }

    /// Every city has a tile; those that serve are well.
    private func lookAtCities(
        _ visitor: ConsoleVisitor, _ claims: DisputedClaims, _ words: ConsoleWords
    ) async throws {
        try await visitor.follow(words.text("cities"))
        #expect(try await visitor.heading() == words.text("cities"))
        let tiles: [String] = try await visitor.page.evaluate(
            "[...document.querySelectorAll('#tiles li')].map(e => e.innerText)")
        #expect(try await visitor.column(0, in: "#cities-rows").count == tiles.count)
        for city in [claims.first, claims.second] {
            let tile = try #require(tiles.first { $0.contains(city.code) })
            #expect(tile.contains(try words.text("allWell")), "\(tile)")
        }
        try await visitor.picture("registry-cities", in: "zh-CN")
    }

    /// Which claims were refused, and why: from the list to the claim that stands in the way.
    private func findWhyRefused(
        _ visitor: ConsoleVisitor, _ claims: DisputedClaims, _ words: ConsoleWords
    ) async throws {
        let page = visitor.page
        let refused = "\(claims.second.code)/\(claims.second.claim(1))"
        try await visitor.follow(words.text("claims"))
        try await page.choose("#state", "refused")
        try await page.fill("#city_code", claims.second.code)
        try await page.clickAndLoad("form.filter button")
        #expect(try await visitor.column(1, in: "#rows") == [refused])
        try await visitor.follow(refused)
        let text = try await page.text()
        #expect(text.contains("invoice-once"))
        #expect(text.contains(try words.text("outcome_block")))
        let shown = try await federation.registry(["claim", "show", refused, "--json"]).json(TestCity.Claim.self)
        let reason = try #require(shown.reasons.first { $0.rule == "invoice-once" })
        #expect(try words.isSaid(reason.message, in: text), "\(reason.message)")
        try await visitor.follow("\(claims.first.code)/\(claims.first.claim(1))")
        #expect(try await page.text(of: "#standing").contains(words.text("state_reserved")))
    }

    /// Opens the case from the queue, compares, and rules; the page shows the end by itself.
    private func rule(
        _ visitor: ConsoleVisitor, _ claims: DisputedClaims, _ words: ConsoleWords, as person: String
    ) async throws {
        let page = visitor.page
        let id = try await claims.caseID(federation)
        try await visitor.open("/console/cases")
        try await visitor.follow(id)
        let title = try words.text("case")
        #expect(try await visitor.heading() == "\(title) \(id)")
        let marks = try await visitor.column(3, in: "main table")
        let both = try ["sameField", "differentField"].map(words.text)
        #expect(Set(marks) == Set(both))
        try await visitor.picture("registry-case", in: "zh-CN")
        // Without a reason the browser sends nothing.
        try await page.click("form[action$='/ruling'] button")
        #expect(try await page.exists("form[action$='/ruling']"))
        let kept = "\(claims.first.code)/\(claims.first.claim(2))"
        let out = "\(claims.second.code)/\(claims.second.claim(3))"
        try await page.check("input[name='claim:\(kept)'][value=keep]")
        try await page.check("input[name='claim:\(out)'][value=out]")
        try await page.choose("#code", "confirmed")
        try await page.fill("#reason", "同一银行回单，以先到者为准")
        try await visitor.picture("registry-ruling", in: "en")
        try await page.clickAndLoad("form[action$='/ruling'] button")
        #expect(try await page.text().contains(words.text("done_ruled")))
        let closed = try BrowserPage.literal(words.text("case_closed"))
        try await page.waitUntil("document.querySelector('#case-state').textContent.includes(\(closed))")
        let steps = try await page.text(of: "#case-steps")
        #expect(steps.contains(person))
        #expect(steps.contains(try words.text("event_ruled")))
        #expect(steps.contains(try words.text("code_confirmed")))
        #expect(try await page.consoleErrors() == [])
    }

    @Test(
        "an auditor's day: a purpose, every report, an export that verifies, and no form to act with",
        arguments: ConsoleWords.languages)
    func auditorsDay(language: String) async throws {
        let words = try ConsoleWords.registry(language)
        let token = try await federation.token("auditor", label: "审计署\(UUID().uuidString.prefix(4))")
        try await DisputedClaims.with(federation) { claims, _, _ in
            // A browser seldom asks for a language alone.
            let preferred = language == "en" ? "en-GB" : language
            try await Browser.with(language: preferred, window: (1_100, 760)) { page in
                let visitor = ConsoleVisitor(page: page, url: try federation.registryURL)
                try await visitor.open("/console/reports")
                try await page.fill("#token", token)
                try await page.clickAndLoad("form.card button")
                #expect(try await page.text().contains(words.text("purposeFault")))
                try await page.fill("#token", token)
                try await page.fill("#purpose", "年度审计 2026")
                try await page.clickAndLoad("form.card button")
                #expect(try await visitor.heading() == words.text("reports"))

                try await readReports(visitor, claims, words)
                try await visitor.open("/console/cases/\(try await claims.caseID(federation))")
                #expect(try await page.exists("form[action$='/ruling']") == false)

                try await visitor.open("/console/audit")
                let asked = try await visitor.column(3, in: "main")
                #expect(asked.contains("/console/reports/duplicates-paid"))
                #expect(try await visitor.column(4, in: "main").contains("年度审计 2026"))

                try await export(visitor, claims)
                // By switch, and it stays.
                let other = try #require(ConsoleWords.languages.first { $0 != language })
                try await page.clickAndLoad(".who a")
                #expect(try await page.with("html", "e.lang", as: String.self) == other)
                try await visitor.open("/console/cities")
                #expect(try await visitor.heading() == ConsoleWords.registry(other).text("cities"))
            }
        }
    }

    /// Opens each report from the list; two of them have to be empty, and say that they are.
    private func readReports(
        _ visitor: ConsoleVisitor, _ claims: DisputedClaims, _ words: ConsoleWords
    ) async throws {
        for name in RegistryStore.Report.Name.allCases {
            try await visitor.open("/console/reports")
            try await visitor.follow(words.text("report_\(name.rawValue)"))
            #expect(try await visitor.heading() == words.text("report_\(name.rawValue)"))
            let text = try await visitor.page.text()
            #expect(text.contains(try words.text("help_\(name.rawValue)")))
            #expect(text.contains(try words.text("clean")) == name.mustBeEmpty, "\(name)")
            guard name == .duplicatesByRule else { continue }
            #expect(text.contains(claims.first.code))
            try await visitor.picture("registry-report", in: "en")
        }
    }

    /// Loads an export and its manifest as the links give them, and verifies both offline; one changed byte is found.
    private func export(_ visitor: ConsoleVisitor, _ claims: DisputedClaims) async throws {
        try await visitor.open("/console/claims?city_code=\(claims.second.code)&order=oldest")
        let link: String = try await visitor.page.with(
            "a[href^='/console/exports/claims?format=csv']", "e.getAttribute('href')")
        let text: String = try await visitor.page.evaluate(
            "fetch(\(try BrowserPage.literal(link))).then(r => r.text())")
        let manifest: String = try await visitor.page.evaluate(
            "fetch(\(try BrowserPage.literal(link.replacing("/claims?", with: "/claims/manifest?")))).then(r => r.text())"
        )
        #expect(text.split(separator: "\r\n").count == 4)
        let (file, proof) = (federation.freshPath("export.csv"), federation.freshPath("manifest.json"))
        // The browser took the mark away that says UTF-8.
        try (Data([0xEF, 0xBB, 0xBF]) + Data(text.utf8)).write(to: URL(fileURLWithPath: file))
        try Data(manifest.utf8).write(to: URL(fileURLWithPath: proof))
        struct Envelope: Decodable { let key: String }
        let key = try JSONDecoder().decode(Envelope.self, from: Data(manifest.utf8)).key
        let verify = ["audit", "verify-export", file, "--manifest", proof, "--key", key]
        let verified = try await Program.registry.run(verify)
        #expect(verified.status == 0, "\(verified.errors)")
        #expect(verified.output.hasPrefix("valid: 3 rows of claims"))

        try Data(text.utf8).write(to: URL(fileURLWithPath: file))
        let changed = try await Program.registry.run(verify)
        #expect(changed.status == 1)
        changed.expectSaid("is not what the manifest vouches for")
        let otherKey = String(key.dropLast(2)) + (key.hasSuffix("00") ? "11" : "00")
        let forged = try await Program.registry.run(verify.dropLast() + [otherKey])
        #expect(forged.status != 0)
    }

    /// Lends a page of a city's claims in which somebody is typing; what was typed stays, whatever `body` does.
    private func typing(
        _ label: String, _ body: (BrowserPage, TestCity) async throws -> Void
    ) async throws {
        let token = try await federation.token("operator", label: label)
        let city = try await federation.city()
        try await city.served { _ in
            try await city.settle()
            try await ConsoleVisitor.with(try federation.registryURL, token: token) { visitor in
                try await visitor.open("/console/claims?city_code=\(city.code)")
                try await visitor.page.fill("#contract_no", "正在输入")
                try await body(visitor.page, city)
                #expect(try await visitor.page.with("#contract_no", "e.value", as: String.self) == "正在输入")
            }
        }
    }

    @Test("a decision appears by itself, and what a person is typing stays")
    func live() async throws {
        try await typing("live") { page, city in
            let none = try ConsoleWords.registry("zh-CN").text("none")
            #expect(try await page.text(of: "#rows").contains(none))
            try await city.file([ClaimFile.distinctRow(1, of: city)])
            try await page.waitUntil(
                "document.querySelector('#rows').textContent.includes('\(city.claim(1))')", within: .seconds(30))
        }
    }

    @Test("a session that is over takes nothing off the page that a person is typing")
    func over() async throws {
        try await typing("over") { page, city in
            let id = try await federation.tokenID(label: "over")
            #expect(try await federation.registry(["token", "revoke", id]).status == 0)
            try await city.file([ClaimFile.distinctRow(1, of: city)])
            try await page.waitUntil("!document.getElementById('over').hidden", within: .seconds(30))
        }
    }

    @Test("a ruling that was typed when the session ended is shown after the next sign-in, and sent by a click")
    func keptRuling() async throws {
        let (token, next) = (
            try await federation.token("operator", label: "kept"), try await federation.token("operator", label: "next")
        )
        try await DisputedClaims.with(federation) { claims, _, _ in
            let id = try await claims.caseID(federation)
            try await ConsoleVisitor.with(try federation.registryURL, token: token, language: "en") { visitor in
                let page = visitor.page
                try await visitor.open("/console/cases/\(id)")
                let names: [String] = try await page.evaluate(
                    "[...document.querySelectorAll('input[value=keep]')].map(e => e.name)")
                for name in names { try await page.check("input[name='\(name)'][value=keep]") }
                try await page.choose("#code", "false-positive")
                try await page.fill("#reason", "two different services")
                let known = try await federation.tokenID(label: "kept")
                #expect(try await federation.registry(["token", "revoke", known]).status == 0)

                try await page.clickAndLoad("form[action$='/ruling'] button")
                try await visitor.expectAccessible("login with a kept form", isFault: true)
                try await page.fill("#token", next)
                try await page.clickAndLoad("form.card button")
                #expect(try await page.text(of: "#kept").contains("two different services"))
                try await visitor.expectAccessible("a kept form", isFault: true)
                try await visitor.picture("registry-kept-form")
                try await page.clickAndLoad("form[action$='/ruling'] button")
                let done = try ConsoleWords.registry("en").text("done_ruled")
                #expect(try await page.text().contains(done))
                try await page.waitUntil("document.querySelector('#case-steps').textContent.includes('next')")
            }
        }
    }

    @Test("without script everything can be read, and a ruling can be made")
    func withoutScript() async throws {
        let token = try await federation.token("operator", label: "李")
        try await DisputedClaims.with(federation) { claims, _, _ in
            let id = try await claims.caseID(federation)
            try await Browser.with { page in
                try await page.setJavaScript(enabled: false)
                let visitor = ConsoleVisitor(page: page, url: try federation.registryURL)
                try await visitor.open("/console")
                try await page.fill("#token", token)
                try await page.clickAndLoad("form.card button")
                for path in ["cities", "claims", "duplicates", "cases", "policy", "reports", "recovery", "audit"] {
                    try await visitor.open("/console/\(path)")
                    #expect(page.httpStatus == 200, "\(path)")
                }
                try await visitor.open("/console/cases/\(id)")
                for name in [
                    "\(claims.first.code)/\(claims.first.claim(2))", "\(claims.second.code)/\(claims.second.claim(3))",
                ] {
                    try await page.check("input[name='claim:\(name)'][value=keep]")
                }
                try await page.choose("#code", "false-positive")
                try await page.fill("#reason", "不同业务")
                try await page.clickAndLoad("form[action$='/ruling'] button")
                let done = try ConsoleWords.registry("zh-CN").text("done_ruled")
                #expect(try await page.text().contains(done))
            }
            try await expectEventually {
                try await federation.claimState(claims.second, claims.second.claim(3)) == "reserved"
            }
        }
    }

    @Test(
        "every page can be read, heard and walked through by keyboard, in both languages",
        arguments: ConsoleWords.languages)
    func accessible(language: String) async throws {
        let token = try await federation.token("operator", label: "access \(language)")
        try await DisputedClaims.with(federation) { claims, _, _ in
            let id = try await claims.caseID(federation)
            try await Browser.with(language: language) { page in
                let visitor = ConsoleVisitor(page: page, url: try federation.registryURL)
                try await visitor.open("/console/login")
                try await visitor.expectAccessible("login")
                try await page.fill("#token", "wrong")
                try await page.clickAndLoad("form.card button")
                #expect(try await page.exists(".fault"))
                try await visitor.expectAccessible("login with a fault", isFault: true)
            }
            try await ConsoleVisitor.with(try federation.registryURL, token: token, language: language) { visitor in
                let paths =
                    [
                        "", "/cities", "/claims", "/claims?rule=none", "/claims?as_of=1",
                        "/claims/\(claims.second.code)/\(claims.second.claim(1))", "/duplicates", "/cases",
                        "/cases?state=closed", "/cases/\(id)", "/policy", "/reports", "/recovery", "/audit",
                    ] + RegistryStore.Report.Name.allCases.map { "/reports/\($0.rawValue)" }
                for path in paths {
                    try await visitor.open("/console\(path)")
                    try await visitor.expectAccessible(path)
                }
                try await visitor.open("/console/cases/\(id)")
                let order = try await visitor.page.focusOrder()
                let skip = try ConsoleWords.registry(language).text("skip")
                #expect(order.first?.contains(skip) == true, "\(order.prefix(2))")
                #expect(order.contains { $0.contains("name=code") })
                // The foot leads to the API's page.
                #expect(order.dropLast().last?.contains("button") == true, "\(order.suffix(2))")
                try await walkThroughFaults(visitor, caseID: id)
            }
        }
    }

    /// The pages that say what went wrong.
    private func walkThroughFaults(_ visitor: ConsoleVisitor, caseID: String) async throws {
        let page = visitor.page
        try await visitor.open("/console/policy")
        try await page.fill("#document", "{")
        try await page.clickAndLoad("form[action$='/preview'] button")
        try await page.waitFor("#preview .fault", within: .seconds(30))
        try await visitor.expectAccessible("a policy that is none")

        // As a browser would send it that does not look first.
        try await visitor.open("/console/cases/\(caseID)")
        try await page.run("document.querySelector('form[action$=\"/ruling\"]').noValidate = true")
        try await page.clickAndLoad("form[action$='/ruling'] button")
        #expect(page.httpStatus == 422)
        try await visitor.expectAccessible("a ruling without a finding", isFault: true)
        try await visitor.open("/console/cases/NONE")
        #expect(page.httpStatus == 404)
        try await visitor.expectAccessible("a case that there is not", isFault: true)
    }

    @Test("a policy is tried on everything that was decided, and nothing is decided by it")
    func preview() async throws {
        let token = try await federation.token("operator", label: "preview")
        try await DisputedClaims.with(federation) { claims, _, _ in
            try await ConsoleVisitor.with(try federation.registryURL, token: token) { visitor in
                let page = visitor.page
                try await visitor.open("/console/policy")
                // The field has what was tried last, by whomever.
                let document = try await federation.registry(["policy", "show", "--json"]).output
                let milder = document.replacing(#""version": 1,"#, with: #""version": 99,"#)
                    .replacing(
                        #""keys": ["bank-receipt", "usage-proof"], "holder": "claim", "outcome": "hold""#,
                        with: #""keys": ["bank-receipt", "usage-proof"], "holder": "claim", "outcome": "flag""#)
                try #require(milder != document)
                try await page.fill("#document", milder)
                try await page.clickAndLoad("form[action$='/preview'] button")
                try await page.waitUntil("document.querySelector('#preview table')", within: .seconds(60))
                #expect(try await page.text(of: "#preview").contains(claims.second.claim(3)))
                try await visitor.expectAccessible("a preview")
                try await page.run("document.getElementById('preview').scrollIntoView()")
                try await visitor.picture("registry-preview")
                try await page.fill("#document", "{")
                try await page.clickAndLoad("form[action$='/preview'] button")
                try await page.waitFor("#preview .fault", within: .seconds(30))
            }
            #expect(try await claims.second.show(claims.second.claim(3)).state == "held")
        }
    }
}
