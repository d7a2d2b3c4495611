import Arbitration
import FederationHTTP
import FederationWire
import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import RegistryStore
import Replication
import VoucherDomain

/// The query API for operators, auditors and cities (`Schemas/openapi/registry.json`), and what every server answers
/// about itself.
///
/// Everything here reads; what is written, but for an auditor's questions, is written by cities and by commands.
struct QueryRoutes {
    /// For what people ask, which may take its time.
    let desk: QuestionDesk
    /// For what programs wait for.
    let prompt: RegistryStore
    /// For checks, which may be of thousands of keys and must not keep cities from it.
    let checks: RegistryStore
    let arbiter: ArbiterStatus
    let tls: TLSDates
    let gate: CallerGate

    private static let everybody = Set(RegistryStore.Role.allCases)
    private static let nation: Set<RegistryStore.Role> = [.operator, .auditor]

    func add(to router: Router<BasicRequestContext>) {
        addHealth(to: router)
        let group = router.group("v1")
        addClaims(to: group)
        group.get("duplicates") { request, _ in
            try await answer(request, Self.nation) { queries, _ in try await duplicates(request, queries) }
        }
        group.get("cases") { request, _ in
            try await answer(request, Self.everybody) { try await cases(request, $0, $1) }
        }
        group.get("cases/{id}") { request, context in
            let id = try context.parameters.require("id").removingPercentEncoding ?? ""
            return try await answer(request, Self.everybody) { try await conflictCase(id, request, $0, $1) }
        }
        group.get("cities") { request, _ in
            try await answer(request, Self.nation) { queries, _ in
                _ = try Question(request, known: [])
                return try JSONBody.response(ListDocument(items: try await queries.cities(), next: nil))
            }
        }
        group.get("payments") { request, _ in
            try await answer(request, Self.nation) { queries, _ in try await payments(request, queries) }
        }
        // What the registry itself has decided by now, wherever other questions go.
        group.get("feed/head") { request, _ in
            try await gate.admit(request, Self.everybody) { _ in
                try JSONBody.response(PositionDocument(try await prompt.feedHead()))
            }
        }
        addReports(to: group)
    }

    /// Lets a caller of one of `roles` in, and answers from one database.
    private func answer(
        _ request: Request, _ roles: Set<RegistryStore.Role>, ofPrimary: Bool = false,
        _ body: (RegistryQueries, RegistryStore.Caller) async throws -> Response
    ) async throws -> Response {
        try await gate.admit(request, roles) { caller in
            try await desk.answer(ofPrimary: ofPrimary) { queries in try await body(queries, caller) }
        }
    }

    private func addHealth(to router: Router<BasicRequestContext>) {
        router.get("healthz") { _, _ in "ok\n" }
        router.get("readyz") { _, _ -> Response in
            try await guarded {
                try await prompt.checkReady()
                return Response(
                    status: .ok, headers: [.contentType: "text/plain; charset=utf-8"],
                    body: .init(byteBuffer: ByteBuffer(string: "ready\n")))
            }
        }
        router.get("metrics") { request, _ in
            try await gate.admit(request, Self.nation) { _ in
                try await RegistryQueries(store: prompt).measure(
                    arbiter: arbiter, tls: tls, replica: desk.replica)
                return Response.metrics
            }
        }
    }

    // MARK: Claims

    private func addClaims(to group: RouterGroup<BasicRequestContext>) {
        group.get("claims") { request, _ in
            try await answer(request, Self.everybody) { try await claims(request, $0, $1) }
        }
        group.get("claims/{city_code}/{claim_no}") { request, context in
            let name = try claimName(context)
            return try await answer(request, Self.everybody) { queries, caller in
                let question = try Question(request, known: ["as_of"])
                let position = try question.number("as_of", in: 0...Int64.max)
                guard let name, QueryRoutes.mayRead(name, caller),
                    let document = try await queries.claim(name, asOf: position)
                else { throw unknown(name, context, asOf: position) }
                return try JSONBody.response(document, for: request)
            }
        }
        group.get("claims/{city_code}/{claim_no}/history") { request, context in
            let name = try claimName(context)
            return try await answer(request, Self.everybody) { queries, caller in
                let position = try Question(request, known: ["as_of"]).number("as_of", in: 0...Int64.max)
                guard let name, QueryRoutes.mayRead(name, caller),
                    let list = try await queries.history(of: name, asOf: position)
                else { throw unknown(name, context, asOf: position) }
                return try JSONBody.response(list, for: request)
            }
        }
        group.post("checks") { request, _ in
            try await gate.admit(request, Self.everybody, isLogged: false) { try await check(request, $0) }
        }
    }

