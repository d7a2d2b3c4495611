import Crypto
import FederationHTTP
import Foundation
import Testing
import VoucherDomain

/// What single pages of the registry's console say, asked for as a browser does.
@Suite("The registry's pages", .badInputFederation, .serialized)
struct RegistryPageTests {
    let federation = BadInputFederation.current

    /// Somebody who has signed in, without a browser.
    struct Reader {
        let probe: HTTPProbe
        let cookie: String

        /// A page of the console in English, or in Chinese.
        func page(_ path: String, in language: String = "en") async throws -> HTTPProbe.Answer {
            try await probe.send("GET", "/console\(path)", [("Cookie", cookie), ("Accept-Language", language)])
        }

        /// Sends one of the pages' forms.
        func send(_ path: String, _ fields: [String: String]) async throws -> HTTPProbe.Answer {
            let token = try #require(try await page("/cases").hiddenFields["form_token"])
            return try await probe.form(
                "/console\(path)", fields.merging(["form_token": token]) { own, _ in own }, [("Cookie", cookie)])
        }
    }

    /// Lends a reader with a fresh token.
    func with(_ label: String, _ body: (Reader) async throws -> Void) async throws {
        let token = try await federation.token("operator", label: label)
        try await HTTPProbe.with(try federation.registryURL, authority: federation.authority) { probe in
            let cookie = try #require(try await probe.form("/console/login", ["token": token]).cookie)
            try await body(Reader(probe: probe, cookie: cookie))
        }
    }

    /// SHA-256, in hexadecimal.
    private static func digest(of bytes: [UInt8]) -> String {
        SHA256.hash(data: bytes).map { String(format: "%02x", $0) }.joined()
    }

    @Test("the registry's key stays within its card")
    func keyFits() async throws {
        let token = try await federation.token("operator", label: "key")
        try await ConsoleVisitor.with(try federation.registryURL, token: token, language: "en") { visitor in
            try await visitor.open("/console/reports")
            let sizes: [Int] = try await visitor.page.evaluate(
                """
                [...document.querySelectorAll('.card .code')].flatMap(e => [e.scrollWidth, e.clientWidth])
                """)
            try #require(sizes.count == 2)
            #expect(sizes[0] <= sizes[1])
        }
    }

    @Test("a claim's page says where its entry is in its city's log, under which grant and by which policy's bytes")
    func provenance() async throws {
        let policy = try await federation.registry(["policy", "show", "--json"]).output
        try await DisputedClaims.with(federation) { claims, _, _ in
            try await with("provenance") { reader in
                let path = "/claims/\(claims.second.code)/\(claims.second.claim(3))"
                let page = try await reader.page(path).text
                // A voucher and two claims come before it.
                let sequence = try #require(page.firstMatch(of: /Entry of the city&#39;s log<\/th><td>(\d+)</)).1
                #expect((Int(sequence) ?? 0) >= 4)
                #expect(page.contains(/<td>\d+ \(incarnation 1\) <span class="code">00000001[0-9a-f]{24}</))
                #expect(page.contains(Self.digest(of: Array(policy.utf8))))
            }
        }
    }

    @Test("a page that says what went wrong says who is signed in, and what to do next")
    func problems() async throws {
        try await with("王伟") { reader in
            let path = "/claims/440300/NIX"
            let page = try await reader.page(path)
            #expect(page.status == 404)
            #expect(page.text.contains("<span>王伟</span>"))
            #expect(page.text.contains("no claim 440300/NIX has been decided: look for it under Claims"))
            #expect(try await reader.page(path, in: "zh").text.contains("没有已裁决的申领 440300/NIX：请在“申领”页查找"))
            let past = try await reader.page("\(path)?as_of=0")
            #expect(past.status == 404)
            #expect(past.text.contains("had been decided at position 0: look at it as it stands now"))
            let sent = try await reader.send("/cases/NONE/reopening", ["reason": "x"])
            #expect(sent.status == 400)
            #expect(sent.text.contains("<span>王伟</span>"))
        }
    }

