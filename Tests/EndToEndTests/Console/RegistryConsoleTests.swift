import Foundation
import Testing

/// The registry's console in a real browser, as its operators and auditors use it.
@Suite("The registry's console", .badInputFederation, .serialized)
struct RegistryConsoleTests {
    private let federation = BadInputFederation.current

    @Test("an operator's day: from what was stopped to a ruling, in Chinese")
    func operatorsDay() async throws {
        let token = try await federation.token("operator", label: "王伟")
        try await DisputedClaims.with(federation) { claims, _, _ in
            try await ConsoleVisitor.with(try federation.registryURL, token: token) { visitor in
                let page = visitor.page
                #expect(try await visitor.heading() == "概览")
                try await page.waitUntil("document.querySelector('#latest tbody tr')")
                try await visitor.picture("registry-overview")

                // Which claims were refused, and why: from the list to the claim that stands in the way.
                try await visitor.follow("申领")
                try await page.choose("#state", "refused")
                try await page.fill("#city_code", claims.second.code)
                try await page.clickAndLoad("form.filter button")
                #expect(try await visitor.column(1, in: "#rows") == ["\(claims.second.code)/\(claims.second.claim(1))"])
                try await visitor.follow("\(claims.second.code)/\(claims.second.claim(1))")
                #expect(try await page.text().contains("invoice-once"))
                #expect(try await page.text().contains("发票已被占用"))
                try await visitor.follow("\(claims.first.code)/\(claims.first.claim(1))")
                #expect(try await page.text(of: "#standing").contains("已占用"))

                // The duplicates of these two cities.
                try await visitor.open("/console/duplicates?pair=\(claims.first.code),\(claims.second.code)")
                let rules = Set(try await visitor.column(0, in: "#group-rows"))
                #expect(rules == ["invoice-once", "evidence-once", "stack-cap"])

                try await rule(visitor, claims)
            }
            #expect(try await federation.claimState(claims.second, claims.second.claim(3)) == "refused")
        }
        try await federation.expectSoundJournal()
    }

    /// Opens the case from the queue, compares, and rules; the page shows the end by itself.
    private func rule(_ visitor: ConsoleVisitor, _ claims: DisputedClaims) async throws {
        let page = visitor.page
        let id = try await claims.caseID(federation)
        try await visitor.open("/console/cases")
        try await visitor.follow(id)
        #expect(try await visitor.heading() == "案件 \(id)")
        let marks = try await visitor.column(3, in: "main table")
        #expect(Set(marks) == ["相同", "不同"])
        try await visitor.picture("registry-case")
        // Without a reason the browser sends nothing.
        try await page.click("form[action$='/ruling'] button")
        #expect(try await page.exists("form[action$='/ruling']"))
        let kept = "\(claims.first.code)/\(claims.first.claim(2))"
        let out = "\(claims.second.code)/\(claims.second.claim(3))"
        try await page.check("input[name='claim:\(kept)'][value=keep]")
        try await page.check("input[name='claim:\(out)'][value=out]")
        try await page.choose("#code", "confirmed")
        try await page.fill("#reason", "同一银行回单，以先到者为准")
        try await page.clickAndLoad("form[action$='/ruling'] button")
        #expect(try await page.text().contains("已记录"))
        try await page.waitUntil("document.querySelector('#case-state').textContent.includes('已结案')")
        #expect(try await page.text(of: "#case-steps").contains("王伟"))
        #expect(try await page.consoleErrors() == [])
    }

