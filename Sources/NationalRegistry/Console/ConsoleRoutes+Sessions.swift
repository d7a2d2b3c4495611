import FederationHTTP
import Foundation
import HTTPTypes
import Hummingbird
import RegistryStore
import Synchronization
import WebConsole

/// Who opens the console, by what, and for how long.
extension ConsoleRoutes {
    /// Somebody whom a token calls.
    struct Person {
        let caller: RegistryStore.Caller
        /// What the session keeps of an identity provider's token.
        var account: ConsoleSession.Account?
        /// When the token ends, milliseconds since 1970; one of the registry's own is looked at each time.
        var until = UInt64.max
    }

    /// Why somebody is not let in, in the language of the page.
    struct NotAdmitted: Error {
        let fault: String
        var status = HTTPResponse.Status.unauthorized
        /// What they need not give once more: only an auditor's purpose is missing.
        var token: String?
    }

    /// How long a provider's word for somebody counts without being asked for again, in milliseconds: it cannot be taken back.
    private static let longestWord: UInt64 = 3_600_000

    func addSessions(to router: Router<BasicRequestContext>) {
        let group = router.group("console")
        group.post("login") { request, _ in try await shown(request, session: nil) { _ in try await login(request) } }
        group.post("logout") { request, _ in
            try await shown(request, session: nil) { _ in
                if let session = sessions.session(of: request, now: WallClock.now) {
                    try sessions.requireOwn(request, session, token: try await ConsoleForm(request).text("form_token"))
                    try await acts.endSession(session.digest, expiresAt: session.expiresAt, now: WallClock.now)
                }
                return ConsolePages.redirect(to: "/console/login", cookie: sessions.end)
            }
        }
    }

    private func login(_ request: Request) async throws -> Response {
        try SessionKeeper.requireOwnSite(request)
        let form = try await ConsoleForm(request, upTo: ConsoleRoutes.maximumForm + KeptForm.overhead)
        let frame = ConsolePages.Frame(request, session: nil, person: "")
        let next = form.text("next") ?? "/console"
        let kept = KeptForm(in: form)
        if let kept, form.text("act") == "goOn" { return try await goOn(request, kept) }
        do {
            let (session, person, cookie) = try await admit(
                form.text("token") ?? "", purpose: form.text("purpose"), in: frame.language
            ) { try await self.person(calledBy: $0) }
            return try pages.signedIn(
                ConsolePages.Frame(request, session: session, person: person), next: next, kept: kept, cookie: cookie)
        } catch let refusal as NotAdmitted {
            return try pages.login(
                frame, next: next, asksPurpose: true, token: refusal.token, kept: kept, fault: refusal.fault,
                status: refusal.status)
        }
    }

    /// Shows what was typed before to whoever has signed in meanwhile in another window.
    private func goOn(_ request: Request, _ kept: KeptForm) async throws -> Response {
        let session = sessions.session(of: request, now: WallClock.now)
        guard let visit = try await visit(request, session) else {
            let frame = ConsolePages.Frame(request, session: nil, person: "")
            return try pages.login(
                frame, next: "/console", asksPurpose: true, kept: kept,
                fault: pages.phrases.text("sessionOverKept", in: frame.language))
        }
        return try pages.signedIn(visit.frame, next: "/console", kept: kept, cookie: nil)
    }

