import Foundation
import Testing

/// The registry's console, opened by way of the identity provider's own page.
@Suite("Sign-in at the provider", .badInputFederation, .serialized)
struct ProviderPageTests {
    private let federation = BadInputFederation.current
    private let key = ProviderKey("k1")

    /// Lends a provider and a registry server that is its client.
    private func served(_ body: (FakeProvider, String) async throws -> Void) async throws {
        let secret = federation.freshPath("secret")
        try Data("\(FakeProvider.secret)\n".utf8).write(to: URL(fileURLWithPath: secret))
        try await FakeProvider.with([key], in: federation.freshPath("provider")) { provider in
            let options = [
                "--embedded-postgres", federation.database, "--oidc-issuer", provider.issuer, "--oidc-audience",
                "registry", "--oidc-trust", provider.authority, "--oidc-client-id", FakeProvider.client,
                "--oidc-client-secret-file", secret,
            ]
            try await Daemon.with(.registry, options) { daemon in
                try await HTTPProbe.with(daemon.url, authority: federation.authority) { probe in
                    // It has found the provider.
                    try await expectEventually {
                        try await probe.send("GET", "/console/login/provider").status == 303
                    }
                }
                try await body(provider, daemon.url)
            }
        }
    }

    /// The same, and a probe of the server.
    private func probed(_ body: (FakeProvider, SignIn) async throws -> Void) async throws {
        try await served { provider, url in
            try await HTTPProbe.with(url, authority: federation.authority) { probe in
                try await body(provider, SignIn(provider: provider, probe: probe, url: url))
            }
        }
    }

    /// Steps of a sign-in, as a browser takes them.
    private struct SignIn {
        let provider: FakeProvider
        let probe: HTTPProbe
        let url: String

        /// Begins one.
        ///
        /// - Returns: The path of the provider's page, and the cookie of the sign-in.
        func begin(_ next: String = "/console/cases") async throws -> (path: String, cookie: String) {
            let left = try await probe.send("GET", "/console/login/provider?next=\(next)")
            try #require(left.status == 303)
            let location = try #require(left.headers["location"])
            try #require(location.hasPrefix(provider.issuer))
            return (String(location.dropFirst(provider.issuer.count)), try #require(left.cookie))
        }

        /// Signs in at the provider.
        ///
        /// - Returns: The path that it sends the browser back to.
        func pass(_ path: String) async throws -> String {
            try await HTTPProbe.with(provider.issuer, authority: provider.authority) { door in
                let passed = try await door.send("GET", path)
                try #require(passed.status == 303)
                let location = try #require(passed.headers["location"])
                try #require(location.hasPrefix(url))
                return String(location.dropFirst(url.count))
            }
        }

        func arrive(_ path: String, _ cookie: String) async throws -> HTTPProbe.Answer {
            try await probe.send("GET", path, [("Cookie", cookie)])
        }
    }

    @Test("somebody signs in with the organisation's account in the browser, and sees the page that was asked for")
    func browser() async throws {
        try await served { provider, url in
            provider.expect(["sub": "u-30", "name": "王伟", "vf_role": "operator"])
            try await Browser.with(language: "zh-CN") { page in
                let visitor = ConsoleVisitor(page: page, url: url)
                try await visitor.open("/console/cities?from=link")
                try await visitor.expectAccessible("login")
                try await page.clickAndLoad("a[href^='/console/login/provider']")
                try await page.waitUntil("location.pathname === '/console/cities'")
                #expect(try await visitor.heading() == "城市")
                #expect(try await page.text(of: ".who").contains("u-30 (王伟)"))
                #expect(try await page.evaluate("location.search", as: String.self) == "?from=link")
                #expect(try await page.consoleErrors() == [])
            }
        }
    }

    @Test("an auditor is asked what for where the provider does not say it")
    func purpose() async throws {
        let reader = try await federation.token("auditor", label: "reader")
        try await served { provider, url in
            provider.expect(["sub": "u-31", "vf_purpose": ""])
            try await Browser.with(language: "en") { page in
                let visitor = ConsoleVisitor(page: page, url: url)
                try await visitor.open("/console/reports")
                try await page.clickAndLoad("a[href^='/console/login/provider']")
                #expect(try await page.text().contains("Auditors must say what they look for"))
                #expect(try await page.exists("#token") == false)
                try await page.clickAndLoad("form.card button")
                #expect(try await page.text().contains("Auditors must say what they look for"))
                try await page.fill("#purpose", "抽查 2026")
                try await page.clickAndLoad("form.card button")
                #expect(try await visitor.heading() == "Reports")
            }
            try await HTTPProbe.with(url, authority: federation.authority) { probe in
                let log = try await probe.send("GET", "/v1/audit-events", [("Authorization", "Bearer \(reader)")])
                #expect(log.text.contains("auditor u-31 (王审计)") && log.text.contains("抽查 2026"))
            }
        }
    }

    @Test("by hand: the session is there, the sign-in is over, and it was good for once")
    func steps() async throws {
        try await probed { provider, signIn in
            let (path, cookie) = try await signIn.begin()
            let back = try await signIn.pass(path)
            let arrived = try await signIn.arrive(back, cookie)
            #expect(arrived.status == 200)
            #expect(arrived.headers["refresh"] == "0; url=/console/cases")
            #expect(arrived.text.contains("u-17 (王审计)"))
            #expect(arrived.headers["set-cookie"]?.contains("; SameSite=Strict") == true)
            let session = try #require(arrived.cookie)
            #expect(try await signIn.arrive("/console/cities", session).status == 200)

            let again = try await signIn.arrive(back, cookie)
            #expect(again.status == 503)
            #expect(again.headers["set-cookie"]?.contains("registry-session") == false)
        }
    }

