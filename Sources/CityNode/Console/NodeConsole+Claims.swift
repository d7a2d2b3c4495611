import Arbitration
import CityStore
import FederationHTTP
import FederationWire
import Foundation
import HTTPTypes
import Hummingbird
import Replication
import VoucherDomain
import WebConsole

extension NodeConsole {
    /// How many claims, vouchers or red letters stand on a page.
    static let pageRows = Question.usualLimit

    func addClaims(to group: RouterGroup<NodeContext>) {
        group.get("claims") { request, _ in try await page(request) { try claims(request, $0) } }
        group.get("claims/{claim_no}") { request, context in
            let number = try NodeRoutes.number(context)
            return try await page(request) { try claim(number, $0) }
        }
        group.post("claims/{claim_no}/withdrawal") { request, context in
            let number = try NodeRoutes.number(context)
            return try await act(request) { form, visit in
                try routes.requireWritable()
                guard let reason = form.line("reason") else {
                    throw Problem(.unprocessableContent, "reason", text("reasonMissing", visit))
                }
                try store.withdraw(claimNumber: number, reason: reason, now: WallClock.now)
                routes.ring()
                return ConsolePages.redirect(to: path(number))
            }
        }
        group.get("file") { request, _ in
            try await page(request) { visit in
                // A row that is no entry is corrected under its number.
                let view = try request.text("correct").flatMap { try store.claim($0) }
                return try form(view?.fields ?? [:], view?.problems ?? [], visit)
            }
        }
        group.post("file") { request, _ in try await act(request) { form, visit in try await file(form, visit) } }
    }

    // MARK: Looking

    private func claims(_ request: Request, _ visit: Visit) throws -> Response {
        let question = try Question(typed: request, known: ["state", "q", "voucher_no", "order", "after"])
        let state = question.text("state").flatMap { NodeRoutes.states.contains($0) ? $0 : nil }
        let isOldest = question.text("order") == "oldest"
        let filter = CityStore.ClaimFilter(
            state: state, text: question.text("q"), voucherNumber: question.text("voucher_no"),
            isNewestFirst: !isOldest)
        let after = try question.number("after", in: 0...Int64.max) ?? 0
        let views = try store.claims(filter, after: after, limit: NodeConsole.pageRows)
        var next = question.values
        next["after"] = views.last.map { "\($0.id)" }
        var frame = visit.frame
        // Pages behind the first one do not look again by themselves, nor does a search, which may look at all claims.
        frame.isLive = after == 0 && filter.text == nil && filter.voucherNumber == nil
        return try pages.page(
            "claims", title: "claims", frame,
            [
                "q": filter.text ?? "", "voucher_no": filter.voucherNumber ?? "", "is_oldest": isOldest,
                "states": NodeRoutes.states.map { name -> [String: Any] in
                    ["value": name, "text": text("state_\(name)", visit), "is_chosen": name == state]
                }, "rows": views.map { row($0, visit) }, "is_empty": views.isEmpty,
                "has_next": views.count == NodeConsole.pageRows,
                "next": "/console/claims?\(Question.query(next))",
            ])
    }

    private func row(_ view: CityStore.ClaimView, _ visit: Visit) -> [String: Any] {
        let problems = view.problems.map { "\(text("field_\($0.column)", visit)): \(said($0.message, visit))" }
        let reasons = view.reasons.map { said($0.message, visit) }
        return [
            "number": view.number, "path": path(view.number), "state": text("state_\(view.state)", visit),
            "state_key": view.state, "enterprise": view.fields["enterprise_name"] ?? "",
            "contract": view.fields["contract_no"] ?? "",
            "money": view.fields["claimed_yuan"].map { Money(yuan: $0)?.grouped ?? $0 } ?? "",
            "why": (problems + reasons).joined(separator: "; "), "is_withdrawing": view.isBeingWithdrawn,
        ]
    }

    private func claim(_ number: String, _ visit: Visit) throws -> Response {
        guard let view = try store.claim(number) else {
            throw Problem(.notFound, "not-found", "no claim \(number) in this city")
        }
        let payment = try store.payment(ofClaim: number)
        var values = row(view, visit)
        values["fields"] = ClaimForm.columns.compactMap { column in
            view.fields[column].flatMap {
                $0.isEmpty
                    ? nil : ["name": text("field_\(column)", visit), "value": $0.replacing(";", with: "; ")]
            }
        }
        values["problems"] = view.problems.map {
            ["name": text("field_\($0.column)", visit), "message": said($0.message, visit)]
        }
        values["repairs"] = view.repairs.map {
            ["name": text("field_\($0.column)", visit), "typed": $0.typed, "read": $0.read]
        }
        values["has_repairs"] = !view.repairs.isEmpty
        values["reasons"] = view.reasons.map { reason -> [String: Any] in
            [
                "rule": ruleName(reason.rule, visit), "rule_id": reason.rule, "message": said(reason.message, visit),
                "level": reason.outcome == .block ? "bad" : reason.outcome == .hold ? "warn" : "",
                "outcome": text("outcome_\(reason.outcome.rawValue)", visit),
                "blocking": reason.blocking.map(\.description).joined(separator: ", "),
                "has_blocking": !reason.blocking.isEmpty,
            ]
        }
        values["is_invalid"] = view.state == "invalid" && !view.problems.isEmpty
        values["correct"] = "/console/file?correct=\(ConsolePages.encoded(number))"
        values["case_id"] = view.caseID ?? ""
        values["has_case"] = view.caseID != nil
        values["receipt"] = view.receipt.map { Data($0.signature).base64EncodedString() } ?? ""
        values["has_receipt"] = view.receipt != nil
        values["position"] = view.decidedAt.map { Int($0.position).grouped } ?? ""
        values["hash"] = view.decidedAt?.hash.rawValue.hexadecimal ?? ""
        values["is_decided"] = view.decidedAt != nil
        values["may_withdraw"] =
            ["recorded", "received", "reserved", "held"].contains(view.state) && !view.isBeingWithdrawn
        values["may_ask"] = view.state == "reserved" && payment == nil
        values["has_payment"] = payment != nil
        values["payment"] = payment.map { self.payment($0, visit) } ?? [:]
        return try pages.page("claim", title: number, visit.frame, values)
    }

