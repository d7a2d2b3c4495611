import FederationHTTP
import Foundation
import HTTPTypes
import Hummingbird
import PostgresClient
import RegistryStore
import Replication
import Synchronization
import VoucherDomain
import WebConsole

/// The registry's console in the browser, for operators and auditors.
///
/// A page reads through the same questions as the API. What is written goes through the store's acts, as from the command
/// line, and is signed with the label of the person's token.
struct ConsoleRoutes: Sendable {
    /// For sessions, notes and acts.
    let acts: RegistryStore
    /// For what is shown.
    let store: RegistryStore
    let bell: Bell
    let pages: ConsolePages
    let sessions: SessionKeeper
    let figures: FigureCache
    let previews: PreviewDesk
    let tls: TLSDates
    let asked: AskedQuestions
    private let refusals = RefusedLogins()

    init(
        store: RegistryStore, questions: RegistryStore, bell: Bell, tls: TLSDates
    ) throws {
        acts = store
        self.store = questions
        self.bell = bell
        self.tls = tls
        pages = try ConsolePages(
            templates: ConsoleRoutes.templates, phrases: [PackageResources.registry_phrases_json],
            navigation: ConsoleRoutes.navigation)
        sessions = SessionKeeper(
            secret: store.secrets.detailMaster, name: "registry-session", isSecure: true)
        figures = FigureCache(store: questions)
        previews = PreviewDesk(store: questions) { bell.ring() }
        asked = AskedQuestions()
    }

    /// The most bytes that a form has: one with a policy.
    static let maximumForm = 2 << 20

    var queries: RegistryQueries { RegistryQueries(store: store) }

    static let navigation = [
        ("overview", "/console"), ("cities", "/console/cities"), ("claims", "/console/claims"),
        ("duplicates", "/console/duplicates"), ("cases", "/console/cases"), ("policy", "/console/policy"),
        ("reports", "/console/reports"),
    ].map { (key: $0.0, path: $0.1) }

    static let templates: [String: [UInt8]] = [
        "overview": PackageResources.overview_mustache, "cities": PackageResources.cities_mustache,
        "claims": PackageResources.claims_mustache, "claim": PackageResources.claim_mustache,
        "duplicates": PackageResources.duplicates_mustache, "cases": PackageResources.cases_mustache,
        "case": PackageResources.case_mustache, "policy": PackageResources.policy_mustache,
        "reports": PackageResources.reports_mustache, "report": PackageResources.report_mustache,
        "recovery": PackageResources.recovery_mustache, "audit": PackageResources.audit_mustache,
        "chart": PackageResources.chart_mustache,
    ]

    /// Somebody who looks at a page.
    struct Visit: Sendable {
        let session: ConsoleSession
        let caller: RegistryStore.Caller
        let frame: ConsolePages.Frame

        var language: Language { frame.language }
        var isOperator: Bool { caller.role == .operator }
    }

    func add(to router: Router<BasicRequestContext>) {
        pages.addEntrance(to: router, asksPurpose: true, isSecure: true)
        addSessions(to: router)
        let group = router.group("console")
        group.get("") { request, _ in try await page(request) { try await overview($0) } }
        group.get("cities") { request, _ in try await page(request) { try await cities($0) } }
        group.get("claims") { request, _ in try await page(request) { try await claims(request, $0) } }
        group.get("claims/{city_code}/{claim_no}") { request, context in
            let city = try context.parameters.require("city_code")
            let number = try context.parameters.require("claim_no").removingPercentEncoding ?? ""
            return try await page(request) { try await claim("\(city)/\(number)", request, $0) }
        }
        group.get("duplicates") { request, _ in try await page(request) { try await duplicates(request, $0) } }
        addCases(to: group)
        addPolicy(to: group)
        addReports(to: group)
        group.get("recovery") { request, _ in try await page(request) { try await recovery($0) } }
        group.get("stream") { request, _ in try await page(request, isLogged: false) { _ in stream } }
    }

    /// Tells pages that the feed has grown, or a preview has gone on; what they show of it they find out themselves.
    private var stream: Response {
        let (routes, bell) = (self, bell)
        // Taken before the look, so that what rings in between is not missed.
        let heard = Mutex(bell.generation)
        return EventStream.response(
            of: {
                heard.withLock { $0 = bell.generation }
                return await routes.mark(try await routes.acts.feedHead())
            },
            wait: { limit in await bell.wait(after: heard.withLock { $0 }, atMost: limit) },
            isOver: { bell.isClosed })
    }

    private func mark(_ head: FeedHead) async -> UInt64 { head.position &* 1_000_003 &+ (await previews.version) }

    // MARK: Sessions

