import Arbitration
import CityStore
import Crypto
import FederationHTTP
import FederationWire
import Foundation
import HTTPTypes
import Hummingbird
import ServiceLifecycle
import Synchronization
import VoucherDomain
import WebConsole

/// The city officer's console in the browser.
///
/// It reads the store, and writes through the same door as the API and the commands: the same checks, the same refusals.
struct NodeConsole: Sendable {
    let routes: NodeRoutes
    /// Where files that are being imported lie until they are read.
    let directory: String
    let pages: ConsolePages
    let sessions: SessionKeeper
    /// What a session is bound to; another token ends it.
    private let tokenDigest: [UInt8]
    private let ended = EndedSessions()
    let totals = TotalsCache()
    let exports = BankExports()

    /// The most bytes that a form has.
    private static let maximumForm = 256 << 10

    var store: CityStore { routes.store }

    init(routes: NodeRoutes, pages: ConsolePages, token: String, directory: String) {
        self.routes = routes
        self.pages = pages
        self.directory = directory
        NodeConsole.removeLeftImports(in: directory)
        tokenDigest = Array(SHA256.hash(data: Array(token.utf8)))
        sessions = SessionKeeper(
            // Of this process alone: whoever takes the port after it gains nothing by the cookies that browsers send.
            secret: Array(token.utf8) + SymmetricKey(size: .bits256).withUnsafeBytes(Array.init),
            name: "city-session-\(routes.identity.city)", isSecure: false)
    }

    /// The templates and words, read once.
    static func makePages() throws -> ConsolePages {
        try ConsolePages(
            templates: [
                "desk": PackageResources.desk_mustache, "claims": PackageResources.claims_mustache,
                "claim": PackageResources.claim_mustache, "file": PackageResources.file_mustache,
                "import": PackageResources.import_mustache, "imported": PackageResources.imported_mustache,
                "cases": PackageResources.cases_mustache, "case": PackageResources.case_mustache,
                "payments": PackageResources.payments_mustache, "exported": PackageResources.exported_mustache,
                "payment": PackageResources.payment_mustache, "entry": PackageResources.entry_mustache,
                "redletters": PackageResources.redletters_mustache, "vouchers": PackageResources.vouchers_mustache,
                "reconciliation": PackageResources.reconciliation_mustache,
            ], phrases: [PackageResources.city_phrases_json],
            navigation: [
                ("desk", "/console"), ("claims", "/console/claims"), ("fileClaim", "/console/file"),
                ("importFile", "/console/import"), ("vouchers", "/console/vouchers"), ("cases", "/console/cases"),
                ("payments", "/console/payments"), ("reconciliation", "/console/reconciliation"),
            ].map { (key: $0.0, path: $0.1) })
    }

    /// An officer who looks at a page.
    struct Visit: Sendable {
        let session: ConsoleSession
        let frame: ConsolePages.Frame

        var language: Language { frame.language }
    }

    func add(to router: Router<NodeContext>) {
        pages.addEntrance(to: router, asksPurpose: false, isSecure: false)
        addSessions(to: router)
        let group = router.group("console")
        group.get("") { request, _ in try await page(request) { try desk($0) } }
        group.get("stream") { request, _ in try await page(request) { _ in stream } }
        addClaims(to: group)
        addImports(to: group)
        addCases(to: group)
        addPayments(to: group)
        addBank(to: group)
        addVouchers(to: group)
    }

    /// Tells pages that the log, the feed or the connection has moved on.
    private var stream: Response {
        let console = self
        return EventStream.response(
            of: { try console.mark() },
            // The store tells nobody; a look costs less than a millisecond.
            wait: { limit in try? await Task.sleep(for: min(limit, .seconds(1))) },
            isOver: { Task.isShuttingDownGracefully })
    }

