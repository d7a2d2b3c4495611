import Arbitration
import CityStore
import FederationHTTP
import FederationWire
import Foundation
import HTTPTypes
import Hummingbird
import VoucherDomain
import WebConsole

extension NodeConsole {
    func addCases(to group: RouterGroup<NodeContext>) {
        group.get("cases") { request, _ in try await page(request) { try cases(request, $0) } }
        group.get("cases/{id}") { request, context in
            let id = try context.parameters.require("id").removingPercentEncoding ?? ""
            return try await page(request) { try conflictCase(id, $0) }
        }
        group.post("cases/{id}/answer") { request, context in
            let id = try context.parameters.require("id").removingPercentEncoding ?? ""
            return try await act(request) { form, visit in
                try routes.requireWritable()
                guard let reason = form.line("reason") else {
                    throw Problem(.unprocessableContent, "reason", text("reasonMissing", visit))
                }
                let digests = (form.text("evidence") ?? "").split(whereSeparator: \.isWhitespace).map(String.init)
                let answer = CaseAnswerRequest(
                    answer: form.text("answer") ?? "", reason: reason, evidence: digests)
                try store.answer(try answer.answer(to: id), now: WallClock.now)
                routes.ring()
                return ConsolePages.redirect(to: "/console/cases/\(ConsolePages.encoded(id))")
            }
        }
    }

    private func cases(_ request: Request, _ visit: Visit) throws -> Response {
        let isClosed = request.text("state") == "closed"
        let after = try request.number("after", default: 0, in: 0...Int64.max)
        let views = try store.cases(isOpen: !isClosed, after: after, limit: 100)
        return try pages.page(
            "cases", title: "cases", visit.frame,
            [
                "is_closed": isClosed, "rows": views.map { row($0, visit) }, "is_empty": views.isEmpty,
                "has_next": views.count == 100,
                "next": "/console/cases?state=\(isClosed ? "closed" : "open")&after=\(views.last?.row ?? 0)",
            ])
    }

    private func row(_ view: CityStore.CaseView, _ visit: Visit) -> [String: Any] {
        let today = CalendarDate.inChina(milliseconds: Int64(WallClock.now))
        return [
            "id": view.id, "path": "/console/cases/\(ConsolePages.encoded(view.id))",
            "state": text("case_\(view.state.rawValue)", visit), "state_key": view.state.rawValue,
            "deadline": view.deadline.iso8601, "is_overdue": view.state != .closed && view.deadline < today,
            "claims": view.parties.map { party -> [String: Any] in
                let isOwn = party.claim.city == routes.identity.city
                return [
                    "name": party.claim.description, "path": path(party.claim.number), "is_own": isOwn,
                    "is_live": party.isLive,
                ]
            },
            "rules": view.reasons.map { ruleName($0.rule, visit) }.joined(separator: " · "),
            "to_answer": view.awaitsAnswer(of: routes.identity.city),
            "is_pending": view.isAnswerPending, "problem": view.answerProblem.map { said($0, visit) } ?? "",
            "has_problem": view.answerProblem != nil,
        ]
    }

    private func conflictCase(_ id: String, _ visit: Visit) throws -> Response {
        guard let view = try store.conflictCase(id) else {
            throw Problem(.notFound, "not-found", "no case \(id) names a claim of this city")
        }
        var values = row(view, visit)
        values["reasons"] = view.reasons.map {
            ["rule": ruleName($0.rule, visit), "rule_id": $0.rule, "message": said($0.message, visit)]
        }
        values["steps"] = view.steps.map { step -> [String: Any] in
            let what = [
                step.city?.description, step.answer.map { text("answer_\($0.name)", visit) },
                step.code.map { text("code_\($0.name)", visit) },
            ]
            return [
                "event": text("event_\(step.kind.name)", visit), "text": step.text,
                "what": what.compactMap(\.self).joined(separator: " · "), "position": Int(step.position).grouped,
            ]
        }
        // A closed case can only be appealed, an open one not.
        let kinds = CaseAnswer.Kind.allCases.filter { ($0 == .appeal) == (view.state == .closed) }
        values["answers"] = kinds.map { ["value": $0.name, "text": text("answer_\($0.name)", visit)] }
        values["may_answer"] = !view.isAnswerPending
        return try pages.page("case", title: "\(text("case", visit)) \(id)", visit.frame, values)
    }
}