    @Test("the cookie of a sign-in comes along from the provider, is not for scripts, and is gone after ten minutes")
    func cookie() async throws {
        try await probed { _, signIn in
            let left = try await signIn.probe.send("GET", "/console/login/provider")
            let field = try #require(left.headers["set-cookie"])
            for word in ["__Host-", "; Secure", "; HttpOnly", "; SameSite=Lax", "; Path=/", "; Max-Age=600"] {
                #expect(field.contains(word), "\(field)")
            }
            #expect(left.headers["referrer-policy"] == "same-origin")
        }
    }

    @Test("nobody gets in by the way back of somebody else, without the cookie, or with another nonce or verifier")
    func strangers() async throws {
        try await probed { _, signIn in
            func expectOut(_ answer: HTTPProbe.Answer, _ status: Int, _ comment: Comment) {
                #expect(answer.status == status, comment)
                #expect(answer.headers["set-cookie"]?.contains("registry-session") != true, comment)
            }
            /// A sign-in whose cookie has something else in one of its parts.
            func tampered(_ part: Int) async throws -> HTTPProbe.Answer {
                let (path, cookie) = try await signIn.begin()
                let pair = cookie.split(separator: "=", maxSplits: 1).map(String.init)
                var parts = pair[1].split(separator: ".").map(String.init)
                parts[part] = String(repeating: "A", count: 43)
                return try await signIn.arrive(
                    try await signIn.pass(path), "\(pair[0])=\(parts.joined(separator: "."))")
            }
            let (path, cookie) = try await signIn.begin()
            let (_, other) = try await signIn.begin()
            let back = try await signIn.pass(path)
            expectOut(try await signIn.probe.send("GET", back), 401, "no cookie")
            expectOut(try await signIn.arrive(back, other), 401, "the cookie of another sign-in")
            expectOut(try await signIn.arrive(back.replacing("localhost", with: "id"), cookie), 401, "another issuer")
            let state = try #require(cookie.split(separator: "=").last?.split(separator: ".").first)
            let denied = "/console/login/callback?error=access_denied&state=\(state)"
            expectOut(try await signIn.arrive(denied, cookie), 401, "denied")
            expectOut(try await tampered(0), 401, "another state")
            expectOut(try await tampered(1), 401, "another nonce")
            expectOut(try await tampered(2), 503, "another verifier")
        }
    }

    @Test(
        "somebody whom the provider gives no role, or a city's, stays outside",
        arguments: [(["vf_role": "root"], 403), (["vf_role": "city", "vf_city_code": "110000"], 401)])
    func roles(person: [String: String], status: Int) async throws {
        try await probed { provider, signIn in
            provider.expect(person)
            let (path, cookie) = try await signIn.begin()
            let answer = try await signIn.arrive(try await signIn.pass(path), cookie)
            #expect(answer.status == status)
            #expect(answer.headers["set-cookie"]?.contains("registry-session") == false)
        }
    }

    @Test("a token that was made for the console opens the console, and is nothing to the API")
    func audience() async throws {
        try await probed { provider, signIn in
            let token = try key.token(ProviderKey.claims(of: provider.issuer, ["aud": FakeProvider.client]))
            #expect(try await signIn.probe.form("/console/login", ["token": token]).status == 303)
            let asked = try await signIn.probe.send("GET", "/v1/cities", [("Authorization", "Bearer \(token)")])
            #expect(asked.status == 401)
        }
    }

    @Test("what was typed when the session was over is shown once somebody has signed in in another window")
    func kept() async throws {
        try await probed { provider, signIn in
            provider.expect(["vf_role": "operator"])
            let late = try await signIn.probe.form("/console/policy/preview", ["document": "typed"])
            #expect(late.status == 401)
            #expect(late.text.contains(#"href="/console/login/provider?next=/console" target="_blank""#))
            let fields = late.hiddenFields.merging(["act": "goOn"]) { $1 }
            let early = try await signIn.probe.form("/console/login", fields)
            #expect(early.status == 401)
            #expect(early.hiddenFields["kept:document"] == "typed")

            let (path, cookie) = try await signIn.begin()
            let session = try #require(try await signIn.arrive(try await signIn.pass(path), cookie).cookie)
            let shown = try await signIn.probe.form("/console/login", fields, [("Cookie", session)])
            #expect(shown.status == 200)
            #expect(shown.text.contains("<td class=\"typed\">typed</td>"))
            #expect(shown.hiddenFields["form_token"] != nil)
        }
    }

    @Test("before the provider has answered, and where the registry is no client of one, there is no way to it")
    func closed() async throws {
        try await HTTPProbe.with(try federation.registryURL, authority: federation.authority) { probe in
            let way = try await probe.send("GET", "/console/login/provider")
            let page = try await probe.send("GET", "/console/login")
            #expect(way.status == 404)
            #expect(!page.text.contains("/console/login/provider"))
        }
        try await FakeProvider.with([key], in: federation.freshPath("provider"), .isDown) { provider in
            let options = [
                "--embedded-postgres", federation.database, "--oidc-issuer", provider.issuer, "--oidc-audience",
                "registry", "--oidc-trust", provider.authority, "--oidc-client-id", FakeProvider.client,
            ]
            try await Daemon.with(.registry, options) { daemon in
                try await HTTPProbe.with(daemon.url, authority: federation.authority) { probe in
                    let way = try await probe.send("GET", "/console/login/provider")
                    let page = try await probe.send("GET", "/console/login")
                    #expect(way.status == 503)
                    #expect(page.text.contains("/console/login/provider"))
                }
            }
        }
    }
}
