import Foundation
import Testing

/// A city officer's console in a real browser.
@Suite("The city's console", .badInputFederation, .serialized)
struct CityConsoleTests {
    private let federation = BadInputFederation.current

    @Test(
        "an officer's day: a claim with a fault, corrected, decided, asked for and exported for the bank",
        arguments: ConsoleWords.languages)
    func officersDay(language: String) async throws {
        let words = try ConsoleWords.city(language)
        try await federation.publishQuickPayments()
        let other = try await federation.city()
        let city = try await federation.city()
        try await other.served { _ in
            try await city.served { daemon in
                try await ConsoleVisitor.with(daemon.url, token: try city.apiToken(), language: language) { visitor in
                    #expect(try await visitor.heading() == words.text("desk"))
                    try await visitor.follow(words.text("fileClaim"))
                    try await fileWithFault(visitor, city, words)
                    try await payAndReconcile(visitor, city, words)
                    // The form with the fault was answered so.
                    let errors = try await visitor.page.consoleErrors().filter { !$0.contains("422") }
                    #expect(errors == [])
                }
            }
        }
        try await city.expectSoundLog()
    }

    /// Types an amount that is none, corrects it, and waits until the registry has decided.
    private func fileWithFault(_ visitor: ConsoleVisitor, _ city: TestCity, _ words: ConsoleWords) async throws {
        let page = visitor.page
        var fields = ClaimFile.distinct(1, of: city)
        fields["claimed_yuan"] = "12.345"
        try await visitor.fill(fields)
        try await page.clickAndLoad("button[value=file]")
        #expect(try await page.exists("#claimed_yuan[aria-invalid]"))
        #expect(try await page.text().contains(words.text("notFiled")))
        let fault = try await page.text(of: "#claimed_yuan-problem")
        #expect(fault.contains("52443.40") && words.isLanguage(of: fault), "\(fault)")
        #expect(try await page.with("#contract_no", "e.value", as: String.self) == fields["contract_no"])
        try await visitor.picture("city-form", in: "zh-CN")
        try await page.fill("#claimed_yuan", ClaimFile.distinct(1, of: city)["claimed_yuan"] ?? "")
        try await page.clickAndLoad("button[value=file]")
        #expect(try await visitor.heading() == city.claim(1))
        let reserved = try BrowserPage.literal(words.text("state_reserved"))
        try await page.waitUntil(
            "document.querySelector('#standing').textContent.includes(\(reserved))", within: .seconds(30))
    }

    /// Asks for the payment, exports it once it is released, and reads the month's sheet.
    private func payAndReconcile(_ visitor: ConsoleVisitor, _ city: TestCity, _ words: ConsoleWords) async throws {
        let page = visitor.page
        try await visitor.follow(words.text("payments"))
        try await page.clickAndLoad("form[action$='/requests'] button")
        let released = try BrowserPage.literal(words.text("stage_released"))
        try await page.waitUntil(
            "document.querySelector('#rows').textContent.includes(\(released))", within: .seconds(60))
        try await visitor.picture("city-payments", in: "zh-CN")
        try await page.clickAndLoad("form[action$='/export'] button")
        #expect(try await page.text().contains(words.text("exportedRows")))
        try await visitor.expectAccessible("what was exported", isFault: true)
        let link: String = try await page.with("#bank-file", "e.getAttribute('href')")
        try await page.loading("a reload") { try await page.send("Page.reload") }
        #expect(try await page.with("#bank-file", "e.getAttribute('href')", as: String.self) == link)
        let file: String = try await page.evaluate("fetch(\(try BrowserPage.literal(link))).then(r => r.text())")
        let lines = file.split(separator: "\r\n")
        #expect(lines.count == 2)
        let amount = try #require(ClaimFile.distinct(1, of: city)["claimed_yuan"])
        #expect(lines.last?.contains("\(amount),\(city.claim(1))") == true)
        try await visitor.follow(words.text("reconciliation"))
        #expect(try await page.text().contains(words.text("stage_submitted")))
        #expect(try await page.printToPDF() > 5_000)
        try await visitor.picture("city-month", in: "en")
    }