    @Test("the cities' page says how many of each city's claims were refused, and leads to them")
    func refusals() async throws {
        try await DisputedClaims.with(federation) { claims, _, _ in
            try await with("refusals") { reader in
                let page = try await reader.page("/cities").text
                for (city, counts) in [(claims.first, (0, 2)), (claims.second, (1, 3))] {
                    let path = "/console/claims?city_code=\(city.code)&amp;state=refused"
                    #expect(page.contains("<a href=\"\(path)\">\(counts.0)</a> / \(counts.1)</td>"))
                }
            }
        }
    }

    @Test(
        "rules are chosen from those that there are, and lists and the chart call them by their names",
        arguments: [("en", "One invoice, one claim"), ("zh", "发票只用一次")])
    func rules(language: String, name: String) async throws {
        try await DisputedClaims.with(federation) { claims, _, _ in
            try await with("rules \(language)") { reader in
                func text(_ path: String) async throws -> String { try await reader.page(path, in: language).text }
                for path in ["/claims", "/duplicates"] {
                    let page = try await text("\(path)?rule=invoice-once")
                    #expect(page.contains("<option value=\"invoice-once\" selected>\(name)</option>"))
                    // One that no policy has stays chosen: it is seen why the list is empty.
                    let other = try await text("\(path)?rule=invoice-onec")
                    #expect(other.contains("<option value=\"invoice-onec\" selected>invoice-onec</option>"))
                    #expect(other.contains("<option value=\"invoice-once\">"))
                }
                let pair = "\(claims.first.code),\(claims.second.code)"
                #expect(try await text("/duplicates?pair=\(pair)").contains("<td>invoice-once</td><td>\(name)</td>"))
                let refused = "/claims/\(claims.second.code)/\(claims.second.claim(1))"
                #expect(try await text(refused).contains("\(name) <small class=\"muted\">invoice-once</small>"))
                #expect(try await text("/policy").contains("<th scope=\"row\">invoice-once</th><td>\(name)</td>"))
                let list = try await text("/claims?city_code=\(claims.second.code)&state=refused")
                let rows = try #require(list.components(separatedBy: "<tbody>").last)
                #expect(rows.contains(name) && !rows.contains("invoice-once"))
                let report = try await text("/reports/duplicates-by-rule")
                #expect(report.contains(">\(name)</td>") && !report.contains("invoice-once"))
                // Its figures are some seconds old.
                try await expectEventually { try await text("").contains(">\(name)</text>") }
            }
        }
    }

    /// The feed's end.
    private func position(_ reader: Reader) async throws -> Int {
        let page = try await reader.page("/claims").text
        let text = try #require(page.firstMatch(of: /As of position ([0-9,]+)</)).1
        return try #require(Int(text.replacing(",", with: "")))
    }

    @Test("a page of the past tells the past, and leads to pages of the same past")
    func past() async throws {
        try await DisputedClaims.with(federation) { claims, _, _ in
            try await with("past") { reader in
                let holder = "\(claims.first.code)/\(claims.first.claim(1))"
                let pair = "/duplicates?rule=invoice-once&pair=\(claims.first.code),\(claims.second.code)"
                let id = try await claims.caseID(federation)
                let before = try await position(reader)
                let withdrawal = ["claim", "withdraw", claims.first.claim(1), "--reason", "改正"]
                let withdrawn = try await claims.first.run(withdrawal)
                try #require(withdrawn.status == 0, "\(withdrawn.errors)")
                try await expectEventually { try await reader.page("/claims/\(holder)").text.contains("Withdrawn") }

                // What met, with how it stood then, and no sums of today beside it.
                let now = try await reader.page(pair).text
                #expect(now.contains("Withdrawn") && now.contains("id=\"pair-rows\""))
                let then = try await reader.page("\(pair)&as_of=\(before)").text
                #expect(then.contains("Reserved") && !then.contains("Withdrawn"))
                #expect(!then.contains("id=\"pair-rows\""))
                let list = try await reader.page("/claims?city_code=\(claims.first.code)&as_of=\(before)").text
                for page in [then, list] {
                    #expect(page.contains("<a href=\"/console/claims/\(holder)?as_of=\(before)\">"))
                    #expect(!page.contains("<a href=\"/console/claims/\(holder)\">"))
                }
                let claim = try await reader.page("/claims/\(holder)?as_of=\(before)").text
                #expect(!claim.contains("Withdrawn"))

                let disputed = "\(claims.first.code)/\(claims.first.claim(2))"
                try await noLaterCase(of: disputed, id, reader, before)
            }
        }
    }

