import Foundation
import Testing

/// Sessions that are over: what somebody had typed by then, and whoever else has the cookie.
extension ConsoleSafetyTests {
    @Test("a policy that was typed when the session was over is kept, also by a wrong token, and sent by a click alone")
    func keptAtTheRegistry() async throws {
        let token = try await federation.token("operator", label: "kept")
        // Longer than a form of most pages may be: 64 KiB.
        let typed = "{ \"typed\": \"<b>王</b> & '\",\r\n" + String(repeating: "x", count: 70_000) + " }"
        let shown = "{ &quot;typed&quot;: &quot;&lt;b&gt;王&lt;/b&gt; &amp; &#39;&quot;,"
        let path = "/console/policy/preview"
        try await withRegistry { probe in
            func policy(_ cookie: String) async throws -> String {
                try await probe.send("GET", "/console/policy", [("Cookie", cookie)]).text
            }
            let (ended, form) = try await signIn(probe, token)
            let end = try await probe.form("/console/logout", ["form_token": form], [("Cookie", ended)])
            #expect(end.status == 303)

            let late = try await probe.form(path, ["form_token": form, "document": typed], [("Cookie", ended)])
            #expect(late.status == 401)
            let refused = try await probe.form(
                "/console/login", late.hiddenFields.merging(["token": "wrong"]) { $1 })
            #expect(refused.status == 401)
            let asked = try await probe.form(
                "/console/login", refused.hiddenFields.merging(["token": token]) { $1 })
            #expect(asked.status == 200)
            #expect(asked.text.contains("<td class=\"typed\">\(shown)"))
            #expect(asked.text.contains("action=\"\(path)\""))
            #expect(asked.hiddenFields["document"] == typed)

            let cookie = try #require(asked.cookie)
            let before = try await policy(cookie)
            #expect(!before.contains(shown))
            let sent = try await probe.form(path, asked.hiddenFields, [("Cookie", cookie)])
            #expect(sent.status == 303)
            #expect(try await policy(cookie).contains(shown))
        }
    }

    @Test("a form of an earlier session is shown, and not sent, where somebody has signed in anew beside it")
    func otherTab() async throws {
        let token = try await federation.token("operator", label: "tabs")
        let path = "/console/policy/preview"
        try await withRegistry { probe in
            let (_, old) = try await signIn(probe, token)
            let (cookie, form) = try await signIn(probe, token)
            let typed = ["form_token": old, "document": "typed in another tab"]

            let shown = try await probe.form(path, typed, [("Cookie", cookie)])
            #expect(shown.status == 403)
            #expect(shown.hiddenFields == ["form_token": form, "document": "typed in another tab"])
            let policy = try await probe.send("GET", "/console/policy", [("Cookie", cookie)]).text
            #expect(!policy.contains("typed in another tab"))
            let planted = try await probe.form(path, typed, [("Cookie", cookie), ("Sec-Fetch-Site", "cross-site")])
            #expect(planted.status == 403)
            #expect(!planted.text.contains("typed in another tab"))

            let sent = try await probe.form(path, shown.hiddenFields, [("Cookie", cookie)])
            #expect(sent.status == 303)
        }
    }

