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
/// line, and is signed as ``Visit/signature`` says.
struct ConsoleRoutes: Sendable {
    /// For sessions, notes and acts.
    let acts: RegistryStore
    /// For what is shown.
    let desk: QuestionDesk
    /// The questions of the page that is being made, all at one database.
    private(set) var queries: RegistryQueries
    /// Rings when what is shown has grown.
    let bell: Bell
    let pages: ConsolePages
    let sessions: SessionKeeper
    let figures: FigureCache
    let previews: PreviewDesk
    let tls: TLSDates
    let asked: AskedQuestions
    /// `nil` where no identity provider is configured.
    let identityProvider: IdentityProvider?
    /// `nil` where nobody can sign in with the provider itself.
    let door: ProviderDoor?
    let refusals = RefusedLogins()

    init(
        store: RegistryStore, desk: QuestionDesk, bell: Bell, tls: TLSDates, identityProvider: IdentityProvider?,
        door: ProviderDoor?
    ) throws {
        acts = store
        self.desk = desk
        queries = RegistryQueries(store: desk.primary)
        self.bell = bell
        self.tls = tls
        pages = try ConsolePages(
            templates: ConsoleRoutes.templates, phrases: ConsoleRoutes.phrases,
            navigation: ConsoleRoutes.navigation,
            loginHelp: identityProvider == nil ? "loginHelp" : "loginHelpProvider",
            providerPath: door == nil ? nil : ProviderDoor.path)
        sessions = SessionKeeper(
            secret: store.secrets.detailMaster, name: "registry-session", isSecure: true)
        figures = FigureCache(desk)
        previews = PreviewDesk(desk) { bell.ring() }
        asked = AskedQuestions()
        self.identityProvider = identityProvider
        self.door = door
    }

    /// The most bytes that a form has: one with a policy.
    static let maximumForm = 2 << 20

    var store: RegistryStore { queries.store }

    /// What the link to the next page says of this one: how far its database had come.
    var seen: String { "\(queries.seen?.position ?? 0)" }

    static let navigation = [
        ("overview", "/console"), ("cities", "/console/cities"), ("claims", "/console/claims"),
        ("duplicates", "/console/duplicates"), ("cases", "/console/cases"), ("policy", "/console/policy"),
        ("reports", "/console/reports"),
    ].map { (key: $0.0, path: $0.1) }

    /// The files of this console's own words.
    static let phrases = [PackageResources.registry_phrases_json]

    static let templates: [String: [UInt8]] = [
        "overview": PackageResources.overview_mustache, "cities": PackageResources.cities_mustache,
        "claims": PackageResources.claims_mustache, "claim": PackageResources.claim_mustache,
        "duplicates": PackageResources.duplicates_mustache, "cases": PackageResources.cases_mustache,
        "case": PackageResources.case_mustache, "policy": PackageResources.policy_mustache,
        "reports": PackageResources.reports_mustache, "report": PackageResources.report_mustache,
        "recovery": PackageResources.recovery_mustache, "audit": PackageResources.audit_mustache,
        "chart": PackageResources.chart_mustache, "past": PackageResources.past_mustache,
    ]

    /// Somebody who looks at a page.
    struct Visit: Sendable {
        let session: ConsoleSession
        let caller: RegistryStore.Caller
        var frame: ConsolePages.Frame

        var language: Language { frame.language }
        var isOperator: Bool { caller.role == .operator }

        /// What whoever looks signs with: of an identity provider's people its own word for them alone, since the name beside
        /// it may be another one in their next token, and a second signature is another person's.
        var signature: String { session.account?.subject ?? caller.label }
    }

    func add(to router: Router<BasicRequestContext>) {
        pages.addEntrance(to: router, asksPurpose: true, isSecure: true)
        addSessions(to: router)
        if let door { add(door, to: router) }
        let group = router.group("console")
        group.get("") { request, _ in try await page(request) { try await $0.overview($1) } }
        group.get("cities") { request, _ in try await page(request) { try await $0.cities($1) } }
        group.get("claims") { request, _ in try await page(request) { try await $0.claims(request, $1) } }
        group.get("claims/{city_code}/{claim_no}") { request, context in
            let city = try context.parameters.require("city_code")
            let number = try context.parameters.require("claim_no").removingPercentEncoding ?? ""
            return try await page(request) { try await $0.claim("\(city)/\(number)", request, $1) }
        }
        group.get("duplicates") { request, _ in try await page(request) { try await $0.duplicates(request, $1) } }
        addCases(to: group)
        addPolicy(to: group)
        addReports(to: group)
        group.get("recovery") { request, _ in try await page(request) { try await $0.recovery($1) } }
        group.get("stream") { request, _ in try await page(request, isLogged: false) { routes, _ in routes.stream } }
    }