    /// A case is named by its claims' pages from where it was opened on; its own page of the past takes no ruling.
    private func noLaterCase(of claim: String, _ id: String, _ reader: Reader, _ later: Int) async throws {
        let page = try await reader.page("/claims/\(claim)").text
        #expect(page.contains("<a href=\"/console/cases/\(id)\">"))
        let decided = try #require(page.firstMatch(of: /Decided at position ([0-9,]+)</)).1.replacing(",", with: "")
        let early = try await reader.page("/claims/\(claim)?as_of=\(decided)").text
        #expect(early.contains("Reserved") && !early.contains(id))
        let unopened = try await reader.page("/cases/\(id)?as_of=\(decided)", in: "zh")
        #expect(unopened.status == 404)
        #expect(unopened.text.contains("截至全国序号 \(decided)，案件 \(id) 尚未立案"))
        let late = try await reader.page("/claims/\(claim)?as_of=\(later)").text
        #expect(late.contains("<a href=\"/console/cases/\(id)?as_of=\(later)\">"))
        let dispute = try await reader.page("/cases/\(id)?as_of=\(later)").text
        #expect(dispute.contains("<a href=\"/console/claims/\(claim)?as_of=\(later)\">"))
        #expect(!dispute.contains("action=\"/console/cases/\(id)/ruling\""))
    }

    @Test(
        "a day is a past as well: the page says which position it is, and leads to that",
        arguments: ["claims", "duplicates"])
    func day(page: String) async throws {
        try await DisputedClaims.with(federation) { claims, _, _ in
            try await with("day \(page)") { reader in
                let now = CalendarDate.inChina(milliseconds: Int64(WallClock.now))
                let today = now.iso8601
                let answer = try await reader.page("/\(page)?as_of=\(today)")
                #expect(answer.status == 200)
                // The day is not over.
                let said = /As of position ([0-9,]+) · with what is decided so far, [^<]* by the end of ([0-9-]+)</
                let banner = try #require(answer.text.firstMatch(of: said))
                #expect(String(banner.2) == today)
                let position = banner.1.replacing(",", with: "")
                #expect(answer.text.contains("name=\"as_of\" value=\"\(today)\""))
                #expect(answer.text.contains("?as_of=\(position)\">"))
                #expect(answer.text.contains("/console/exports/\(page)?format=csv&amp;as_of=\(position)\""))

                let before = try await reader.page("/\(page)?as_of=2020-01-01").text
                #expect(before.contains("As of position 0 · with all that was received by the end of 2020-01-01<"))
                #expect(before.contains("Nothing matches"))
                let yesterday = CalendarDate(rawValue: now.rawValue - 1).iso8601
                let over = try await reader.page("/\(page)?as_of=\(yesterday)").text
                #expect(over.contains("· with all that was received by the end of \(yesterday)<"))
                let toCome = CalendarDate(rawValue: now.rawValue + 2).iso8601
                let future = try await reader.page("/\(page)?as_of=\(toCome)", in: "zh")
                #expect(future.status == 400)
                #expect(future.text.contains("回溯日期 \(toCome) 尚未到来"))
                for wrong in ["2026-02-30", "-1", "yesterday"] {
                    let refused = try await reader.page("/\(page)?as_of=\(wrong)", in: "zh")
                    #expect(refused.status == 400)
                    #expect(refused.text.contains("回溯位置应为全国序号或日期"))
                }
                // A program asks for a position.
                let token = try await federation.token("operator", label: "day api \(page)")
                let asked = try await reader.probe.send(
                    "GET", "/v1/\(page)?as_of=\(today)", [("Authorization", "Bearer \(token)")])
                asked.expectProblem(400, "query", "a day in a program's question")
            }
        }
    }

