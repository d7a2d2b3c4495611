import FederationHTTP
import Foundation
import Testing

/// What keeps the consoles from being misused: asked by hand, as no browser would.
@Suite("The consoles' safety", .badInputFederation)
struct ConsoleSafetyTests {
    let federation = BadInputFederation.current

    /// Signs in by hand.
    ///
    /// - Returns: The cookie, and the token that its forms carry.
    func signIn(_ probe: HTTPProbe, _ token: String, purpose: String = "") async throws -> (String, String) {
        let answer = try await probe.form("/console/login", ["token": token, "purpose": purpose])
        try #require(answer.status == 303)
        let cookie = try #require(answer.cookie)
        let page = try await probe.send("GET", "/console/cases", [("Cookie", cookie)])
        let text = String(decoding: page.body, as: UTF8.self)
        let form = try #require(text.firstMatch(of: /name="form_token" value="([^"]+)"/))
        return (cookie, String(form.1))
    }

    func withRegistry(_ body: (HTTPProbe) async throws -> Void) async throws {
        try await HTTPProbe.with(try federation.registryURL, authority: federation.authority, body)
    }

    @Test("the session's cookie is bound to this host, to TLS and to this site, and pages to this server")
    func headers() async throws {
        let token = try await federation.token("operator", label: "headers")
        try await withRegistry { probe in
            let answer = try await probe.form("/console/login", ["token": token])
            let cookie = try #require(answer.headers["set-cookie"])
            for word in ["__Host-", "; Secure", "; HttpOnly", "; SameSite=Strict", "; Path=/"] {
                #expect(cookie.contains(word), "\(cookie)")
            }
            let page = try await probe.send("GET", "/console/login")
            let policy = try #require(page.headers["content-security-policy"])
            #expect(policy.hasPrefix("default-src 'none'; "))
            #expect(!policy.contains("unsafe"))
            #expect(policy.contains("frame-ancestors 'none'"))
            #expect(page.headers["x-content-type-options"] == "nosniff")
            #expect(page.headers["cache-control"] == "no-store")
            let text = String(decoding: page.body, as: UTF8.self)
            #expect(!text.contains("style=") && !text.contains("onclick") && !text.contains("http://"))
        }
    }

    @Test("nothing is done by a form of another session, without its token, from another site, or by an auditor")
    func forgery() async throws {
        let operatorToken = try await federation.token("operator", label: "forgery")
        let auditorToken = try await federation.token("auditor", label: "forgery auditor")
        try await withRegistry { probe in
            let (cookie, form) = try await signIn(probe, operatorToken)
            let (otherCookie, otherForm) = try await signIn(probe, operatorToken)
            let (auditorCookie, auditorForm) = try await signIn(probe, auditorToken, purpose: "审计")
            func reopen(_ headers: [(String, String)], _ token: String?) async throws -> Int {
                let fields = ["reason": "x"].merging(token.map { ["form_token": $0] } ?? [:]) { $1 }
                return try await probe.form("/console/cases/NONE/reopening", fields, headers).status
            }
            #expect(try await reopen([("Cookie", cookie)], nil) == 403)
            #expect(try await reopen([("Cookie", cookie)], otherForm) == 403)
            #expect(try await reopen([("Cookie", otherCookie)], form) == 403)
            // Without a session it is kept for whoever signs in.
            #expect(try await reopen([], form) == 401)
            #expect(try await reopen([("Cookie", auditorCookie)], auditorForm) == 403)
            for site in ["cross-site", "same-site"] {
                #expect(try await reopen([("Cookie", cookie), ("Sec-Fetch-Site", site)], form) == 403)
            }
            for origin in ["https://evil.example", "null"] {
                #expect(try await reopen([("Cookie", cookie), ("Origin", origin)], form) == 403)
            }
            // Its own form gets as far as the case, which there is not.
            let own = try await reopen([("Cookie", cookie), ("Sec-Fetch-Site", "same-origin")], form)
            #expect(own == 400)
        }
    }

    @Test("a cookie that was changed is none, and a session ends with its token")
    func sessions() async throws {
        let token = try await federation.token("operator", label: "ends")
        try await withRegistry { probe in
            let (cookie, _) = try await signIn(probe, token)
            #expect(try await probe.send("GET", "/console/cities", [("Cookie", cookie)]).status == 200)
            var changed = Array(cookie.utf8)
            let middle = changed.count / 2
            changed[middle] = changed[middle] == UInt8(ascii: "A") ? UInt8(ascii: "B") : UInt8(ascii: "A")
            let other = String(decoding: changed, as: UTF8.self)
            #expect(try await probe.send("GET", "/console/cities", [("Cookie", other)]).status == 303)

            let id = try await federation.tokenID(label: "ends")
            #expect(try await federation.registry(["token", "revoke", id]).status == 0)
            #expect(try await probe.send("GET", "/console/cities", [("Cookie", cookie)]).status == 303)
            #expect(try await probe.form("/console/login", ["token": token]).status == 401)
        }
    }