    @Test("an auditor's day: a purpose, reports, an export that verifies, and no form to act with, in English")
    func auditorsDay() async throws {
        let token = try await federation.token("auditor", label: "审计署\(UUID().uuidString.prefix(4))")
        try await DisputedClaims.with(federation) { claims, _, _ in
            try await Browser.with(language: "en-GB", window: (1_100, 760)) { page in
                let visitor = ConsoleVisitor(page: page, url: try federation.registryURL)
                try await visitor.open("/console/reports")
                try await page.fill("#token", token)
                try await page.clickAndLoad("form.card button")
                #expect(try await page.text().contains("Auditors must say what they look for"))
                try await page.fill("#token", token)
                try await page.fill("#purpose", "年度审计 2026")
                try await page.clickAndLoad("form.card button")
                #expect(try await visitor.heading() == "Reports")

                try await visitor.follow("Duplicates by rule and pair of cities")
                #expect(try await page.text().contains(claims.first.code))
                try await visitor.picture("registry-report")
                try await visitor.open("/console/reports/duplicates-paid")
                #expect(try await page.text().contains("Empty, as it must be"))
                try await visitor.open("/console/cases/\(try await claims.caseID(federation))")
                #expect(try await page.exists("form[action$='/ruling']") == false)

                try await visitor.open("/console/audit")
                let asked = try await visitor.column(3, in: "main")
                #expect(asked.contains("/console/reports/duplicates-paid"))
                #expect(try await visitor.column(4, in: "main").contains("年度审计 2026"))

                try await export(visitor, claims)
                // By switch, and it stays.
                try await page.clickAndLoad(".who a")
                #expect(try await page.with("html", "e.lang", as: String.self) == "zh-CN")
                try await visitor.open("/console/cities")
                #expect(try await visitor.heading() == "城市")
            }
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
            #expect(try await page.text(of: "#rows").contains("没有符合条件的记录"))
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
                #expect(try await page.accessibilityFaults() == [])
                try await page.fill("#token", next)
                try await page.clickAndLoad("form.card button")
                #expect(try await page.text(of: "#kept").contains("two different services"))
                #expect(try await page.accessibilityFaults() == [])
                try await visitor.picture("registry-kept-form")
                try await page.clickAndLoad("form[action$='/ruling'] button")
                #expect(try await page.text().contains("Recorded"))
                try await page.waitUntil("document.querySelector('#case-steps').textContent.includes('next')")
            }
        }
    }

    @Test("white space that came along with what is looked for says nothing, but where a program asks")
    func typedSpace() async throws {
        let token = try await federation.token("operator", label: "space")
        let city = try await federation.city()
        let name = "舟辰天算力中心有限公司 \(city.code)分部"
        try await city.served { _ in
            try await city.file([ClaimFile.distinctRow(1, of: city, ["provider_name": name])])
        }
        let typed = "\t算力中心有限公司\r\n \u{3000}\(city.code)分部\n"
        let encoded = try #require(typed.addingPercentEncoding(withAllowedCharacters: .alphanumerics))
        try await HTTPProbe.with(try federation.registryURL, authority: federation.authority) { probe in
            let cookie = try #require(try await probe.form("/console/login", ["token": token]).cookie)
            let path = "/console/claims?name=\(encoded)&city_code=%09\(city.code)%20"

            let page = try await probe.send("GET", path, [("Cookie", cookie)])
            #expect(page.status == 200)
            #expect(page.text.contains("/console/claims/\(city.code)/\(city.claim(1))"))
            #expect(page.text.contains("value=\"算力中心有限公司 \(city.code)分部\""))
            let pairs = try await probe.send("GET", "/console/duplicates?rule=%09stack-cap%0A", [("Cookie", cookie)])
            #expect(pairs.status == 200)
            #expect(pairs.text.contains("value=\"stack-cap\""))
            let asked = try await probe.send(
                "GET", "/v1/claims?name=\(encoded)", [("Authorization", "Bearer \(token)")])
            asked.expectProblem(400, "query", "a tab in a program's question")
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
                #expect(try await page.text().contains("已记录"))
            }
            try await expectEventually {
                try await federation.claimState(claims.second, claims.second.claim(3)) == "reserved"
            }
        }
    }

    @Test(
        "every page can be read, heard and walked through by keyboard, in both languages", arguments: ["zh-CN", "en"])
    func accessible(language: String) async throws {
        let token = try await federation.token("operator", label: "access \(language)")
        try await DisputedClaims.with(federation) { claims, _, _ in
            let id = try await claims.caseID(federation)
            try await Browser.with(language: language) { page in
                try await ConsoleVisitor(page: page, url: try federation.registryURL).open("/console/login")
                try await ConsoleVisitor(page: page, url: "").expectAccessible("login")
            }
            try await ConsoleVisitor.with(try federation.registryURL, token: token, language: language) { visitor in
                let paths = [
                    "", "/cities", "/claims", "/claims/\(claims.second.code)/\(claims.second.claim(1))", "/duplicates",
                    "/cases", "/cases?state=closed", "/cases/\(id)", "/policy", "/reports", "/reports/rulings",
                    "/reports/caps-used", "/recovery", "/audit",
                ]
                for path in paths {
                    try await visitor.open("/console\(path)")
                    try await visitor.expectAccessible(path)
                }
                try await visitor.open("/console/cases/\(id)")
                let order = try await visitor.page.focusOrder()
                #expect(order.first?.contains(language == "en" ? "Skip" : "跳到") == true, "\(order.prefix(2))")
                #expect(order.contains { $0.contains("name=code") })
                #expect(order.last?.contains("button") == true, "\(order.suffix(2))")
            }
        }
    }

    @Test("a policy is tried on everything that was decided, and nothing is decided by it")
    func preview() async throws {
        let token = try await federation.token("operator", label: "preview")
        try await DisputedClaims.with(federation) { claims, _, _ in
            try await ConsoleVisitor.with(try federation.registryURL, token: token) { visitor in
                let page = visitor.page
                try await visitor.open("/console/policy")
                let document: String = try await page.with("#document", "e.value")
                let milder = document.replacing(#""version": 1,"#, with: #""version": 99,"#)
                    .replacing(
                        #""keys": ["bank-receipt", "usage-proof"], "holder": "claim", "outcome": "hold""#,
                        with: #""keys": ["bank-receipt", "usage-proof"], "holder": "claim", "outcome": "flag""#)
                try #require(milder != document)
                try await page.fill("#document", milder)
                try await page.clickAndLoad("form[action$='/preview'] button")
                try await page.waitUntil("document.querySelector('#preview table')", within: .seconds(60))
                #expect(try await page.text(of: "#preview").contains(claims.second.claim(3)))
                try await page.fill("#document", "{")
                try await page.clickAndLoad("form[action$='/preview'] button")
                try await page.waitFor("#preview .fault", within: .seconds(30))
            }
            #expect(try await claims.second.show(claims.second.claim(3)).state == "held")
        }
    }
}