    /// A number that is another one when the log, the feed or the connection has moved on.
    private func mark() throws -> UInt64 {
        let progress = try store.progress()
        let now = routes.status.current
        let numbers = [progress.logHead, progress.receivedThrough, progress.feedPosition, now.isConnected ? 1 : 0]
        let text = numbers.map { "\($0)" }.joined(separator: " ") + (now.alarm ?? "")
        return SHA256.hash(data: Array(text.utf8)).prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    }

    // MARK: Sessions

    private func addSessions(to router: Router<NodeContext>) {
        let group = router.group("console")
        group.post("login") { request, _ in try await shown(request, to: nil) { try await login(request) } }
        group.post("logout") { request, _ in
            try await act(request) { _, visit in
                ended.add(visit.session, now: WallClock.now)
                return ConsolePages.redirect(to: "/console/login", cookie: sessions.end)
            }
        }
    }

    private func login(_ request: Request) async throws -> Response {
        try SessionKeeper.requireOwnSite(request)
        let form = try await ConsoleForm(request, upTo: NodeConsole.maximumForm + KeptForm.overhead)
        let next = form.text("next") ?? "/console"
        let kept = KeptForm(in: form)
        let digest = Array(SHA256.hash(data: Array((form.text("token") ?? "").utf8)))
        guard digest == tokenDigest else {
            let frame = ConsolePages.Frame(request, session: nil, person: "")
            return try pages.login(
                frame, next: next, asksPurpose: false, kept: kept,
                fault: pages.phrases.text("loginFault", in: frame.language))
        }
        let (session, cookie) = try sessions.begin(tokenDigest: digest, purpose: "", now: WallClock.now)
        let frame = ConsolePages.Frame(request, session: session, person: cityName)
        return try pages.signedIn(frame, next: next, kept: kept, cookie: cookie)
    }

    private func visit(_ request: Request) -> Visit? {
        guard let session = sessions.session(of: request, now: WallClock.now), session.tokenDigest == tokenDigest,
            !ended.contains(session)
        else { return nil }
        var frame = ConsolePages.Frame(
            request, session: session, person: cityName)
        frame.mark = (try? mark()) ?? 0
        frame.banner = banner(frame.language)
        return Visit(session: session, frame: frame)
    }

    /// The city's code and name.
    var cityName: String { "\(routes.identity.city) \(routes.identity.cityName)" }

    /// What stands in the way, or that the registry is not reached, with how much waits.
    private func banner(_ language: Language) -> String? {
        let now = routes.status.current
        if let alarm = now.alarm ?? (try? store.alarm()) ?? nil {
            return pages.phrases.text("alarm", in: language) + " " + pages.said(alarm, in: language)
        }
        guard !now.isConnected, let progress = try? store.progress() else { return nil }
        return [
            pages.phrases.text("offline", in: language), "\(Int(progress.unsent).grouped)",
            pages.phrases.text("offlineWaiting", in: language),
        ].joined(separator: " ")
    }

    /// Shows a page to whoever has a session; everybody else is asked for the token first.
    func page(_ request: Request, _ body: (Visit) async throws -> Response) async throws -> Response {
        guard let visit = visit(request) else {
            return ConsolePages.redirect(to: "/console/login?next=\(ConsolePages.encoded(request.uri.string))")
        }
        return try await shown(request, to: visit) { try await body(visit) }
    }

    /// Takes a form of the console's own; one without a session is kept until its sender has signed in again.
    func act(
        _ request: Request, _ body: (ConsoleForm, Visit) async throws -> Response
    ) async throws -> Response {
        let visit = visit(request)
        return try await shown(request, to: visit) {
            guard let visit else {
                return try await pages.login(keeping: request, upTo: NodeConsole.maximumForm, asksPurpose: false)
            }
            let form = try await ConsoleForm(request, upTo: NodeConsole.maximumForm)
            if let page = try pages.confirmation(of: form, request, visit.session, sessions, visit.frame) {
                return page
            }
            return try await body(form, visit)
        }
    }