    /// Begins the session of whomever a token calls, and writes it down.
    ///
    /// - Parameters:
    ///   - purpose: What an auditor says it is for; `nil` takes what the token says.
    ///   - find: Finds out whom the token calls; `nil` when it is not valid.
    /// - Returns: The session, what the person is called, and the `Set-Cookie` field.
    /// - Throws: ``NotAdmitted``, and what the store throws.
    func admit(
        _ token: String, purpose: String?, in language: Language, _ find: (String) async throws -> Person?
    ) async throws -> (session: ConsoleSession, person: String, cookie: String) {
        let found: Person?
        do {
            found = try await find(token)
        } catch let problem as Problem {
            if problem.status == .forbidden { try await noteRefusal() }
            throw NotAdmitted(fault: pages.said(problem.detail, in: language), status: problem.status)
        }
        guard let person = found, person.caller.role != .city else {
            try await noteRefusal()
            throw NotAdmitted(fault: pages.phrases.text("loginFault", in: language))
        }
        let purpose = String((purpose ?? person.caller.purpose).prefix(200))
        if person.caller.role == .auditor, purpose.isEmpty {
            // A provider's token is nothing that one types once more.
            throw NotAdmitted(
                fault: pages.phrases.text("purposeFault", in: language), token: person.account == nil ? nil : token)
        }
        try await acts.note(
            actor: "\(person.caller.role.rawValue) \(person.caller.label)", action: "console login", detail: "",
            purpose: purpose, now: WallClock.now)
        let (session, cookie) = try sessions.begin(
            tokenDigest: RegistryStore.digest(ofToken: token), account: person.account, purpose: purpose,
            until: person.until, now: WallClock.now)
        return (session, person.caller.label, cookie)
    }

    /// Whom a token calls that somebody signs in with; `nil` when it is not valid.
    ///
    /// - Throws: ``Problem`` when an identity provider's token is good and names no role, or nobody knows yet whether it is.
    private func person(calledBy token: String) async throws -> Person? {
        guard IdentityProvider.isWebToken(token) else {
            return try await acts.caller(token: token, now: WallClock.now).map { Person(caller: $0) }
        }
        return try await person(vouchedForBy: token)
    }

    /// Whom an identity provider's token calls.
    ///
    /// - Parameter nonce: What it must come back with, where it was asked for just now.
    func person(vouchedForBy token: String, nonce: String? = nil) async throws -> Person? {
        guard let identityProvider else { return nil }
        do {
            let identity = try await identityProvider.person(token: token, nonce: nonce)
            let account = ConsoleSession.Account(
                issuer: identityProvider.issuer, subject: identity.subject, label: identity.caller.label,
                role: identity.caller.role.rawValue)
            return Person(
                caller: identity.caller, account: account,
                until: min(identity.until, WallClock.now + ConsoleRoutes.longestWord))
        } catch let problem as Problem where problem.status == .unauthorized { return nil }
    }

    /// Writes down that sign-ins were refused, once a minute.
    private func noteRefusal() async throws {
        guard let count = refusals.count(now: WallClock.now) else { return }
        try await acts.note(
            actor: "unknown", action: "console login refused", detail: "\(count) since the last note",
            now: WallClock.now)
    }

    /// Whoever looks at a page; `nil` where their session, or what it was begun with, is over.
    func visit(_ request: Request, _ session: ConsoleSession?) async throws -> Visit? {
        guard let session, let caller = try await caller(of: session), caller.role != .city else { return nil }
        var frame = ConsolePages.Frame(request, session: session, person: caller.label)
        if try await acts.isRecovering() {
            frame.banner = pages.phrases.text("recoveryBanner", in: frame.language)
        }
        return Visit(session: session, caller: caller, frame: frame)
    }

    private func caller(of session: ConsoleSession) async throws -> RegistryStore.Caller? {
        guard let account = session.account else {
            return try await acts.caller(
                tokenDigest: session.tokenDigest, sessionDigest: session.digest, now: WallClock.now)
        }
        // As long as this server believes the provider.
        guard account.issuer == identityProvider?.issuer, let role = RegistryStore.Role(rawValue: account.role),
            try await !acts.isSessionEnded(session.digest)
        else { return nil }
        return RegistryStore.Caller(role: role, label: account.label, purpose: session.purpose)
    }
}

/// Sign-ins that were refused: anybody can cause them, so they are noted together.
final class RefusedLogins: Sendable {
    private let state = Mutex((count: 0, notedAt: UInt64(0)))
    private static let milliseconds: UInt64 = 60_000

    /// Counts one.
    ///
    /// - Returns: How many there were since the last note, when it is time for one.
    func count(now: UInt64) -> Int? {
        state.withLock { state in
            state.count += 1
            guard now >= state.notedAt + RefusedLogins.milliseconds else { return nil }
            defer { state = (0, now) }
            return state.count
        }
    }
}
