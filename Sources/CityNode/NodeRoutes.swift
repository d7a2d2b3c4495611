import Arbitration
import CityStore
import Crypto
import Failpoints
import FederationHTTP
import FederationWire
import Foundation
import Hummingbird
import Logging
import Metrics
import NIOCore
import Replication
import VoucherDomain

/// The context of a local request; commands make one without a socket.
struct NodeContext: RequestContext {
    var coreContext: CoreRequestContextStorage

    init(source: ApplicationRequestContextSource) { coreContext = .init(source: source) }

    init(commandLine logger: Logger) { coreContext = .init(source: CommandLineSource(logger: logger)) }

    private struct CommandLineSource: RequestContextSource { let logger: Logger }
}

/// The one door to the store: every claim comes through these routes, whether from a back office, a command or
/// a file.
struct NodeRoutes {
    let store: CityStore
    let identity: NodeIdentity
    /// The city's, which signs the answers to checks.
    let key: SigningKey
    let status: NodeStatus
    /// Asked first what is checked; `nil` where nobody keeps the connection to it.
    let registry: RegistryClient?
    /// `nil` lets everybody in: a command that holds the directory's lock needs no token.
    let token: String?
    /// Called after each write, so that it is sent at once.
    let ring: @Sendable () -> Void

    private static let maximumBody = 4 << 20

    func makeRouter(methods: RoutedMethods = RoutedMethods()) -> Router<NodeContext> {
        _ = MetricsStore.shared
        let router = Router(context: NodeContext.self)
        router.add(middleware: MetricsMiddleware())
        router.add(middleware: ProblemMiddleware(methods: methods))
        addOpen(to: router)
        let group = router.group("v1")
        group.post("vouchers") { request, _ in try await writing(request, issue) }
        group.get("vouchers") { request, _ in
            try await reading(request, known: PageQuery.parameters) { try listVouchers($0) }
        }
        group.post("claims") { request, _ in try await writing(request, file) }
        group.get("claims") { request, _ in
            try await reading(request, known: ["state", "q", "order"] + PageQuery.parameters) { try listClaims($0) }
        }
        group.get("claims/{claim_no}") { request, context in
            let number = try Self.number(context)
            return try await reading(request) { _ in try JSONBody.response(try document(number), for: request) }
        }
        group.post("claims/{claim_no}/withdrawal") { request, context in
            let number = try Self.number(context)
            return try await writing(request) { body in try withdraw(number, body) }
        }
        group.post("imports/{kind}") { request, context in
            let kind = try context.parameters.require("kind")
            return try await writing(request) { body in try importRows(kind, body) }
        }
        group.get("cases") { request, _ in
            try await reading(request, known: ["state"] + PageQuery.parameters) { try listCases($0) }
        }
        group.get("cases/{id}") { request, context in
            let id = try context.parameters.require("id")
            return try await reading(request) { _ in try JSONBody.response(try caseDocument(id), for: request) }
        }
        group.post("cases/{id}/answer") { request, context in
            let id = try context.parameters.require("id")
            return try await writing(request) { body in try answer(id, body) }
        }
        addPayments(to: group)
        group.post("checks") { request, _ in try await reading(request) { _ in try await check(request) } }
        group.get("sync") { request, _ in
            try await reading(request) { _ in try JSONBody.response(syncDocument(try store.syncState())) }
        }
        group.get("late-entries") { request, _ in
            try await reading(request) { _ in
                try JSONBody.response(LateEntriesDocument(items: try store.lateEntries().map { .init($0) }))
            }
        }
        group.post("late-entries/seen") { request, _ in
            try await writing(request) { _ in
                try store.noteLateEntriesSeen()
                return Response(status: .noContent)
            }
        }
        router.get("metrics") { request, _ in try await reading(request) { _ in try metrics() } }
        return router
    }

    private func addOpen(to router: Router<NodeContext>) {
        router.get("healthz") { _, _ in "ok\n" }
        router.get("readyz") { _, _ -> Response in
            _ = try store.progress()
            return Response(
                status: .ok, headers: [.contentType: "text/plain; charset=utf-8"],
                body: .init(byteBuffer: ByteBuffer(string: "ready\n")))
        }
    }

    static func number(_ context: NodeContext) throws -> String {
        try context.parameters.require("claim_no").removingPercentEncoding ?? ""
    }

    // MARK: Who may, and what goes wrong

    /// Answers whoever has the token.
    ///
    /// - Parameter known: The names of the query's parameters; all others are refused.
    func reading(
        _ request: Request, known: [String] = [], _ body: (Question) async throws -> Response
    ) async throws -> Response {
        if let token, request.bearerToken != token {
            throw Problem(.unauthorized, "token", "send the token from the node's api-token file as a bearer token")
        }
        let question = try Question(request, known: known)
        return try await guarded { try await body(question) }
    }