    /// Runs a handler; what goes wrong is shown as a page, in the frame of all others.
    func shown(
        _ request: Request, to visit: Visit?, _ body: () async throws -> Response
    ) async throws -> Response {
        do {
            return try await routes.guarded(body)
        } catch let problem as Problem {
            return try pages.page(problem, visit?.frame ?? ConsolePages.Frame(request, session: nil, person: ""))
        }
    }

    func text(_ key: String, _ visit: Visit) -> String { pages.phrases.text(key, in: visit.language) }

    func ruleName(_ id: String, _ visit: Visit) -> String { pages.phrases.ruleName(id, in: visit.language) }

    func said(_ message: String, _ visit: Visit) -> String { pages.said(message, in: visit.language) }

    // MARK: The desk

    /// What an officer sees first: how claims stand, and what waits for somebody.
    private func desk(_ visit: Visit) throws -> Response {
        let state = try store.syncState()
        let document = routes.syncDocument(state)
        let key = state.keyUntil.map { pages.shown($0, now: WallClock.now, in: visit.language) }
        let (totals, payments) = try totals.current(store)
        let open = try store.cases(isOpen: true, limit: 1_000)
        let toAnswer = open.filter { $0.awaitsAnswer(of: routes.identity.city) }
        return try pages.page(
            "desk", title: "desk", visit.frame,
            [
                "totals": totals.map { total -> [String: Any] in
                    [
                        "state": text("state_\(total.state)", visit), "state_key": total.state,
                        "count": total.count.grouped, "money": total.amount.grouped,
                        "path": "/console/claims?state=\(total.state)",
                    ]
                }, "has_totals": !totals.isEmpty,
                "to_answer": toAnswer.count.grouped, "has_to_answer": !toAnswer.isEmpty,
                "released": (payments.first { $0.state == "released" }?.count ?? 0).grouped,
                "has_released": payments.contains { $0.state == "released" },
                "invalid": (totals.first { $0.state == "invalid" }?.count ?? 0).grouped,
                "has_invalid": totals.contains { $0.state == "invalid" },
                "notices": (document.notices ?? []).map { said($0, visit) },
                "unsent": Int(state.unsent).grouped, "undecided": state.undecided.grouped,
                "feed": Int(state.feedPosition).grouped,
                "connection": text(routes.status.current.isConnected ? "connected" : "notConnected", visit),
                "connection_level": routes.status.current.isConnected ? "good" : "warn",
                "last_contact": state.lastContact.map { ChinaTime.text(Int64(clamping: $0)) } ?? "–",
                "key_until": key?.day ?? "–", "has_key": key != nil, "key_words": key?.words ?? "",
                "key_level": key?.level ?? "",
            ])
    }
}

/// Figures over all claims, kept for ten times as long as it took to add them up.
final class TotalsCache: Sendable {
    typealias Totals = (claims: [CityStore.Total], payments: [CityStore.Total])

    private let known = Mutex<(totals: Totals, goodUntil: ContinuousClock.Instant)?>(nil)

    func current(_ store: CityStore) throws -> Totals {
        if let known = known.withLock({ $0 }), ContinuousClock.now < known.goodUntil { return known.totals }
        let begun = ContinuousClock.now
        let totals = (claims: try store.claimTotals(), payments: try store.paymentTotals())
        let cost = begun.duration(to: .now)
        known.withLock { $0 = (totals, .now + cost * 10) }
        return totals
    }
}

extension CityStore.CaseView {
    /// Whether a city has something to say: since the case was last opened again it has said nothing, or what it said was
    /// not taken.
    func awaitsAnswer(of city: CityCode) -> Bool {
        guard state != .closed, !isAnswerPending else { return false }
        if answerProblem != nil { return true }
        let begin = steps.lastIndex { $0.kind == .reopened || $0.answer == .appeal } ?? 0
        return !steps[begin...].contains { $0.kind == .answered && $0.city == city && $0.answer != .appeal }
    }
}
