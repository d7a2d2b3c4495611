import Foundation
import Testing

/// The registry's console, opened by tokens of an identity provider.
@Suite("Sign-in with a provider's token", .badInputFederation)
struct ProviderSignInTests {
    private let federation = BadInputFederation.current
    private static let issuer = "https://id.example"
    private let key = ProviderKey("k1")

    private func token(_ changes: [String: Any]) throws -> String {
        try key.token(ProviderKey.claims(of: Self.issuer, changes))
    }

    /// Lends a registry server that takes tokens signed with ``key``.
    private func served(_ body: (HTTPProbe) async throws -> Void) async throws {
        let file = federation.freshPath("keys.json")
        try ProviderKey.set([key]).write(to: URL(fileURLWithPath: file))
        let options = [
            "--embedded-postgres", federation.database, "--advertise", try federation.registryURL, "--oidc-issuer",
            Self.issuer, "--oidc-audience", "registry", "--oidc-keys", file,
        ]
        try await Daemon.with(.registry, options) { daemon in
            try await HTTPProbe.with(daemon.url, authority: federation.authority, body)
        }
    }

    /// Signs in.
    ///
    /// - Returns: The header that a browser sends from then on.
    private func signIn(
        _ probe: HTTPProbe, _ changes: [String: Any], purpose: String = ""
    ) async throws -> [(String, String)] {
        let answer = try await probe.form("/console/login", ["token": try token(changes), "purpose": purpose])
        try #require(answer.status == 303)
        return [("Cookie", try #require(answer.cookie))]
    }

    @Test("an auditor says what for, on the page or by the token, and every question is logged with it")
    func auditor() async throws {
        let auditors = try await federation.token("auditor", label: "reader")
        try await served { probe in
            let silent = try token(["sub": "u-20", "vf_purpose": ""])
            let asked = try await probe.form("/console/login", ["token": silent])
            #expect(asked.status == 401)
            #expect(asked.cookie == nil)

            let typed = try await signIn(probe, ["sub": "u-20", "vf_purpose": ""], purpose: "抽查 2026")
            #expect(try await probe.send("GET", "/console/cities", typed).status == 200)
            let told = try await signIn(probe, ["sub": "u-21", "vf_purpose": "年度审计"])
            #expect(try await probe.send("GET", "/console/claims?state=refused", told).status == 200)

            struct Event: Decodable { let actor, action, detail, purpose: String }
            struct Events: Decodable { let items: [Event] }
            let log = try await probe.send("GET", "/v1/audit-events", [("Authorization", "Bearer \(auditors)")])
            let events = try JSONDecoder().decode(Events.self, from: Data(log.body)).items
            for (sub, path, purpose) in [
                ("u-20", "/console/cities", "抽查 2026"), ("u-21", "/console/claims?state=refused", "年度审计"),
            ] {
                let own = events.filter { $0.actor == "auditor \(sub) (王审计)" && $0.purpose == purpose }
                #expect(own.map(\.action).sorted() == ["console login", "query"], "\(sub)")
                #expect(own.contains { $0.detail == path }, "\(sub)")
            }
        }
    }

    /// Sends the ruling that both claims of a case stay.
    private func rule(
        _ probe: HTTPProbe, _ id: String, _ claims: DisputedClaims, _ session: [(String, String)]
    ) async throws -> Int {
        let page = try await probe.send("GET", "/console/cases/\(id)", session)
        let fields = [
            "form_token": try #require(page.hiddenFields["form_token"]), "code": "false-positive", "reason": "不同业务",
            "claim:\(claims.first.code)/\(claims.first.claim(2))": "keep",
            "claim:\(claims.second.code)/\(claims.second.claim(3))": "keep",
        ]
        return try await probe.form("/console/cases/\(id)/ruling", fields, session).status
    }

    private struct Case: Decodable {
        struct Step: Decodable {
            let event: String
            let by: String?
        }
        let steps: [Step]

        /// Who did that, in order.
        func names(_ event: String) -> [String] { steps.filter { $0.event == event }.compactMap(\.by) }
    }

    private func show(_ id: String) async throws -> Case {
        try await federation.registry(["case", "show", id, "--json"]).json(Case.self)
    }

    @Test("an operator rules under the token's sub, and an auditor may not")
    func ruling() async throws {
        try await DisputedClaims.with(federation) { claims, _, _ in
            let id = try await claims.caseID(federation)
            try await served { probe in
                #expect(try await rule(probe, id, claims, try await signIn(probe, [:])) == 403)
                let session = try await signIn(probe, ["vf_role": "operator", "name": "王 伟\n"])
                #expect(try await rule(probe, id, claims, session) == 303)
            }
            // Proposed, where the other test's policy is in force.
            try await expectEventually {
                let shown = try await show(id)
                return shown.names("ruled") + shown.names("proposed") == ["u-17"]
            }
        }
    }

    @Test("somebody who goes by another name today is no second person")
    func secondPerson() async throws {
        try await federation.publishPolicy { policy in
            let cases = policy["cases"] as? [String: Any] ?? [:]
            policy["cases"] = cases.merging(["two_person_fen": 1]) { $1 }
        }
        try await DisputedClaims.with(federation) { claims, _, _ in
            let id = try await claims.caseID(federation)
            try await served { probe in
                func rule(as subject: String, _ name: String) async throws {
                    let session = try await signIn(
                        probe, ["vf_role": "operator", "sub": subject, "name": name])
                    #expect(try await self.rule(probe, id, claims, session) == 303)
                }
                try await rule(as: "u-17", "王伟")
                try await expectEventually { try await show(id).names("proposed").count == 1 }
                // A mark that joins the character before it.
                try await rule(as: "u-17", "\u{301}王大伟")
                try await expectEventually { try await show(id).names("proposed").count == 2 }
                try await rule(as: "u-18", "李娜")
                try await expectEventually { try await !show(id).names("ruled").isEmpty }
            }
            let shown = try await show(id)
            #expect(shown.names("proposed") == ["u-17", "u-17"])
            #expect(shown.names("ruled") == ["u-18"])
        }
    }

    @Test("a session ends with the token that began it")
    func expires() async throws {
        try await served { probe in
            func now() -> Int { Int(Date().timeIntervalSince1970) }
            let end = now() + 10
            let session = try await signIn(probe, ["exp": end])
            let before = try await probe.send("GET", "/console/cities", session)
            #expect(before.status == 200 || now() >= end)
            try await expectEventually {
                try await probe.send("GET", "/console/cities", session).status == 303
            }
            #expect(now() >= end)
        }
    }

    @Test("a session that was ended, and one at a server without this provider, shows nothing")
    func ended() async throws {
        try await served { probe in
            let (one, other) = (try await signIn(probe, [:]), try await signIn(probe, [:]))
            try await HTTPProbe.with(try federation.registryURL, authority: federation.authority) { first in
                let away = try await first.send("GET", "/console/cities", one)
                #expect(away.status == 303)
            }
            let page = try await probe.send("GET", "/console/cities", one)
            let form = ["form_token": try #require(page.hiddenFields["form_token"])]
            #expect(try await probe.form("/console/logout", form, one).status == 303)

            #expect(try await probe.send("GET", "/console/cities", one).status == 303)
            #expect(try await probe.send("GET", "/console/cities", other).status == 200)
        }
    }

    @Test(
        "a token that is not valid, or of nobody who may see the nation, opens nothing",
        arguments: [
            (["aud": "another"], 401), (["exp": "1000"], 401), (["sub": ""], 401), (["sub": "u\n17"], 401),
            (["vf_role": "city", "vf_city_code": "110000"], 401), (["vf_role": "root"], 403),
        ])
    func refused(changes: [String: String], status: Int) async throws {
        try await served { probe in
            let answer = try await probe.form("/console/login", ["token": try token(changes), "purpose": "x"])

            #expect(answer.status == status)
            #expect(answer.cookie == nil)
            #expect(answer.text.contains(#"<input id="token""#))
        }
    }

    @Test("while the provider's keys are not known the page says so, and what was typed is kept")
    func noKeys() async throws {
        try await FakeProvider.with([key], in: federation.freshPath("provider"), .isDown) { provider in
            let options = [
                "--embedded-postgres", federation.database, "--advertise", try federation.registryURL,
                "--oidc-issuer", provider.issuer, "--oidc-audience", "registry", "--oidc-trust", provider.authority,
            ]
            try await Daemon.with(.registry, options) { daemon in
                try await HTTPProbe.with(daemon.url, authority: federation.authority) { probe in
                    let token = try key.token(ProviderKey.claims(of: provider.issuer))
                    let kept = ["kept_path": "/console/policy/preview", "kept:document": "typed"]
                    let fields = kept.merging(["token": token]) { $1 }

                    let answer = try await probe.form("/console/login", fields, [("Accept-Language", "zh")])
                    #expect(answer.status == 503)
                    #expect(answer.text.contains("身份提供方尚未应答"))
                    #expect(answer.hiddenFields["kept:document"] == "typed")
                }
            }
        }
    }
}
