import Arbitration
import FederationHTTP
import FederationWire
import Foundation
import HTTPTypes
import Hummingbird
import RegistryStore
import Replication
import VoucherDomain
import WebConsole

extension ConsoleRoutes {
    func addCases(to group: RouterGroup<BasicRequestContext>) {
        group.get("cases") { request, _ in try await page(request) { try await $0.cases(request, $1) } }
        group.get("cases/{id}") { request, context in
            let id = try context.parameters.require("id").removingPercentEncoding ?? ""
            return try await page(request) { try await $0.conflictCase(id, request, $1) }
        }
        group.post("cases/{id}/ruling") { request, context in
            let id = try context.parameters.require("id").removingPercentEncoding ?? ""
            return try await act(request) { form, visit in
                let decision = try await acts.rule(try ruling(on: id, form, visit), now: WallClock.now)
                return ConsoleRoutes.redirect(to: id, done: decision == .pending ? "proposed" : "ruled")
            }
        }
        group.post("cases/{id}/reopening") { request, context in
            let id = try context.parameters.require("id").removingPercentEncoding ?? ""
            return try await act(request) { form, visit in
                try await acts.reopen(
                    caseID: id, reason: try reason(form, visit), by: visit.signature, now: WallClock.now)
                return ConsoleRoutes.redirect(to: id, done: "reopened")
            }
        }
    }

    /// What a case's page says was done, by the ends of the phrases' keys, and the step that comes of it.
    private static let caseActs: [String: CaseEvent.Kind] = [
        "ruled": .ruled, "proposed": .proposed, "reopened": .reopened,
    ]

    /// Whether whoever looks has done it: a link that says so proves nothing.
    private func hasDone(_ act: String, onCase id: String, _ visit: Visit) async throws -> Bool {
        guard let kind = ConsoleRoutes.caseActs[act] else { return false }
        if try await acts.awaitedSteps(onCase: id, by: visit.signature).contains(kind) { return true }
        return try await acts.steps(ofCase: id).contains { $0.kind == kind && $0.by == visit.signature }
    }

    /// Sends the browser back to a case, whose page says what was done.
    private static func redirect(to id: String, done act: String) -> Response {
        ConsolePages.redirect(to: "/console/cases/\(ConsolePages.encoded(id))?done=\(act)")
    }

    /// The queue: open cases with the most money at risk first.
    private func cases(_ request: Request, _ visit: Visit) async throws -> Response {
        let question = try Question(request, known: ["state", "after", "seen"])
        var filter = RegistryStore.CaseFilter()
        let isClosed = try question.value("state", "open or closed") { ["open": false, "closed": true][$0] } ?? false
        filter.isOpen = !isClosed
        filter.isByMoney = !isClosed
        let limit = 50
        let after = try question.value(
            "after", "what the page before gave as next, in the same order", filter.place(_:))
        try queries.expect(try question.reach(behind: after?.position, isSettled: filter.isSettled))
        let found = try await store.cases(filter, after: after, limit: limit)
        var next = ["state": isClosed ? "closed" : "open", "seen": seen]
        next["after"] = found.last.map { filter.place(of: $0).description }
        return try pages.page(
            "cases", title: "cases", still(visit.frame, question),
            [
                "is_closed": isClosed, "rows": found.map { caseRow($0, visit) },
                "is_empty": found.isEmpty, "has_next": found.count == limit,
                "next": "/console/cases?\(Question.query(next))",
            ])
    }

    /// - Parameter position: As of which position it is; `nil` for now, when it may be overdue.
    private func caseRow(
        _ item: RegistryStore.CaseView, _ visit: Visit, asOf position: Int64? = nil
    ) -> [String: Any] {
        let today = CalendarDate.inChina(milliseconds: Int64(WallClock.now))
        return [
            "id": item.id, "path": casePath(item.id, asOf: position),
            "state": text("case_\(item.state.rawValue)", visit), "state_key": item.state.rawValue,
            "deadline": item.deadline.iso8601, "is_overdue": position == nil && item.isOpen && item.deadline < today,
            "rules": ruleNames(item.rules, visit), "money": item.claimed.grouped,
            "claims": item.parties.map { ["name": $0.claim.description, "path": path($0.claim, asOf: position)] },
            "is_automatic": item.isAutomatic, "waits_for_second": item.proposal != nil,
        ]
    }