    func path(_ number: String) -> String {
        "/console/claims/\(ConsolePages.encoded(number).replacing("/", with: "%2F"))"
    }

    // MARK: Filing

    /// The columns that a claim cannot be without.
    private static let compulsory: Set = [
        "claim_no", "voucher_no", "enterprise_uscc", "enterprise_name", "provider_uscc", "provider_name",
        "contract_no", "contract_amount_yuan", "service_from", "service_until", "invoice_numbers",
        "invoice_amounts_yuan", "claimed_yuan",
    ]

    private func form(
        _ fields: [String: String], _ problems: [FieldProblem], _ visit: Visit, check: [String: Any] = [:]
    ) throws -> Response {
        let columns = ClaimForm.columns.map { column -> [String: Any] in
            let own = problems.filter { $0.column == column }.map { said($0.message, visit) }
            return [
                "column": column, "name": text("field_\(column)", visit), "value": fields[column] ?? "",
                "is_compulsory": NodeConsole.compulsory.contains(column), "problem": own.joined(separator: "; "),
                "has_problem": !own.isEmpty,
                "hint": column.hasSuffix("_on") || column.hasPrefix("service_") ? "2026-06-01" : "",
            ]
        }
        let others = problems.filter { !ClaimForm.columns.contains($0.column) }
        var values: [String: Any] = check
        values["columns"] = columns
        values["others"] = others.map {
            ["message": "\(text("field_\($0.column)", visit)): \(said($0.message, visit))"]
        }
        values["has_others"] = !others.isEmpty
        values["has_problems"] = !problems.isEmpty
        return try pages.page(
            "file", title: "fileClaim", visit.frame, values, status: problems.isEmpty ? .ok : .unprocessableContent)
    }

    /// Files what was typed, or says at once whether the nation already has it.
    private func file(_ form: ConsoleForm, _ visit: Visit) async throws -> Response {
        let fields = form.all.filter { ClaimForm.columns.contains($0.key) }
        if form.text("act") == "check" {
            return try self.form(fields, [], visit, check: try await check(fields, visit))
        }
        try routes.requireWritable()
        let results = try store.fileClaims([FormRow(line: nil, fields: fields)], now: WallClock.now)
        routes.ring()
        guard let result = results.first, [.recorded, .unchanged].contains(result.outcome) else {
            return try self.form(fields, results.first?.problems ?? [], visit)
        }
        return ConsolePages.redirect(to: path(result.number))
    }

    /// What is shown of an answer to a check.
    private struct CheckAnswer: Decodable {
        struct Reason: Decodable { let message: String }
        let answer: PreCheck.Answer
        let reasons: [Reason]
        let receipt: CheckReceiptDocument
        let position: PositionDocument

        /// The class of what says it. UNKNOWN is neither good nor bad.
        var level: String {
            switch answer {
            case .clear: "good"
            case .hit: "fault"
            case .unknown: "neutral"
            }
        }
    }

    /// The registry's answer with its receipt; where it does not come at once, that of the city's own index.
    private func check(_ fields: [String: String], _ visit: Visit) async throws -> [String: Any] {
        let question = CheckRequestDocument(
            enterprise_uscc: fields["enterprise_uscc"] ?? "", provider_uscc: fields["provider_uscc"] ?? "",
            contract_no: fields["contract_no"] ?? "",
            invoices: (fields["invoice_numbers"] ?? "").split { ";；".contains($0) }.map(String.init), city_code: nil)
        do {
            let body = try await routes.checked(try JSONBody.encode(question))
            let found = try JSONDecoder().decode(CheckAnswer.self, from: Data(body))
            let isNational = found.receipt.signed_by == CityCode.registry.description
            return [
                "is_checked": true, "level": found.level,
                "verdict": text("check_\(found.answer.rawValue.lowercased())", visit),
                "reasons": found.reasons.map { ["message": said($0.message, visit)] },
                "has_reasons": !found.reasons.isEmpty, "answered_by": text(isNational ? "byRegistry" : "byCity", visit),
                "receipt": found.receipt.id, "position": Int(clamping: found.position.position).grouped,
                "answer": String(decoding: body, as: UTF8.self),
            ]
        } catch let fault as WireFault {
            return ["has_check_fault": true, "check_fault": said(fault.message, visit)]
        }
    }
}