    @Test(
        "after signing in nobody is sent to another server",
        arguments: [
            "//evil.example/", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "/\t/evil.example",
            "/\r\n/evil.example", "/console\t/../..//evil.example",
        ])
    func redirects(next: String) async throws {
        let token = try await federation.token("operator", label: "redirects")
        try await withRegistry { probe in
            let answer = try await probe.form("/console/login", ["token": token, "next": next])
            #expect(answer.headers["location"] == "/console")
        }
    }

    @Test("what somebody has typed is text on every page, whatever it says")
    func escaping() async throws {
        let token = try await federation.token("operator", label: "<i>王</i>")
        let city = try await federation.city()
        let name = "<script>alert(1)</script>\"'&科技"
        try await city.served { _ in
            try await city.file([
                ClaimFile.distinctRow(1, of: city, ["provider_name": "\"\(name.replacing("\"", with: "\"\""))\""])
            ])
            try await ConsoleVisitor.with(try federation.registryURL, token: token) { visitor in
                for path in ["/console/claims/\(city.code)/\(city.claim(1))", "/console/claims?name=%3Cscript%3Ealert"]
                {
                    try await visitor.open(path)
                    #expect(try await visitor.page.text().contains(name), "\(path)")
                    #expect(try await visitor.page.evaluate("document.scripts.length", as: Int.self) == 1)
                    #expect(try await visitor.page.consoleErrors() == [])
                }
            }
        }
    }

    @Test(
        "what looks like one letter with a quote or a bracket in it is no markup",
        arguments: ["\"\u{301}", "\u{600}<i>", "'\u{301}", "<\u{301}i\u{600}>"])
    func clusters(text: String) async throws {
        try await withRegistry { probe in
            let encoded = try #require(text.addingPercentEncoding(withAllowedCharacters: .alphanumerics))
            let page = try await probe.send("GET", "/console/login?next=x\(encoded)")
            let body = String(decoding: page.body, as: UTF8.self).unicodeScalars
            // As bytes: a search by letters would miss it, too.
            #expect(!String(body).utf8.elementsContain(text.utf8))
        }
    }

    @Test("a city's token does not open the national console")
    func cityToken() async throws {
        let made = try await federation.registry(["token", "create", "--role", "city", "--city", "110000"])
        let token = made.output.trimmingCharacters(in: .whitespacesAndNewlines)
        try await withRegistry { probe in
            #expect(try await probe.form("/console/login", ["token": token]).status == 401)
            for path in [
                "/v1/duplicates", "/v1/cities", "/v1/payments", "/v1/reports/rulings", "/v1/audit-events",
                "/v1/exports/claims", "/metrics",
            ] {
                try await probe.send("GET", path, [("Authorization", "Bearer \(token)")])
                    .expectProblem(403, "role", "\(path)")
            }
            let others = try await probe.send(
                "GET", "/v1/claims?city_code=310000", [("Authorization", "Bearer \(token)")])
            others.expectProblem(403, "role", "another city's claims")
        }
    }
}

extension HTTPProbe {
    /// Sends a form as a browser does.
    func form(
        _ path: String, _ fields: [String: String], _ headers: [(String, String)] = []
    ) async throws -> Answer {
        let body = fields.map { name, value in
            "\(name)=\(value.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? "")"
        }
        return try await send(
            "POST", path, [("Content-Type", "application/x-www-form-urlencoded")] + headers,
            body: Array(body.joined(separator: "&").utf8))
    }
}

extension HTTPProbe.Answer {
    /// What a browser would send back.
    var cookie: String? { headers["set-cookie"]?.split(separator: ";").first.map(String.init) }
}

extension String.UTF8View {
    /// Whether these bytes are somewhere in it.
    fileprivate func elementsContain(_ other: String.UTF8View) -> Bool {
        let (own, other) = (Array(self), Array(other))
        guard own.count >= other.count else { return false }
        return (0...own.count - other.count).contains { own[$0..<$0 + other.count].elementsEqual(other) }
    }
}