    /// Runs a handler and turns what goes wrong into problem documents.
    func guarded(_ body: () async throws -> Response) async throws -> Response {
        do {
            return try await body()
        } catch let refusal as StoreRefusal {
            throw refusal.problem
        } catch let fault as WireFault {
            throw Problem(.badRequest, "malformed", fault.message)
        } catch  where error.isDiskFull {
            throw Problem(
                .init(code: 507, reasonPhrase: "Insufficient Storage"), "disk-full",
                "cannot save, disk full: nothing of this request was recorded; free some space and try again",
                retryAfter: 30)
        } catch  where error.isDiskFailure {
            throw Problem(
                .internalServerError, "store",
                "the store cannot be read or written: \(error); stop the node and run city-node log verify")
        }
    }

    /// A write: refused while the node is read-only; with an `Idempotency-Key` its answer is remembered.
    func writing(_ request: Request, _ body: ([UInt8]) throws -> Response) async throws -> Response {
        try await reading(request) { _ in
            try requireWritable()
            let bytes = try await request.bytes(upTo: Self.maximumBody)
            let digest = Array(SHA256.hash(data: Array(request.uri.path.utf8) + [0] + bytes))
            let key = request.headers[.init("Idempotency-Key").unsafelyUnwrapped]
            if let key, let answer = try store.answer(forKey: key) {
                guard answer.requestDigest == digest else {
                    throw Problem(
                        .unprocessableContent, "idempotency-key", "this Idempotency-Key was used for another request")
                }
                return Self.json(answer.body, status: answer.status)
            }
            let response = try body(bytes)
            ring()
            Failpoint.reach(.answerUnremembered)
            guard let key else { return response }
            let collected = try await response.collected()
            try store.remember(
                .init(requestDigest: digest, status: response.status.code, body: collected), forKey: key,
                now: WallClock.now)
            Failpoint.reach(.answerUnsent)
            return Self.json(collected, status: response.status.code)
        }
    }

    /// - Throws: ``Problem`` while the node is read-only.
    func requireWritable() throws {
        if let alarm = try status.current.alarm ?? store.alarm() {
            throw Problem(.serviceUnavailable, "read-only", "this node is read-only: \(alarm)")
        }
    }

    static func json(_ body: [UInt8], status: Int) -> Response {
        Response(
            status: .init(code: status), headers: [.contentType: "application/json; charset=utf-8"],
            body: .init(byteBuffer: ByteBuffer(bytes: body)))
    }

    // MARK: Writing

    private func issue(_ body: [UInt8]) throws -> Response {
        let row = FormRow(line: nil, fields: try FormDocument.voucherFields(body))
        let results = try store.issueVouchers([row], now: WallClock.now)
        let status = try Self.status(of: results[0])
        return try JSONBody.response(
            VoucherDocument(fields: row.fields, state: results[0].outcome.rawValue), status: status)
    }

    private func file(_ body: [UInt8]) throws -> Response {
        let row = FormRow(line: nil, fields: try FormDocument.claimFields(body))
        let results = try store.fileClaims([row], now: WallClock.now)
        let status = try Self.status(of: results[0])
        return try JSONBody.response(try document(results[0].number), status: status)
    }

    private static func status(of result: FilingResult) throws -> HTTPResponse.Status {
        switch result.outcome {
        case .recorded: return .created
        case .unchanged: return .ok
        case .conflict: throw Problem(.conflict, "conflict", result.problems.map(\.message).joined(separator: "; "))
        case .invalid:
            let problems = result.problems.map { "\($0.column): \($0.message)" }.joined(separator: "; ")
            throw Problem(.unprocessableContent, "invalid", problems)
        }
    }

