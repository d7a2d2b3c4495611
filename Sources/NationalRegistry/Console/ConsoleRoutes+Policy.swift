import Arbitration
import FederationHTTP
import FederationWire
import Foundation
import HTTPTypes
import Hummingbird
import RegistryStore
import VoucherDomain
import WebConsole

extension ConsoleRoutes {
    func addPolicy(to group: RouterGroup<BasicRequestContext>) {
        group.get("policy") { request, _ in try await page(request) { try await $0.policy($1) } }
        group.post("policy/preview") { request, _ in
            try await act(request, upTo: ConsoleRoutes.maximumForm) { form, visit in
                guard let document = form.text("document") else {
                    throw Problem(.unprocessableContent, "policy", text("policyMissing", visit))
                }
                try await previews.begin(document)
                return ConsolePages.redirect(to: "/console/policy")
            }
        }
    }

    /// The rule book in force, and what another one would have decided.
    private func policy(_ visit: Visit) async throws -> Response {
        let documents = try await store.policyDocuments()
        let current = documents.first
        let rules = current?.policy.rules.map { rule -> [String: Any] in
            [
                "id": rule.id, "name": ruleName(rule.id, visit),
                "primitive": text("primitive_\(rule.primitive.rawValue)", visit),
                "keys": rule.keys.map { text("key_\($0.name)", visit) }.joined(separator: " · "),
                "outcome": text("outcome_\(rule.outcome.rawValue)", visit),
                "level": rule.outcome == .block ? "bad" : rule.outcome == .hold ? "warn" : "",
            ]
        }
        let programmes = current?.policy.programmes.map {
            ["name": $0.name, "from": $0.from.iso8601, "until": $0.until.iso8601]
        }
        let state = await previews.state
        var values = preview(state, visit)
        values["version"] = "\(current?.policy.version ?? 0)"
        values["rules"] = rules ?? []
        values["programmes"] = programmes ?? []
        values["waiting"] = documents.dropFirst().map { ["version": "\($0.policy.version)"] }
        values["has_waiting"] = documents.count > 1
        values["may_preview"] = visit.isOperator
        let own = current.map { String(decoding: $0.document, as: UTF8.self) } ?? ""
        values["document"] = values["document"] ?? own
        return try pages.page("policy", title: "policy", visit.frame, values)
    }

    private func preview(_ state: PreviewDesk.State, _ visit: Visit) -> [String: Any] {
        switch state {
        case .idle: return [:]
        case .running(let document, let done, let total):
            return ["document": document, "is_running": true, "done": number(done), "total": number(total)]
        case .failed(let document, let message):
            return ["document": document, "has_failed": true, "fault": said(message, visit)]
        case .finished(let document, let preview):
            let held = preview.changes.filter { $0.after == .held }.count
            let refused = preview.changes.filter { $0.after == .refused }.count
            return [
                "document": document, "is_finished": true, "compared": number(preview.compared),
                "changed": number(preview.changes.count), "opened": number(held), "blocked": number(refused),
                "changes": preview.changes.prefix(200).map { change -> [String: Any] in
                    [
                        "name": change.claim.description, "path": path(change.claim), "money": change.claimed.grouped,
                        "before": text("state_\(change.before.name)", visit), "before_key": change.before.name,
                        "after": text("state_\(change.after.name)", visit), "after_key": change.after.name,
                        "rules": ruleNames(change.rules, visit),
                    ]
                }, "has_changes": !preview.changes.isEmpty, "is_cut": preview.changes.count > 200,
            ]
        }
    }
}
