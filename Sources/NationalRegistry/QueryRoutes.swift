import Arbitration
import FederationHTTP
import FederationWire
import Foundation
import Hummingbird
import NIOCore
import RegistryStore
import Replication
import VoucherDomain

/// The query API for operators and auditors, and what every server answers about itself.
struct QueryRoutes {
    let store: RegistryStore
    let queries: RegistryQueries
    let arbiter: ArbiterStatus

    func add(to router: Router<BasicRequestContext>) {
        addHealth(to: router)
        let group = router.group("v1")
        group.get("claims") { request, _ in try await authorised(request) { try await claims(request) } }
        group.get("claims/{city_code}/{claim_no}") { request, context in
            let city = try context.parameters.require("city_code")
            let number = try context.parameters.require("claim_no").removingPercentEncoding ?? ""
            return try await authorised(request) { try await claim("\(city)/\(number)") }
        }
        group.post("checks") { request, _ in try await authorised(request) { try await check(request) } }
        group.get("duplicates") { request, _ in try await authorised(request) { try await duplicates(request) } }
        group.get("cases") { request, _ in try await authorised(request) { try await cases(request) } }
        group.get("cases/{id}") { request, context in
            let id = try context.parameters.require("id")
            return try await authorised(request) {
                guard let found = try await queries.conflictCase(id) else {
                    throw Problem(.notFound, "not-found", "there is no case \(id)")
                }
                return try JSONBody.response(found)
            }
        }
        group.get("cities") { request, _ in
            try await authorised(request) {
                try JSONBody.response(ListDocument(items: try await queries.cities(), next: nil))
            }
        }
        group.get("feed/head") { request, _ in
            try await authorised(request) { try JSONBody.response(PositionDocument(try await store.feedHead())) }
        }
    }

    private func addHealth(to router: Router<BasicRequestContext>) {
        router.get("healthz") { _, _ in "ok\n" }
        router.get("readyz") { _, _ -> Response in
            try await guarded {
                try await store.checkReady()
                return Response(status: .ok, body: .init(byteBuffer: ByteBuffer(string: "ready\n")))
            }
        }
        router.get("metrics") { request, _ in
            try await authorised(request) {
                try await queries.measure(arbiter: arbiter)
                return Response.metrics
            }
        }
    }

    /// Lets a valid token's holder in; an auditor's query is itself logged before it is answered.
    private func authorised(_ request: Request, _ body: () async throws -> Response) async throws -> Response {
        try await guarded {
            guard let token = request.bearerToken,
                let caller = try await store.caller(token: token, now: WallClock.now)
            else {
                throw Problem(.unauthorized, "token", "send a valid token: national-registry token create makes one")
            }
            if caller.role == .auditor {
                try await store.note(
                    actor: "auditor \(caller.label)", action: "query", detail: request.uri.string, now: WallClock.now)
            }
            return try await body()
        }
    }

    private func claims(_ request: Request) async throws -> Response {
        var filter = RegistryStore.ClaimFilter()
        filter.city = try parsed(request, "city_code", "six digits", CityCode.init(_:))
        filter.state = try parsed(
            request, "state", "reserved, refused, held, withdrawn, authorized, paid or reversed",
            Outcome.Decision.init(name:))
        filter.enterprise = try parsed(request, "enterprise_uscc", "a credit code") {
            try? CreditCode.parse($0).get().code
        }
        filter.provider = try parsed(request, "provider_uscc", "a credit code") { try? CreditCode.parse($0).get().code }
        filter.contract = try parsed(request, "contract_no", "a contract number", ContractNumber.init(_:))
        filter.voucherNumber = request.text("voucher_no")
        if let invoice = try parsed(request, "invoice", "an invoice number", { try? InvoiceNumber($0) }) {
            filter.keys = invoice.names.map(Key.invoice)
        }
        let limit = try request.number("limit", default: 100, in: 1...1_000)
        let after = try request.number("after", default: 0, in: 0...Int64.max)
        return try JSONBody.response(try await queries.claims(filter, after: after, limit: Int(limit)))
    }

    private func parsed<T>(
        _ request: Request, _ name: String, _ form: String, _ parse: (String) -> T?
    ) throws -> T? {
        guard let text = request.text(name) else { return nil }
        guard let value = parse(text) else { throw Problem(.badRequest, "query", "\(name): expected \(form)") }
        return value
    }

    private func claim(_ text: String) async throws -> Response {
        guard let name = ClaimName(text), let document = try await queries.claim(name) else {
            throw Problem(.notFound, "not-found", "no claim \(text) has been decided")
        }
        return try JSONBody.response(document)
    }

    private func check(_ request: Request) async throws -> Response {
        do {
            let asked = try CheckRequests(json: try await request.bytes(upTo: CheckRequests.maximumBytes))
            let answers = try await queries.check(try asked.questions(askedBy: nil))
            return try JSONBody.response(CheckAnswers(answers, to: asked))
        } catch let fault as WireFault {
            throw Problem(.badRequest, "malformed", fault.message)
        }
    }

    private func cases(_ request: Request) async throws -> Response {
        let state = request.text("state")
        if let state, !["open", "closed"].contains(state) {
            throw Problem(.badRequest, "query", "state: expected open or closed")
        }
        let limit = try request.number("limit", default: 100, in: 1...1_000)
        let after = try request.number("after", default: 0, in: 0...Int64.max)
        return try JSONBody.response(
            try await queries.cases(isOpen: state.map { $0 == "open" }, after: after, limit: Int(limit)))
    }

    private func duplicates(_ request: Request) async throws -> Response {
        let limit = try request.number("limit", default: 100, in: 1...1_000)
        let after = try request.number("after", default: 0, in: 0...1_000_000_000)
        return try JSONBody.response(
            try await queries.duplicates(rule: request.text("rule"), after: Int(after), limit: Int(limit)))
    }
}