    private func withdraw(_ number: String, _ body: [UInt8]) throws -> Response {
        struct Body: Decodable { let reason: String }
        guard let document = try? JSONDecoder().decode(Body.self, from: Data(body)), !document.reason.isEmpty else {
            throw Problem(.badRequest, "malformed", #"expected {"reason": "…"}"#)
        }
        try store.withdraw(claimNumber: number, reason: document.reason, now: WallClock.now)
        return try JSONBody.response(try self.document(number))
    }

    private func answer(_ id: String, _ body: [UInt8]) throws -> Response {
        guard let request = try? JSONDecoder().decode(CaseAnswerRequest.self, from: Data(body)) else {
            throw Problem(.badRequest, "malformed", #"expected {"answer": "…", "reason": "…", "evidence": ["…"]}"#)
        }
        try store.answer(try request.answer(to: id), now: WallClock.now)
        return try JSONBody.response(try caseDocument(id))
    }

    private func importRows(_ kind: String, _ body: [UInt8]) throws -> Response {
        let rows: [FormRow]
        do {
            rows = try JSONDecoder().decode(ImportRequest.self, from: Data(body)).rows.map(\.formRow)
        } catch { throw Problem(.badRequest, "malformed", "expected {\"rows\": [{\"line\", \"fields\"}]}") }
        guard rows.count <= ImportRequest.maximumRows else {
            throw Problem(.contentTooLarge, "too-large", "\(rows.count) rows, at most \(ImportRequest.maximumRows)")
        }
        let results: [FilingResult]
        switch kind {
        case "vouchers": results = try store.issueVouchers(rows, now: WallClock.now)
        case "claims": results = try store.fileClaims(rows, now: WallClock.now)
        default: throw Problem(.notFound, "not-found", "vouchers and claims can be imported, not \(kind)")
        }
        return try JSONBody.response(ListDocument(items: results.map(ImportResult.init), next: nil))
    }

    // MARK: Reading

    func document(_ number: String) throws -> ClaimDocument {
        guard let view = try store.claim(number) else {
            throw StoreRefusal(.notFound, "no claim \(number) in this city")
        }
        return document(view, try store.payment(ofClaim: number))
    }

    private func document(_ view: CityStore.ClaimView, _ payment: CityStore.PaymentView?) -> ClaimDocument {
        ClaimDocument(
            fields: view.fields, city: identity.city, state: view.state, reasons: view.reasons, caseID: view.caseID,
            receipt: view.receipt, position: view.decidedAt, payment: payment.map(PaymentDocument.init),
            problems: view.problems, repairs: view.repairs)
    }

    static let states = [
        "recorded", "received", "reserved", "refused", "held", "invalid", "withdrawn", "authorized", "paid", "reversed",
    ]

    private func listClaims(_ question: Question) throws -> Response {
        let filter = CityStore.ClaimFilter(
            state: try question.word("state", of: Self.states), text: question.text("q"),
            isNewestFirst: try question.word("order", of: ["oldest", "newest"]) == "newest")
        let page = try PageQuery(question)
        let views = try store.claims(filter, after: page.after, limit: page.limit)
        let next = page.next(after: views, by: \.id)
        let payments = try store.payments(ofClaims: views.map(\.id))
        return try JSONBody.response(
            ListDocument(items: views.map { document($0, payments[$0.id]) }, next: next))
    }

    private func caseDocument(_ id: String) throws -> CaseDocument {
        guard let view = try store.conflictCase(id) else {
            throw StoreRefusal(.notFound, "no case \(id) names a claim of this city")
        }
        return CaseDocument(view)
    }

    private func listCases(_ question: Question) throws -> Response {
        let isOpen = try question.word("state", of: ["open", "closed"]).map { $0 == "open" }
        let page = try PageQuery(question)
        let views = try store.cases(isOpen: isOpen, after: page.after, limit: page.limit)
        let next = page.next(after: views, by: \.row)
        return try JSONBody.response(ListDocument(items: views.map(CaseDocument.init), next: next))
    }

    private func listVouchers(_ question: Question) throws -> Response {
        let page = try PageQuery(question)
        let views = try store.vouchers(after: page.after, limit: page.limit)
        let next = page.next(after: views, by: \.id)
        return try JSONBody.response(
            ListDocument(items: views.map { VoucherDocument(fields: $0.fields, state: $0.state) }, next: next))
    }

    func syncDocument(_ state: CityStore.SyncState) -> SyncDocument {
        SyncDocument(state, status.current, trustAnchor: identity.trustAnchor, now: WallClock.now)
    }

    private func metrics() throws -> Response {
        let state = try store.syncState()
        Gauge(label: "city_node.unsent_entries").record(state.unsent)
        Gauge(label: "city_node.undecided_entries").record(state.undecided)
        Gauge(label: "city_node.feed_position").record(state.feedPosition)
        Gauge(label: "city_node.connected").record(status.current.isConnected ? 1 : 0)
        let ends = [
            ("key", state.keyUntil), ("certificate", status.current.certificate),
            ("trust_anchor", Expiry(trustAnchor: identity.trustAnchor)),
        ]
        for case (let name, let expiry?) in ends {
            Gauge(label: "city_node.\(name)_left_seconds").record(expiry.secondsLeft(now: WallClock.now))
        }
        return Response.metrics
    }
}

extension StoreRefusal {
    fileprivate var problem: Problem {
        switch code {
        case .notFound: Problem(.notFound, "not-found", message)
        case .conflict, .alreadyJoined: Problem(.conflict, "conflict", message)
        case .invalid: Problem(.unprocessableContent, "invalid", message)
        default: Problem(.internalServerError, "store", message)
        }
    }
}

extension Response {
    /// The body in one piece.
    func collected() async throws -> [UInt8] {
        let writer = CollectingWriter()
        try await body.write(writer)
        return writer.bytes
    }
}

/// Gathers a response body; used by one task at a time.
private final class CollectingWriter: ResponseBodyWriter {
    private(set) var bytes: [UInt8] = []

    func write(_ buffer: ByteBuffer) async throws { bytes += Array(buffer: buffer) }

    func finish(_ trailingHeaders: HTTPFields?) async throws {}
}