    private func addSessions(to router: Router<BasicRequestContext>) {
        let group = router.group("console")
        group.post("login") { request, _ in try await shown(request, session: nil) { try await login(request) } }
        group.post("logout") { request, _ in
            try await shown(request, session: nil) {
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
        func fault(_ key: String) throws -> Response {
            try pages.login(
                frame, next: next, asksPurpose: true, kept: kept,
                fault: pages.phrases.text(key, in: frame.language))
        }
        guard let token = form.text("token"), let caller = try await acts.caller(token: token, now: WallClock.now),
            caller.role != .city
        else {
            if let count = refusals.count(now: WallClock.now) {
                try await acts.note(
                    actor: "unknown", action: "console login refused", detail: "\(count) since the last note",
                    now: WallClock.now)
            }
            return try fault("loginFault")
        }
        let purpose = form.text("purpose").map { String($0.prefix(200)) } ?? caller.purpose
        if caller.role == .auditor, purpose.isEmpty { return try fault("purposeFault") }
        try await acts.note(
            actor: "\(caller.role.rawValue) \(caller.label)", action: "console login", detail: "", purpose: purpose,
            now: WallClock.now)
        let (session, cookie) = try sessions.begin(
            tokenDigest: RegistryStore.digest(ofToken: token), purpose: purpose, now: WallClock.now)
        return try pages.signedIn(
            ConsolePages.Frame(request, session: session, person: caller.label), next: next, kept: kept, cookie: cookie)
    }

    // MARK: Pages

    /// Shows a page to whoever has a session; everybody else is asked for a token first.
    func page(
        _ request: Request, isLogged: Bool = true, _ body: (Visit) async throws -> Response
    ) async throws -> Response {
        let session = sessions.session(of: request, now: WallClock.now)
        return try await shown(request, session: session) {
            guard let visit = try await visit(request, session) else {
                return ConsolePages.redirect(to: "/console/login?next=\(ConsolePages.encoded(request.uri.string))")
            }
            if isLogged { try await log(request, visit) }
            return try await body(visit)
        }
    }

    /// Takes a form of the console's own from somebody who may act; one without a session is kept until its sender has
    /// signed in again.
    func act(
        _ request: Request, upTo limit: Int = 64 << 10,
        _ body: (ConsoleForm, Visit) async throws -> Response
    ) async throws -> Response {
        let session = sessions.session(of: request, now: WallClock.now)
        return try await shown(request, session: session) {
            guard let visit = try await visit(request, session) else {
                return try await pages.login(keeping: request, upTo: limit, asksPurpose: true)
            }
            let form = try await ConsoleForm(request, upTo: limit)
            try CallerGate.require([.operator], visit.caller)
            if let page = try pages.confirmation(of: form, request, visit.session, sessions, visit.frame) {
                return page
            }
            return try await body(form, visit)
        }
    }

    private func visit(_ request: Request, _ session: ConsoleSession?) async throws -> Visit? {
        guard let session,
            let caller = try await acts.caller(
                tokenDigest: session.tokenDigest, sessionDigest: session.digest, now: WallClock.now),
            caller.role != .city
        else { return nil }
        var frame = ConsolePages.Frame(request, session: session, person: caller.label)
        let (head, isRecovering) = try await acts.standing()
        frame.mark = await mark(head)
        if isRecovering {
            frame.banner = pages.phrases.text("recoveryBanner", in: frame.language)
        }
        return Visit(session: session, caller: caller, frame: frame)
    }

    /// Runs a handler; what goes wrong is shown as a page.
    private func shown(
        _ request: Request, session: ConsoleSession?, _ body: () async throws -> Response
    ) async throws -> Response {
        do {
            return try await guarded(body)
        } catch let problem as Problem {
            return try pages.page(problem, ConsolePages.Frame(request, session: session, person: ""))
        }
    }

    /// Writes an auditor's question down. A page that refreshes itself is written down when it was opened, and once an hour.
    private func log(_ request: Request, _ visit: Visit) async throws {
        guard visit.caller.role == .auditor else { return }
        let question = visit.session.formToken + request.uri.string
        if request.headers[.refresh] != nil, asked.contains(question, now: WallClock.now) { return }
        try await acts.note(
            actor: "auditor \(visit.caller.label)", action: "query", detail: request.uri.string,
            purpose: visit.session.purpose, now: WallClock.now)
        asked.add(question, now: WallClock.now)
    }

    func text(_ key: String, _ visit: Visit) -> String { pages.phrases.text(key, in: visit.language) }

    func said(_ message: String, _ visit: Visit) -> String { pages.said(message, in: visit.language) }
}

/// The questions of the last hour that were written down.
final class AskedQuestions: Sendable {
    private let known = Mutex<[String: UInt64]>([:])
    private static let milliseconds: UInt64 = 3_600_000
    private static let most = 10_000

    func contains(_ question: String, now: UInt64) -> Bool {
        known.withLock { ($0[question] ?? 0) + AskedQuestions.milliseconds > now }
    }

    func add(_ question: String, now: UInt64) {
        known.withLock { known in
            // Whoever is forgotten is written down once more.
            if known.count >= AskedQuestions.most { known = [:] }
            known[question] = now
        }
    }
}

/// Sign-ins that were refused: anybody can cause them, so they are noted together.
private final class RefusedLogins: Sendable {
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

extension HTTPField.Name {
    /// What the script sends when a page looks again by itself.
    static let refresh = HTTPField.Name("X-Refresh").unsafelyUnwrapped
}
