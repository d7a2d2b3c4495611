import FederationHTTP
import HTTPTypes
import Hummingbird
import Testing

@testable import WebConsole

@Suite("Forms that came without a session")
struct KeptFormTests {
    private let pages: ConsolePages
    private let limit = 64 << 10

    init() throws { pages = try ConsolePages(templates: [:], phrases: [], navigation: []) }

    private func keep(_ body: String, sentTo path: String = "/console/file") async throws -> KeptForm? {
        KeptForm(try await ConsoleForm(.form(path, body)), sentTo: path)
    }

    /// What a login brings along, beside a token.
    private func broughtAlong(_ fields: [(name: String, value: String)]) async throws -> KeptForm? {
        KeptForm(in: try await ConsoleForm(.form("/console/login", fields: fields + [("token", "secret")])))
    }

    @Test("all that was typed comes along to the login, in its order; tokens, the purpose and empty fields do not")
    func fields() async throws {
        let kept = try #require(
            try await keep(
                "form_token=f&claim_no=A%2F1&reason=%E4%B8%80%0D%0Aa+%26+%22b%22&empty=&token=t&purpose=p"
                    + "&claim%3A110000%2FA=keep&kept%3Ax=1&claim_no=A%2F2"))

        #expect(
            kept.fields.map { "\($0.name)=\($0.value)" } == [
                "claim_no=A/1", "reason=一\r\na & \"b\"", "claim:110000/A=keep", "kept:x=1", "claim_no=A/2",
            ])
        let hidden = kept.hidden.map { (name: $0["name"] ?? "", value: $0["value"] ?? "") }
        #expect(try await broughtAlong(hidden) == kept)
    }

    @Test("what a login says to have been typed is none of its own fields")
    func secrets() async throws {
        let kept = try await broughtAlong([
            ("kept_path", "/console/file"), ("kept:form_token", "f"), ("kept:token", "t"), ("kept:purpose", "p"),
            ("kept:", "x"), ("next", "/console"), ("claim_no", "A"), ("kept:reason", "r"),
        ])

        #expect(kept?.fields == [KeptForm.Field(name: "reason", value: "r")])
    }

    @Test("a form of which nothing was typed, or of more fields than one has, is not kept")
    func nothing() async throws {
        #expect(try await keep("form_token=f&empty=") == nil)
        let many = (0..<1_000).map { "f\($0)=1" }.joined(separator: "&")
        #expect(try await keep(many)?.fields.count == 1_000)
        #expect(try await keep(many + "&g=1") == nil)
    }

    @Test(
        "a path of this console is sent to",
        arguments: [
            "/console/file", "/console/claims/A%2F1/withdrawal", "/console/cases/K7M2P-Q/ruling", "/console/a..b/%25",
        ])
    func ownPath(path: String) async throws {
        #expect(try await broughtAlong([("kept_path", path), ("kept:a", "1")])?.path == path)
    }

    @Test(
        "no other path is sent to",
        arguments: [
            "", "/", "/console", "/console/", "/consoles/file", "/v1/claims", "console/file",
            "//evil.example/console/file", "/console//evil.example", "https://evil.example/console/file",
            "javascript:alert(1)", "/console/../v1/claims", "/console/%2e%2E/v1/claims", "/console/./file",
            "/console/file/", "/console/file?a=b", "/console/file#a", "/console\\file", "/console/\\evil.example",
            "/console/a b", "/console/\tfile", "/console/\r\nfile", "/console/%", "/console/文",
        ])
    func otherPath(path: String) async throws {
        #expect(try await broughtAlong([("kept_path", path), ("kept:a", "1")]) == nil)
    }

    @Test("the answer asks for a token, says why, and has what was typed as text, whatever it says")
    func login() async throws {
        let typed = "reason=%22%3E%3Cscript%3E%27%26&form_token=secret"
        let answer = try await pages.login(
            keeping: .form("/console/cases/K/answer?x", typed, [.acceptLanguage: "en"]), upTo: limit,
            asksPurpose: false)

        #expect(answer.status == .unauthorized)
        let page = try await answer.text()
        #expect(page.contains(#"<input type="hidden" name="kept_path" value="/console/cases/K/answer">"#))
        #expect(
            page.contains(#"<input type="hidden" name="kept:reason" value="&quot;&gt;&lt;script&gt;&#39;&amp;">"#))
        #expect(page.contains("What you typed is kept"))
        #expect(page.contains(#"<input id="token""#))
        #expect(!page.contains("secret"))
        // It would lead to a page without what was typed.
        #expect(!page.contains("/console/language"))
    }

    @Test("a login that was refused has what was typed still")
    func refusedLogin() async throws {
        let kept = try await keep("reason=typed")
        let frame = ConsolePages.Frame(.form("/console/login"), session: nil, person: "")
        let answer = try pages.login(frame, next: "/console", asksPurpose: true, kept: kept, fault: "no")

        #expect(answer.status == .unauthorized)
        let page = try await answer.text()
        #expect(page.contains(#"name="kept:reason" value="typed""#))
        #expect(page.contains(#"name="kept_path" value="/console/file""#))
    }

    @Test(
        "nothing is kept of what another site sent, or of more than a form has",
        arguments: [[.secFetchSite: "cross-site"], [.origin: "null"], [.contentLength: "65537"]] as [HTTPFields])
    func refused(headers: HTTPFields) async throws {
        await #expect(throws: Problem.self) {
            try await pages.login(
                keeping: .form("/console/file", "reason=typed", headers), upTo: limit, asksPurpose: false)
        }
    }

    @Test("whoever has signed in sees all that was typed, and sends it by a form of the new session")
    func confirmation() async throws {
        let keeper = SessionKeeper(secret: [1], name: "session", isSecure: false)
        let (session, cookie) = try keeper.begin(tokenDigest: [2], purpose: "", now: 0)
        let frame = ConsolePages.Frame(
            .form("/console/login", "", [.acceptLanguage: "en"]), session: session, person: "")
        let kept = try await keep("claim_no=A%3C1&odd+name=line%0D%0Aline")

        let answer = try pages.signedIn(frame, next: "/console/claims", kept: kept, cookie: cookie)

        #expect(answer.status == .ok)
        #expect(answer.headers[.setCookie] == cookie)
        #expect(answer.headers[.cacheControl] == "no-store")
        let page = try await answer.text()
        #expect(page.contains(#"<th scope="row">Claim number</th><td class="typed">A&lt;1</td>"#))
        #expect(page.contains("<th scope=\"row\">odd name</th><td class=\"typed\">line\r\nline</td>"))
        #expect(page.contains(#"<form method="post" action="/console/file">"#))
        #expect(page.contains(#"<input type="hidden" name="form_token" value="\#(session.formToken)">"#))
        #expect(page.contains(#"<input type="hidden" name="claim_no" value="A&lt;1">"#))
        #expect(page.contains("<input type=\"hidden\" name=\"odd name\" value=\"line\r\nline\">"))
        // It does not look again by itself, and a script of its own it has none.
        #expect(!page.contains("data-stream"))
        #expect(page.matches(of: /<script/).count == 1)
    }

    @Test("whoever has typed nothing goes to the page that was asked for")
    func signedIn() throws {
        let keeper = SessionKeeper(secret: [1], name: "session", isSecure: false)
        let (session, cookie) = try keeper.begin(tokenDigest: [2], purpose: "", now: 0)
        let frame = ConsolePages.Frame(.form("/console/login"), session: session, person: "")

        let answer = try pages.signedIn(frame, next: "/console/claims", kept: nil, cookie: cookie)

        #expect(answer.status == .seeOther)
        #expect(answer.headers[.location] == "/console/claims")
        #expect(answer.headers[.setCookie] == cookie)
    }
}