    /// One case: its claims side by side, what happened, and the form for a ruling.
    private func conflictCase(_ id: String, _ request: Request, _ visit: Visit) async throws -> Response {
        let (past, question) = try await placed(try Question(request, known: ["done", "as_of"]))
        var done = try question.word("done", of: ConsoleRoutes.caseActs.keys.sorted())
        if let act = done, try await !hasDone(act, onCase: id, visit) { done = nil }
        let position = past?.position
        guard let item = try await store.conflictCase(id, asOf: position) else {
            throw Problem(.notFound, "not-found", RegistryQueries.noCase(id, asOf: position))
        }
        var records: [RegistryStore.ClaimRecord] = []
        for party in item.parties {
            if let record = try await store.claim(party.claim, asOf: position) { records.append(record) }
        }
        let steps = try await store.steps(ofCase: id, asOf: position)
        let proposal = item.proposal
        var values = caseRow(item, visit, asOf: position)
        values["parties"] = records.map { claimRow($0, visit, asOf: position) }
        values["comparison"] = ClaimComparison(records.map(\.claim)).rows.map { row -> [String: Any] in
            [
                "name": text("field_\(row.column)", visit), "cells": row.cells,
                "mark": text(row.isSame ? "sameField" : "differentField", visit), "level": row.isSame ? "matches" : "",
            ]
        }
        values["reasons"] = records.flatMap(\.reasons).filter { item.rules.contains($0.rule) }.map { reason in
            ["rule": ruleName(reason.rule, visit), "rule_id": reason.rule, "message": said(reason.message, visit)]
        }
        values["steps"] = steps.map { caseStep($0, visit) }
        values["may_rule"] = visit.isOperator && item.isOpen && position == nil
        values["may_reopen"] = visit.isOperator && !item.isOpen && position == nil
        values["ruled_claims"] = item.parties.filter(\.isLive).map { ["name": $0.claim.description] }
        values["codes"] = Ruling.Code.allCases.map { ["value": $0.name, "text": text("code_\($0.name)", visit)] }
        values["proposal"] = proposal.map { proposal -> [String: Any] in
            [
                "by": proposal.by, "reason": proposal.reason, "code": text("code_\(proposal.code.name)", visit),
                "code_key": proposal.code.name, "is_own": proposal.by == visit.signature,
                "kept": proposal.kept.map { ["name": $0.description] },
                "ruled_out": proposal.ruledOut.map { ["name": $0.description] },
            ]
        }
        values["done"] = done.map { text("done_\($0)", visit) } ?? ""
        values["is_done"] = done != nil
        return try pastPage(
            "case", title: "\(text("case", visit)) \(id)", still(visit.frame, question), past, values)
    }

    private func caseStep(_ step: RegistryStore.CaseStep, _ visit: Visit) -> [String: Any] {
        let what = [
            step.city?.description, step.answer.map { text("answer_\($0.name)", visit) },
            step.code.map { text("code_\($0.name)", visit) }, step.by.isEmpty ? nil : step.by,
        ]
        return [
            "position": number(Int(step.position)), "event": text("event_\(step.kind.name)", visit),
            "what": what.compactMap(\.self).joined(separator: " · "), "text": step.text, "time": time(step.receivedAt),
            "evidence": step.evidence.map(\.hexadecimal), "has_evidence": !step.evidence.isEmpty,
        ]
    }

    private func reason(_ form: ConsoleForm, _ visit: Visit) throws -> String {
        guard let reason = form.line("reason") else {
            throw Problem(.unprocessableContent, "reason", text("reasonMissing", visit))
        }
        return reason
    }

    /// Reads the ruling of a form: each claim has a field `claim:NAME` that says `keep` or `out`.
    private func ruling(on id: String, _ form: ConsoleForm, _ visit: Visit) throws -> Ruling {
        let choices = form.values(prefix: "claim:")
        func claims(_ choice: String) throws -> [ClaimName] {
            try choices.filter { $0.value == choice }.map { item in
                guard let name = ClaimName(item.name) else {
                    throw Problem(.unprocessableContent, "claim", "\(item.name) names no claim")
                }
                return name
            }
        }
        guard let code = Ruling.Code.allCases.first(where: { $0.name == form.text("code") }) else {
            throw Problem(.unprocessableContent, "code", text("codeMissing", visit))
        }
        let (kept, ruledOut) = (try claims("keep"), try claims("out"))
        guard !(kept + ruledOut).isEmpty else {
            throw Problem(.unprocessableContent, "claim", text("choiceMissing", visit))
        }
        return Ruling(
            caseID: id, kept: kept, ruledOut: ruledOut, code: code, reason: try reason(form, visit),
            by: visit.signature)
    }
}

/// The claims of a case field by field.
struct ClaimComparison {
    struct Row: Equatable {
        let column: String
        /// One for each claim.
        let cells: [String]
        /// Whether all that give it give the same: what they met by is among these.
        let isSame: Bool
    }

    let rows: [Row]

    /// Columns in which every claim differs by nature.
    private static let ownColumns: Set = ["claim_no", "filed_at"]

    init(_ claims: [Claim]) {
        let fields = claims.map { ClaimForm($0).fields }
        rows = ClaimForm.columns.compactMap { column in
            let cells = fields.map { ($0[column] ?? "").replacing(";", with: "; ") }
            guard cells.contains(where: { !$0.isEmpty }) else { return nil }
            let isSame =
                claims.count > 1 && !ClaimComparison.ownColumns.contains(column) && Set(cells).count == 1
            return Row(column: column, cells: cells, isSame: isSame)
        }
    }
}
