import FederationHTTP
import HTTPTypes
import Hummingbird
import Testing

@testable import WebConsole

@Suite("Sessions in the browser")
struct SessionKeeperTests {
    private let keeper = SessionKeeper(secret: [1, 2, 3], name: "session", isSecure: false)

    /// A request of a browser that was given a `Set-Cookie` field.
    private func request(_ cookie: String) -> Request {
        .form("/console/file", "", [.cookie: String(cookie.prefix { $0 != ";" })])
    }

    @Test("a session is read from its cookie as it was begun, until its time is over")
    func reads() throws {
        let (session, cookie) = try keeper.begin(tokenDigest: [4, 5], purpose: "年度审计", now: 1_000)
        let end = UInt64(1_000 + SessionKeeper.seconds * 1_000)

        #expect(session.tokenDigest == [4, 5])
        #expect(session.purpose == "年度审计")
        #expect(session.expiresAt == end)
        #expect(keeper.session(of: request(cookie), now: 1_000) == session)
        #expect(keeper.session(of: request(cookie), now: end - 1) == session)
        #expect(keeper.session(of: request(cookie), now: end) == nil)
    }

    @Test("a session that a provider's token began has whom that calls, and ends with the token at the latest")
    func account() throws {
        let account = ConsoleSession.Account(issuer: "https://id", subject: "u-17", label: "u-17 (王)", role: "auditor")
        let (session, cookie) = try keeper.begin(
            tokenDigest: [4], account: account, purpose: "年度审计", until: 61_999, now: 1_000)

        #expect(session.account == account)
        #expect(session.expiresAt == 61_999)
        #expect(cookie.hasSuffix("; Max-Age=60"))
        #expect(keeper.session(of: request(cookie), now: 61_998) == session)
        #expect(keeper.session(of: request(cookie), now: 61_999) == nil)
    }

    @Test("a session is no longer than a day's work, however long its token is good, and over where the token is")
    func bounds() throws {
        let longest = try keeper.begin(tokenDigest: [4], purpose: "", until: .max - 1, now: 1_000)
        #expect(longest.session.expiresAt == UInt64(1_000 + SessionKeeper.seconds * 1_000))
        let (_, late) = try keeper.begin(tokenDigest: [4], purpose: "", until: 999, now: 1_000)
        #expect(keeper.session(of: request(late), now: 1_000) == nil)
    }

    @Test("no two sessions of one token have a digest or a form's token in common")
    func apart() throws {
        let sessions = try (0..<3).map { _ in try keeper.begin(tokenDigest: [4], purpose: "", now: 0).session }

        #expect(Set(sessions.map(\.digest)).count == 3)
        #expect(sessions.allSatisfy { $0.digest.count == 32 })
        #expect(Set(sessions.map(\.formToken)).count == 3)
    }

    @Test("a cookie of another key is none")
    func otherKey() throws {
        let other = SessionKeeper(secret: [1, 2, 4], name: "session", isSecure: false)
        let (_, cookie) = try other.begin(tokenDigest: [4], purpose: "", now: 0)

        #expect(keeper.session(of: request(cookie), now: 0) == nil)
    }

    @Test(
        "what a browser says to come from this site does, and what comes from no browser",
        arguments: [
            [:], [.secFetchSite: "same-origin"], [.secFetchSite: "none"], [.origin: "http://127.0.0.1:8441"],
            [.secFetchSite: "same-origin", .origin: "http://127.0.0.1:8441"],
        ] as [HTTPFields])
    func ownSite(headers: HTTPFields) {
        #expect(throws: Never.self) { try SessionKeeper.requireOwnSite(.form("/console/file", "", headers)) }
    }

    @Test(
        "what a browser says to come from elsewhere, or will not say, does not",
        arguments: [
            [.secFetchSite: "cross-site"], [.secFetchSite: "same-site"], [.secFetchSite: ""],
            [.origin: "http://evil.example"], [.origin: "http://127.0.0.1:8442"], [.origin: "http://127.0.0.1"],
            [.origin: "null"], [.origin: ""], [.secFetchSite: "cross-site", .origin: "http://127.0.0.1:8441"],
        ] as [HTTPFields])
    func otherSite(headers: HTTPFields) {
        #expect(throws: Problem.self) { try SessionKeeper.requireOwnSite(.form("/console/file", "", headers)) }
    }
}