    private func claimName(_ context: BasicRequestContext) throws -> ClaimName? {
        let city = try context.parameters.require("city_code")
        let number = try context.parameters.require("claim_no").removingPercentEncoding ?? ""
        return ClaimName("\(city)/\(number)")
    }

    private func unknown(_ name: ClaimName?, _ context: BasicRequestContext, asOf position: Int64?) -> Problem {
        let text = name?.description ?? context.parameters.map { String($0.value) }.joined(separator: "/")
        return Problem(.notFound, "not-found", RegistryQueries.noClaim(text, asOf: position))
    }

    private static func mayRead(_ name: ClaimName, _ caller: RegistryStore.Caller) -> Bool {
        caller.role != .city || caller.city == name.city
    }

    private func claims(
        _ request: Request, _ queries: RegistryQueries, _ caller: RegistryStore.Caller
    ) async throws -> Response {
        let question = try Question(
            request, known: RegistryStore.ClaimFilter.parameters + ["order", "after", "seen", "limit"])
        var filter = try RegistryStore.ClaimFilter(question)
        if caller.role == .city {
            guard filter.city == nil || filter.city == caller.city else {
                throw Problem(.forbidden, "role", "a city's token reads the claims of its own city")
            }
            filter.city = caller.city
        }
        filter.isNewestFirst =
            try question.value("order", "oldest or newest") {
                ["oldest": false, "newest": true][$0]
            } ?? false
        let after = try question.number("after", in: 0...Int64.max)
        try queries.expect(try question.reach(behind: after, isSettled: filter.isSettled))
        return try JSONBody.response(
            try await queries.claims(filter, after: after, limit: try question.limit()), for: request)
    }

    private func check(_ request: Request, _ caller: RegistryStore.Caller) async throws -> Response {
        do {
            let asked = try CheckRequests(json: try await request.bytes(upTo: CheckRequests.maximumBytes))
            // As they were understood: white space and other members hide nothing.
            try await gate.log(
                request, caller, parts: try asked.items.map { String(decoding: try JSONBody.encode($0), as: UTF8.self) }
            )
            let questions = try asked.questions(askedBy: caller.city)
            guard caller.role != .city || questions.allSatisfy({ $0.city == caller.city }) else {
                throw Problem(.forbidden, "role", "a city's token asks for its own city")
            }
            return try JSONBody.response(
                CheckAnswers(try await RegistryQueries(store: checks).check(questions), to: asked))
        } catch let fault as WireFault {
            throw Problem(.badRequest, "malformed", fault.message)
        }
    }

    // MARK: Duplicates, cases, payments

    private func duplicates(_ request: Request, _ queries: RegistryQueries) async throws -> Response {
        let question = try Question(
            request, known: RegistryStore.DuplicateFilter.parameters + ["after", "seen", "limit"])
        let filter = try RegistryStore.DuplicateFilter(question)
        let after = try question.value(
            "after", "what the page before gave as next", RegistryStore.DuplicatePlace.init(_:))
        try queries.expect(try question.reach(isSettled: filter.asOf != nil))
        return try JSONBody.response(
            try await queries.duplicates(filter, after: after, limit: try question.limit()), for: request)
    }

    private func cases(
        _ request: Request, _ queries: RegistryQueries, _ caller: RegistryStore.Caller
    ) async throws -> Response {
        let question = try Question(request, known: ["state", "as_of", "order", "after", "seen", "limit"])
        var filter = RegistryStore.CaseFilter()
        filter.isByMoney =
            try question.value("order", "oldest or money") { ["oldest": false, "money": true][$0] } ?? false
        guard !filter.isByMoney || caller.role != .city else {
            throw Problem(.forbidden, "role", "the order by money would tell what other cities' claims claim")
        }
        filter.isOpen = try question.value("state", "open or closed") { ["open": true, "closed": false][$0] }
        filter.asOf = try question.number("as_of", in: 0...Int64.max)
        filter.city = caller.city
        let after = try question.value(
            "after", "what the page before gave as next, in the same order", filter.place(_:))
        try queries.expect(try question.reach(behind: after?.position, isSettled: filter.isSettled))
        return try JSONBody.response(
            try await queries.cases(filter, after: after, limit: try question.limit()), for: request)
    }