    @Test("a claim that was typed when the session was over is filed once its officer has signed in and sent it")
    func keptAtTheCity() async throws {
        let city = try await federation.city()
        let claim = ClaimFile.distinct(1, of: city)
        try await city.served { daemon in
            try await HTTPProbe.with(daemon.url) { probe in
                // The browser has forgotten the cookie: its time was over.
                let fields = claim.merging(["act": "file", "form_token": "old"]) { $1 }
                let late = try await probe.form("/console/file", fields)
                #expect(late.status == 401)
                let refused = try await probe.form(
                    "/console/login", late.hiddenFields.merging(["token": "wrong"]) { $1 })
                #expect(refused.status == 401)
                let asked = try await probe.form(
                    "/console/login", refused.hiddenFields.merging(["token": try city.apiToken()]) { $1 })
                #expect(asked.status == 200)
                for value in claim.values { #expect(asked.text.contains("<td class=\"typed\">\(value)</td>")) }
                #expect(try await city.claims().isEmpty)

                let cookie = try #require(asked.cookie)
                let sent = try await probe.form("/console/file", asked.hiddenFields, [("Cookie", cookie)])
                #expect(sent.headers["location"] == "/console/claims/\(city.claim(1))")
            }
            try await city.settle()
            // Held where it resembles a claim of another test's city: it is filed, and once.
            #expect(try await city.claims().count == 1)
            #expect(["reserved", "held"].contains(try await city.states()[city.claim(1)]))
        }
    }

    @Test(
        "another site can neither have a form kept nor bring one along to the login",
        arguments: [
            ("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Site", "same-site"), ("Origin", "https://evil.example"),
            ("Origin", "null"),
        ])
    func planted(header: String, value: String) async throws {
        let token = try await federation.token("operator", label: "planted")
        let path = "/console/policy/preview"
        try await withRegistry { probe in
            let late = try await probe.form(path, ["document": "planted"], [(header, value)])
            #expect(late.status == 403)
            #expect(!late.text.contains("planted"))
            let login = try await probe.form(
                "/console/login", ["token": token, "kept_path": path, "kept:document": "planted"], [(header, value)])
            #expect(login.status == 403)
            #expect(login.cookie == nil)
            #expect(!login.text.contains("planted"))
        }
    }

    @Test("a copy of a cookie is of no use at any server once its session was ended at one of them")
    func endedAtEveryServer() async throws {
        let token = try await federation.token("operator", label: "copied")
        // The last server to start says where new cities find the registry: that stays the first one's URL.
        let arguments = ["--embedded-postgres", federation.database, "--advertise", try federation.registryURL]
        try await Daemon.with(.registry, arguments) { daemon in
            try await withRegistry { first in
                try await HTTPProbe.with(daemon.url, authority: federation.authority) { second in
                    let (cookie, form) = try await signIn(first, token)
                    let (other, _) = try await signIn(second, token)
                    #expect(try await second.send("GET", "/console/cities", [("Cookie", cookie)]).status == 200)

                    let end = try await first.form("/console/logout", ["form_token": form], [("Cookie", cookie)])
                    #expect(end.status == 303)

                    for probe in [first, second] {
                        #expect(try await probe.send("GET", "/console/cities", [("Cookie", cookie)]).status == 303)
                        let late = try await probe.form(
                            "/console/cases/NONE/reopening", ["reason": "x", "form_token": form],
                            [("Cookie", cookie)])
                        #expect(late.status == 401)
                        #expect(try await probe.send("GET", "/console/cities", [("Cookie", other)]).status == 200)
                    }
                }
            }
        }
    }

    @Test("a copy of a cookie is of no use at the city once its session was ended")
    func endedAtTheCity() async throws {
        let city = try await federation.city()
        try await city.served { daemon in
            try await HTTPProbe.with(daemon.url) { probe in
                let (cookie, form) = try await signIn(probe, try city.apiToken())
                let (other, _) = try await signIn(probe, try city.apiToken())

                let end = try await probe.form("/console/logout", ["form_token": form], [("Cookie", cookie)])
                #expect(end.status == 303)

                #expect(try await probe.send("GET", "/console/cases", [("Cookie", cookie)]).status == 303)
                #expect(try await probe.send("GET", "/console/cases", [("Cookie", other)]).status == 200)
            }
        }
    }
}

extension HTTPProbe.Answer {
    var text: String { String(decoding: body, as: UTF8.self) }

    /// The hidden fields of a page's forms, as a browser sends them with whatever else somebody fills in.
    var hiddenFields: [String: String] {
        func unescaped(_ text: Substring) -> String {
            [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")].reduce(String(text)) {
                $0.replacing($1.0, with: $1.1)
            }
        }
        return Dictionary(
            text.matches(of: /<input type="hidden" name="([^"]*)" value="([^"]*)">/).map {
                (unescaped($0.1), unescaped($0.2))
            }, uniquingKeysWith: { $1 })
    }
}