    @Test(
        "a file is imported: what was recorded, repaired and refused is shown row by row, and the same again changes nothing"
    )
    func imports() async throws {
        let city = try await federation.city()
        let words = try ConsoleWords.city("en")
        try await city.served { daemon in
            let rows = [
                ClaimFile.distinctRow(1, of: city),
                ClaimFile.distinctRow(2, of: city, ["provider_uscc": "9144030071526726XX"]),
                ClaimFile.distinctRow(3, of: city, ["enterprise_uscc": "91110000600037341l"]),
            ]
            let file = try city.write(ClaimFile.file(rows), "upload.csv")
            try await ConsoleVisitor.with(daemon.url, token: try city.apiToken(), language: "en") { visitor in
                let page = visitor.page
                for (recorded, unchanged) in [(2, 0), (0, 2)] {
                    try await visitor.open("/console/import")
                    try await page.attach("#file", file: file)
                    try await page.click("form[data-upload] button")
                    try await page.waitFor("#result table")
                    let text = try await page.text(of: "#result")
                    for (outcome, count) in [("recorded", recorded), ("unchanged", unchanged), ("invalid", 1)] {
                        let counted = try words.text("import_\(outcome)")
                        #expect(text.contains("\(counted) \(count) ·"), "\(text)")
                    }
                    #expect(text.contains(city.claim(2)))
                    #expect(text.contains("91110000600037341l → 91110000600037341L"))
                }
                try await visitor.picture("city-import")
                // The row that was refused is corrected in the form.
                try await visitor.open("/console/claims/\(city.claim(2))")
                try await visitor.follow(words.text("correct"))
                try await page.fill("#provider_uscc", "9144030071526726XG")
                try await page.clickAndLoad("button[value=file]")
                #expect(try await visitor.heading() == city.claim(2))
                // The newest stand first, and one is found by its contract, in whatever case that is typed.
                try await visitor.open("/console/claims")
                #expect(try await visitor.column(0, in: "#rows") == [3, 2, 1].map(city.claim))
                let contract = try #require(ClaimFile.distinct(1, of: city)["contract_no"]).lowercased()
                try await page.fill("#q", contract)
                try await page.clickAndLoad("form[role=search] button")
                #expect(try await visitor.column(0, in: "#rows") == [city.claim(1)])
                #expect(try await page.with("#q", "e.value", as: String.self) == contract)
                try await visitor.picture("city-claims")
            }
            try await city.settle()
            #expect(Set(try await city.states().values) == ["reserved"])
        }
        let left = try FileManager.default.contentsOfDirectory(atPath: city.data).filter { $0.hasPrefix("import-") }
        #expect(left == [])
    }