    private func conflictCase(
        _ id: String, _ request: Request, _ queries: RegistryQueries, _ caller: RegistryStore.Caller
    ) async throws -> Response {
        let position = try Question(request, known: ["as_of"]).number("as_of", in: 0...Int64.max)
        guard let found = try await queries.conflictCase(id, asOf: position, for: caller.city),
            caller.role != .city || found.claims.contains(where: { $0.city_code == caller.city?.description })
        else { throw Problem(.notFound, "not-found", RegistryQueries.noCase(id, asOf: position)) }
        return try JSONBody.response(found, for: request)
    }

    private func payments(_ request: Request, _ queries: RegistryQueries) async throws -> Response {
        let question = try Question(request, known: ["stage", "after", "seen", "limit"])
        let stage = try question.value(
            "stage", "requested, authorized, released, submitted, paid, failed or reversed"
        ) { name in Payment.Stage.allCases.first { $0.name == name } }
        let after = try question.number("after", in: 0...Int64.max)
        // A payment is where its claim is, and is asked for later.
        try queries.expect(try question.reach(behind: after, isSettled: false))
        return try JSONBody.response(
            try await queries.payments(stage: stage, after: after ?? 0, limit: try question.limit()), for: request)
    }

    // MARK: Reports and exports

    private func addReports(to group: RouterGroup<BasicRequestContext>) {
        group.get("reports/{name}") { request, context in
            let name = try context.parameters.require("name")
            return try await answer(request, Self.nation) { queries, _ in try await report(name, request, queries) }
        }
        // The position of the feed says nothing of these, and whoever looks for a question that was just asked finds it.
        group.get("audit-events") { request, _ in
            try await answer(request, Self.nation, ofPrimary: true) { queries, _ in
                let question = try Question(request, known: ["before", "limit"])
                return try JSONBody.response(
                    try await queries.auditEvents(
                        before: try question.number("before", in: 1...Int64.max), limit: try question.limit()))
            }
        }
        group.get("exports/{dataset}") { request, context in
            let name = try context.parameters.require("dataset")
            return try await answer(request, Self.nation) { queries, _ in
                ExportResponse.make(try await export(name, request, queries), asking: request)
            }
        }
        group.get("exports/{dataset}/manifest") { request, context in
            let name = try context.parameters.require("dataset")
            return try await answer(request, Self.nation) { queries, caller in
                let manifest = try await export(name, request, queries).manifest(for: caller.label, now: WallClock.now)
                return try JSONBody.response(try manifest.signed(by: queries.store.secrets.signingKey))
            }
        }
    }

    private func report(_ text: String, _ request: Request, _ queries: RegistryQueries) async throws -> Response {
        let question = try Question(request, known: ["format", "limit"])
        guard let name = RegistryStore.Report.Name(rawValue: text) else {
            let names = RegistryStore.Report.Name.allCases.map(\.rawValue).joined(separator: ", ")
            throw Problem(.notFound, "not-found", "there is no report \(text); there are \(names)")
        }
        let isCSV = try question.value("format", "json or csv") { ["json": false, "csv": true][$0] } ?? false
        let limit = Int(try question.number("limit", in: 1...100_000) ?? 1_000)
        let report = try await queries.report(name, limit: limit)
        guard isCSV else {
            return try JSONBody.response(RegistryQueries.ReportDocument(report, now: WallClock.now))
        }
        return CSVResponse.make(report, name: "\(name.rawValue)-\(report.head.position).csv")
    }

    private func export(_ name: String, _ request: Request, _ queries: RegistryQueries) async throws -> Export {
        guard let dataset = Export.Dataset(rawValue: name) else {
            let names = Export.Dataset.allCases.map(\.rawValue).joined(separator: ", ")
            throw Problem(.notFound, "not-found", "there is no export \(name); there are \(names)")
        }
        return try await Export(dataset, asking: request, queries)
    }
}