    /// Tells pages that the feed has grown, or a preview has gone on; what they show of it they find out themselves.
    private var stream: Response {
        let (routes, bell) = (self, bell)
        // Taken before the look, so that what rings in between is not missed.
        let heard = Mutex(bell.generation)
        return EventStream.response(
            of: {
                heard.withLock { $0 = bell.generation }
                return await routes.mark(try await routes.desk.ask { $0.seen })
            },
            wait: { limit in await bell.wait(after: heard.withLock { $0 }, atMost: limit) },
            isOver: { bell.isClosed })
    }

    /// - Parameter seen: The feed's end at the database that is asked.
    private func mark(_ seen: FeedHead?) async -> UInt64 {
        (seen?.position ?? 0) &* 1_000_003 &+ (await previews.version)
    }

    // MARK: Pages

    /// Shows a page to whoever has a session; everybody else is asked for a token first.
    ///
    /// - Parameters:
    ///   - ofPrimary: Whether it is of what only the primary has as of now.
    ///   - body: Makes the page with routes that ask one database.
    func page(
        _ request: Request, isLogged: Bool = true, ofPrimary: Bool = false,
        _ body: (ConsoleRoutes, Visit) async throws -> Response
    ) async throws -> Response {
        let session = sessions.session(of: request, now: WallClock.now)
        return try await shown(request, session: session) { frame in
            guard let visit = try await visit(request, session) else {
                return ConsolePages.redirect(to: "/console/login?next=\(ConsolePages.encoded(request.uri.string))")
            }
            frame = visit.frame
            if isLogged { try await log(request, visit) }
            return try await desk.answer(ofPrimary: ofPrimary) { queries in
                var (routes, visit) = (self, visit)
                routes.queries = queries
                visit.frame.mark = await mark(queries.seen)
                return try await body(routes, visit)
            }
        }
    }

    /// Takes a form of the console's own from somebody who may act; one without a session is kept until its sender has
    /// signed in again.
    func act(
        _ request: Request, upTo limit: Int = 64 << 10,
        _ body: (ConsoleForm, Visit) async throws -> Response
    ) async throws -> Response {
        let session = sessions.session(of: request, now: WallClock.now)
        return try await shown(request, session: session) { frame in
            guard let visit = try await visit(request, session) else {
                return try await pages.login(keeping: request, upTo: limit, asksPurpose: true)
            }
            frame = visit.frame
            let form = try await ConsoleForm(request, upTo: limit)
            try CallerGate.require([.operator], visit.caller)
            if let page = try pages.confirmation(of: form, request, visit.session, sessions, visit.frame) {
                return page
            }
            return try await body(form, visit)
        }
    }

    /// Runs a handler; what goes wrong is shown as a page.
    ///
    /// - Parameter body: Puts the frame of whoever looks into the place of the one that it is given, once it knows them.
    func shown(
        _ request: Request, session: ConsoleSession?, _ body: (inout ConsolePages.Frame) async throws -> Response
    ) async throws -> Response {
        var frame = ConsolePages.Frame(request, session: session, person: "")
        do {
            return try await guarded { try await body(&frame) }
        } catch let problem as Problem {
            return try pages.page(problem, frame)
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

    func ruleName(_ id: String, _ visit: Visit) -> String { pages.phrases.ruleName(id, in: visit.language) }

    func ruleNames(_ ids: [String], _ visit: Visit) -> String {
        ids.map { ruleName($0, visit) }.joined(separator: " · ")
    }

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

extension HTTPField.Name {
    /// What the script sends when a page looks again by itself.
    static let refresh = HTTPField.Name("X-Refresh").unsafelyUnwrapped
}