    @Test("the page after an export is loaded again without anything being exported again", arguments: [false, true])
    func exportedOnce(again: Bool) async throws {
        try await federation.publishQuickPayments()
        let (other, city) = (try await federation.city(), try await federation.city())
        try await other.served { _ in
            try await city.served { daemon in
                try await city.file([ClaimFile.distinctRow(1, of: city)])
                try await city.does(["payment", "request", city.claim(1)])
                try await city.expectPayment(of: city.claim(1), at: "released")
                if again { _ = try await city.exported() }
                try await HTTPProbe.with(daemon.url) { probe in
                    let signedIn = try await probe.form("/console/login", ["token": try city.apiToken()])
                    let session = [("Cookie", try #require(signedIn.cookie))]
                    var fields = try await probe.send("GET", "/console/payments", session).hiddenFields
                    if again { fields["again"] = "1" }

                    let answer = try await probe.form("/console/payments/export", fields, session)
                    #expect(answer.status == 303)
                    let path = try #require(answer.headers["location"])
                    let head = try await city.sync().log_head
                    var links: Set<String> = []
                    for _ in 0..<2 {
                        let page = try await probe.send("GET", path, session)
                        #expect(page.status == 200)
                        let link = try #require(page.text.firstMatch(of: /id="bank-file" href="([^"]+)"/))
                        links.insert(String(link.1))
                    }
                    #expect(links.count == 1)
                    #expect(try await city.sync().log_head == head)
                    let file = try await probe.send("GET", try #require(links.first), session)
                    #expect(file.text.contains(",\(city.claim(1)),"))
                }
            }
        }
    }

    @Test("white space that came along with what is looked for says nothing")
    func typedSpace() async throws {
        let city = try await federation.city()
        try await city.served { daemon in
            let name = "银达深智能科技有限公司 \(city.code)分部"
            try await city.file([
                ClaimFile.distinctRow(1, of: city, ["enterprise_name": name]), ClaimFile.distinctRow(2, of: city),
            ])
            try await HTTPProbe.with(daemon.url) { probe in
                let cookie = try #require(try await probe.form("/console/login", ["token": try city.apiToken()]).cookie)
                for typed in ["\t\(city.claim(1))\r\n", "\u{3000}有限公司\t\n \(city.code)分部\n"] {
                    let encoded = try #require(typed.addingPercentEncoding(withAllowedCharacters: .alphanumerics))

                    let page = try await probe.send("GET", "/console/claims?q=\(encoded)", [("Cookie", cookie)])
                    #expect(page.status == 200)
                    #expect(page.text.contains("/console/claims/\(city.claim(1))\""))
                    #expect(!page.text.contains("/console/claims/\(city.claim(2))\""))
                }
            }
        }
    }

    @Test("offline the banner says so and what waits, a check is never CLEAR, and all is sent afterwards")
    func offline() async throws {
        let city = try await federation.city()
        let words = try ConsoleWords.city("en")
        try await city.served(isOffline: true) { daemon in
            try await ConsoleVisitor.with(daemon.url, token: try city.apiToken(), language: "en") { visitor in
                let page = visitor.page
                try await visitor.open("/console/file")
                try await visitor.fill(ClaimFile.distinct(1, of: city))
                try await page.clickAndLoad("button[value=check]")
                #expect(try await page.text(of: ".neutral").hasPrefix("UNKNOWN"))
                try await page.clickAndLoad("button[value=file]")
                #expect(try await page.text(of: "#standing").contains(words.text("state_recorded")))
                let banner = try await page.text(of: "#banner")
                #expect(banner.hasPrefix(try words.text("offline")))
                let waiting = try words.text("offlineWaiting")
                #expect(banner.hasSuffix(" 2 \(waiting)"), "\(banner)")
                try await visitor.picture("city-offline")
            }
        }
        try await city.served { daemon in
            try await city.settle()
            try await ConsoleVisitor.with(daemon.url, token: try city.apiToken(), language: "en") { visitor in
                let hasBanner = try await visitor.page.exists("#banner .banner")
                #expect(!hasBanner)
            }
        }
    }

    @Test("a case is answered with a document's digest, and the registry reads it")
    func answers() async throws {
        try await DisputedClaims.with(federation) { claims, _, daemon in
            let id = try await claims.caseID(federation)
            let document = try claims.second.write(Array("合同原件".utf8), "contract.pdf")
            try await ConsoleVisitor.with(daemon.url, token: try claims.second.apiToken()) { visitor in
                let page = visitor.page
                try await page.waitUntil("document.querySelector('#todo-list a')")
                try await visitor.open("/console/cases/\(id)")
                try await page.check("input[value=contest]")
                try await page.fill("#reason", "两笔不同的付款")
                try await page.attach("#documents", file: document)
                try await page.waitUntil("document.getElementById('evidence').value.length === 64")
                try await page.clickAndLoad("form[action$='/answer'] button")
                let contests = try BrowserPage.literal(ConsoleWords.city("zh-CN").text("answer_contest"))
                try await page.waitUntil(
                    "document.querySelector('#steps').textContent.includes(\(contests))", within: .seconds(30))
                try await visitor.picture("city-case")
            }
            let shown = try await federation.registry(["case", "show", id])
            #expect(shown.output.contains("两笔不同的付款"))
        }
    }

    @Test(
        "every page can be read, heard and walked through by keyboard, in both languages",
        arguments: ConsoleWords.languages)
    func accessible(language: String) async throws {
        try await DisputedClaims.with(federation) { claims, _, daemon in
            let id = try await claims.caseID(federation)
            try await ConsoleVisitor.with(daemon.url, token: try claims.second.apiToken(), language: language) {
                visitor in
                for path in [
                    "", "/claims", "/claims?q=none", "/claims/\(claims.second.claim(1))", "/file", "/import", "/cases",
                    "/cases?state=closed", "/cases/\(id)", "/payments", "/vouchers", "/red-letters", "/reconciliation",
                ] {
                    try await visitor.open("/console\(path)")
                    try await visitor.expectAccessible(path)
                }
                let order = try await visitor.page.focusOrder()
                let skip = try ConsoleWords.city(language).text("skip")
                #expect(order.first?.contains(skip) == true, "\(order.prefix(2))")
                #expect(order.contains { $0.contains("id=month") }, "\(order)")
                try await walkThroughFaults(visitor, claims.second)
            }
        }
    }

    /// The pages that say what came of something, and what went wrong.
    private func walkThroughFaults(_ visitor: ConsoleVisitor, _ city: TestCity) async throws {
        let page = visitor.page
        let row = ClaimFile.distinctRow(9, of: city, ["provider_uscc": "9144030071526726XX"])
        let file = try city.write(ClaimFile.file([row, ClaimFile.distinctRow(1, of: city)]), "faults.csv")
        try await visitor.open("/console/import")
        try await page.attach("#file", file: file)
        try await page.click("form[data-upload] button")
        try await page.waitFor("#result table")
        try await visitor.expectAccessible("what was imported")
        try await visitor.open("/console/claims/\(city.claim(9))")
        try await visitor.expectAccessible("a row that is no entry")
        try await visitor.open("/console/payments")
        try await page.clickAndLoad("form[action$='/export'] button")
        try await visitor.expectAccessible("what was exported")

        try await visitor.open("/console/file")
        try await visitor.fill(ClaimFile.distinct(1, of: city))
        try await page.clickAndLoad("button[value=check]")
        try await visitor.expectAccessible("an answer to a check")
        // As a browser would send it that does not look first.
        try await visitor.open("/console/file")
        try await page.run("document.querySelector('form.card').noValidate = true")
        try await page.fill("#claimed_yuan", "12.345")
        try await page.clickAndLoad("button[value=file]")
        #expect(try await page.exists("#claimed_yuan[aria-invalid]"))
        try await visitor.expectAccessible("a form with faults", isFault: true)
        try await visitor.open("/console/claims/none")
        #expect(page.httpStatus == 404)
        try await visitor.expectAccessible("a claim that there is not", isFault: true)
    }

    @Test("without the token nothing is shown, and another site's form does nothing")
    func safety() async throws {
        let city = try await federation.city()
        try await city.served { daemon in
            try await HTTPProbe.with(daemon.url) { probe in
                for path in ["/console", "/console/claims", "/console/stream", "/console/reconciliation"] {
                    #expect(try await probe.send("GET", path).status == 303, "\(path)")
                }
                #expect(try await probe.form("/console/login", ["token": "wrong"]).status == 401)
                let signedIn = try await probe.form("/console/login", ["token": try city.apiToken()])
                let cookie = try #require(signedIn.cookie)
                #expect(try await probe.form("/console/payments/requests", [:], [("Cookie", cookie)]).status == 403)
                #expect(
                    try await probe.send("POST", "/console/import?kind=claims", [("Cookie", cookie)], body: [1]).status
                        == 403)
            }
        }
    }
}