    private struct Steps: Decodable {
        struct Step: Decodable {
            let event: String
            let evidence: [String]?
            let received_at: String
        }
        let steps: [Step]
    }

    @Test("whoever rules sees that a city has shown a document, and when; another city sees no digest of it")
    func evidence() async throws {
        let document = Array("银行回单".utf8)
        let digest = Self.digest(of: document)
        try await DisputedClaims.with(federation) { claims, _, _ in
            let id = try await claims.caseID(federation)
            let path = try claims.second.write(document, "receipt.pdf")
            let answer = ["case", "answer", id, "contest", "--reason", "两份合同", "--evidence", path]
            let answered = try await claims.second.run(answer)
            try #require(answered.status == 0, "\(answered.errors)")

            try await with("evidence") { reader in
                try await expectEventually { try await reader.page("/cases/\(id)").text.contains(digest) }
                let page = try await reader.page("/cases/\(id)").text
                let times = page.matches(of: /<span class="muted">20\d\d-\d\d-\d\d \d\d:\d\d:\d\d · Position/)
                #expect(times.count == 2)
                let readers: [(city: String?, evidence: [String]?)] = [
                    (nil, [digest]), (claims.second.code, [digest]), (claims.first.code, nil),
                ]
                for (city, evidence) in readers {
                    let role = city.map { ["--role", "city", "--city", $0] } ?? ["--role", "operator"]
                    let token = try await federation.registry(["token", "create"] + role).output
                        .trimmingCharacters(in: .whitespacesAndNewlines)
                    let answer = try await reader.probe.send(
                        "GET", "/v1/cases/\(id)", [("Authorization", "Bearer \(token)")])
                    let steps = try JSONDecoder().decode(Steps.self, from: Data(answer.body)).steps
                    #expect(steps.map(\.evidence) == [nil, evidence], "\(city ?? "operator")")
                    #expect(steps.allSatisfy { $0.received_at.hasPrefix("20") })
                }
            }
            let shown = try await federation.registry(["case", "show", id])
            #expect(shown.output.contains("SHA-256 \(digest)"))
        }
    }

    @Test("a ruling that needs a second person is not said to take effect before another one has confirmed it")
    func twoPersons() async throws {
        try await federation.publishTwoPersons()
        try await DisputedClaims.with(federation) { claims, _, _ in
            let id = try await claims.caseID(federation)
            let ruling = [
                "claim:\(claims.first.code)/\(claims.first.claim(2))": "keep",
                "claim:\(claims.second.code)/\(claims.second.claim(3))": "out", "code": "confirmed", "reason": "查明",
            ]
            /// Rules, and reads the page that the browser is sent to.
            func rule(as reader: Reader) async throws -> String {
                let sent = try await reader.send("/cases/\(id)/ruling", ruling)
                try #require(sent.status == 303, "\(sent.text)")
                let place = try #require(sent.headers["location"])
                return try await reader.page(String(place.dropFirst("/console".count))).text
            }
            try await with("first") { reader in
                let proposed = try await rule(as: reader)
                #expect(proposed.contains("takes effect once another operator confirms it"))
                #expect(!proposed.contains("next decision"))
                // It is decided that it waits; whoever proposed it does not confirm it.
                try await expectEventually { try await reader.page("/cases/\(id)").text.contains("Second signature") }
                #expect(try await rule(as: reader).contains("once another operator confirms it"))
                #expect(try await reader.page("/cases/\(id)?done=anything").status == 400)
            }
            // Somebody else follows the link to a page that said what was done.
            try await with("stranger") { reader in
                for act in ["ruled", "proposed", "reopened"] {
                    let page = try await reader.page("/cases/\(id)?done=\(act)")
                    #expect(page.status == 200)
                    #expect(!page.text.contains("class=\"good\" role=\"status\""), "\(act)")
                }
            }
            try await with("second") { reader in
                let confirmed = try await rule(as: reader)
                #expect(confirmed.contains("takes effect at the arbiter&#39;s next decision"))
            }
            try await expectEventually {
                try await federation.claimState(claims.second, claims.second.claim(3)) == "refused"
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
}
