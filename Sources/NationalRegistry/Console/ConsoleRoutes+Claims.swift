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
    private static let pageRows = Question.usualLimit

    /// Decided claims by any condition, as of any position.
    func claims(_ request: Request, _ visit: Visit) async throws -> Response {
        let typed = try Question(
            typed: request, known: RegistryStore.ClaimFilter.parameters + ["order", "after", "seen"])
        let (past, question) = try await placed(typed)
        var filter = try RegistryStore.ClaimFilter(question)
        filter.isNewestFirst = question.text("order") != "oldest"
        let head = try await queries.head(filter.asOf)
        let after = try question.number("after", in: 0...Int64.max)
        try queries.expect(try question.reach(behind: after, isSettled: filter.isSettled))
        let found = try await store.claims(filter, after: after, limit: ConsoleRoutes.pageRows)
        let isMore = found.count == ConsoleRoutes.pageRows
        var again = question.values
        for name in ["after", "seen"] { again[name] = nil }
        let export = again.filter { $0.key != "order" }.merging(["as_of": "\(head.position)"]) { own, _ in own }
        var next = again
        next["after"] = found.last.map { "\($0.decidedAt.position)" }
        next["seen"] = seen
        let states = ["reserved", "refused", "held", "withdrawn", "authorized", "paid", "reversed"]
        return try pastPage(
            "claims", title: "claims", still(visit.frame, question), past,
            [
                "values": typed.values, "rules": try await ruleChoices(question.text("rule"), visit),
                "states": states.map { name -> [String: Any] in
                    ["value": name, "text": text("state_\(name)", visit), "is_chosen": question.text("state") == name]
                },
                "is_oldest": !filter.isNewestFirst, "rows": found.map { claimRow($0, visit, asOf: filter.asOf) },
                "is_empty": found.isEmpty, "has_next": isMore, "next": "/console/claims?\(Question.query(next))",
                "position": number(Int(head.position)),
                "csv": "/console/exports/claims?format=csv&\(Question.query(export))",
                "manifest": "/console/exports/claims/manifest?format=csv&\(Question.query(export))",
                "ndjson": "/console/exports/claims?format=ndjson&\(Question.query(export))",
            ])
    }

    /// One claim with its whole provenance.
    func claim(_ name: String, _ request: Request, _ visit: Visit) async throws -> Response {
        let (past, question) = try await placed(try Question(request, known: ["as_of"]))
        let position = past?.position
        guard let claimName = ClaimName(name), let record = try await store.claim(claimName, asOf: position) else {
            throw Problem(
                .notFound, "not-found",
                RegistryQueries.noClaim(
                    name, asOf: position,
                    advice: ": look for it under Claims, or ask its city whether it was sent"))
        }
        let decided = Int64(record.decidedAt.position)
        let steps = try await store.steps(ofClaim: decided, asOf: position)
        return try pastPage(
            "claim", title: "\(record.name)", still(visit.frame, question), past,
            [
                "row": claimRow(record, visit), "fields": fields(record.claim, visit),
                "reasons": record.reasons.map { reason($0, visit, asOf: position) },
                "has_reasons": !record.reasons.isEmpty,
                "cases": try await store.cases(naming: record.name, asOf: position).map {
                    ["id": $0, "path": casePath($0, asOf: position)]
                },
                "steps": steps.map { step($0, visit) }, "filed_at": time(record.filedAt),
                "received_at": time(record.receivedAt), "position": number(Int(decided)),
                "incarnation": "\(record.decidedAt.incarnation)", "hash": record.decidedAt.hash.rawValue.hexadecimal,
                "policy_version": "\(record.policyVersion)",
                "policy_digest": try await store.policyDigest(version: record.policyVersion)?.hexadecimal ?? "–",
                "sequence": number(Int(record.sequence)), "epoch": "\(record.epoch.counter)",
                "epoch_incarnation": "\(record.epoch.incarnation)", "epoch_bytes": record.epoch.bytes.hexadecimal,
                "entry_id": record.entryID.rawValue.hexadecimal,
                "receipt_signature": Data(record.receipt.signature).base64EncodedString(),
                "payment": record.payment.map { payment($0, visit) } ?? [:], "has_payment": record.payment != nil,
            ])
    }

    private func fields(_ claim: Claim, _ visit: Visit) -> [[String: Any]] {
        let fields = ClaimForm(claim).fields
        return ClaimForm.columns.compactMap { column in
            fields[column].flatMap { value in
                value.isEmpty
                    ? nil : ["name": text("field_\(column)", visit), "value": value.replacing(";", with: "; ")]
            }
        }
    }

    private func reason(_ reason: Reason, _ visit: Visit, asOf position: Int64?) -> [String: Any] {
        [
            "rule": ruleName(reason.rule, visit), "rule_id": reason.rule,
            "outcome": text("outcome_\(reason.outcome.rawValue)", visit),
            "level": reason.outcome == .block ? "bad" : reason.outcome == .hold ? "warn" : "",
            "message": said(reason.message, visit),
            "blocking": reason.blocking.map { ["name": $0.description, "path": path($0, asOf: position)] },
            "has_blocking": !reason.blocking.isEmpty,
            "unnamed": "\(reason.unnamed)", "has_unnamed": reason.unnamed > 0,
        ]
    }

    private func step(_ step: RegistryStore.ClaimStep, _ visit: Visit) -> [String: Any] {
        [
            "position": number(Int(step.position)), "time": time(step.receivedAt),
            "state": text("state_\(step.state.name)", visit), "state_key": step.state.name,
            "stage": step.stage.map { text("stage_\($0.name)", visit) } ?? "", "has_stage": step.stage != nil,
            "by": step.city == .registry ? text("theRegistry", visit) : step.city.description,
        ]
    }

    private func payment(_ payment: Payment, _ visit: Visit) -> [String: Any] {
        [
            "stage": text("stage_\(payment.stage.name)", visit),
            "reference": payment.authorization?.reference.text ?? "–",
            "amount": payment.authorization?.amount.grouped ?? "–", "refunded": payment.refunded.grouped,
            "owed": payment.owed.grouped, "is_barred": payment.isBarred,
            "is_frozen": payment.isFrozen,
        ]
    }

    // MARK: Duplicates

    /// Claims that met under one key, with what they claim.
    func duplicates(_ request: Request, _ visit: Visit) async throws -> Response {
        let typed = try Question(typed: request, known: RegistryStore.DuplicateFilter.parameters + ["after", "seen"])
        let (past, question) = try await placed(typed)
        let filter = try RegistryStore.DuplicateFilter(question)
        let head = try await queries.head(filter.asOf)
        let after = try question.value(
            "after", "what the page before gave as next", RegistryStore.DuplicatePlace.init(_:))
        try queries.expect(try question.reach(isSettled: filter.asOf != nil))
        let found = try await store.duplicates(filter, after: after, limit: ConsoleRoutes.pageRows)
        let standings = try await store.standings(
            of: Array(Set(found.flatMap(\.claims))).sorted(), asOf: filter.asOf)
        let rows = found.map { duplicate -> [String: Any] in
            [
                "rule": ruleName(duplicate.rule, visit), "rule_id": duplicate.rule,
                "money": duplicate.claimed.grouped,
                "claims": duplicate.claims.map { name -> [String: Any] in
                    let standing = standings[name]
                    return [
                        "name": name.description, "path": path(name, asOf: filter.asOf),
                        "state_key": standing?.state.name ?? "",
                        "state": standing.map { text("state_\($0.state.name)", visit) } ?? "–",
                        "money": standing?.claimed.grouped ?? "",
                    ]
                },
            ]
        }
        // They are kept added up as of now alone.
        let figures = try await filter.asOf == nil ? self.figures.figures() : nil
        let pairs = (figures?.duplicates.rows ?? []).prefix(20).map { row -> [String: Any] in
            [
                "rule": ruleName(row[0], visit), "rule_id": row[0], "one": row[1], "other": row[2], "claims": row[3],
                "money": Money(yuan: row[4])?.grouped ?? row[4],
                "path": "/console/duplicates?\(Question.query(["rule": row[0], "pair": "\(row[1]),\(row[2])"]))",
                "has_path": row[1] != row[2],
            ]
        }
        var next = question.values
        next["after"] = found.last?.place.description
        next["seen"] = seen
        let asked = question.values.filter { !["after", "seen"].contains($0.key) }
        let export = asked.merging(["as_of": "\(head.position)"]) { own, _ in own }
        return try pastPage(
            "duplicates", title: "duplicates", still(visit.frame, question), past,
            [
                "values": typed.values, "rules": try await ruleChoices(question.text("rule"), visit),
                "rows": rows, "is_empty": rows.isEmpty, "pairs": pairs,
                "has_next": found.count == ConsoleRoutes.pageRows,
                "next": "/console/duplicates?\(Question.query(next))",
                "csv": "/console/exports/duplicates?format=csv&\(Question.query(export))",
                "manifest": "/console/exports/duplicates/manifest?format=csv&\(Question.query(export))",
                "taken_at": figures.map { time(Int64($0.takenAt)) } ?? "",
            ])
    }

    /// The rules that one can ask for: those of the policy in force and of any that waits, those of older policies that have
    /// stopped claims, and the one that is asked for.
    private func ruleChoices(_ chosen: String?, _ visit: Visit) async throws -> [[String: Any]] {
        let ids =
            try await store.policyDocuments().flatMap { $0.policy.rules.map(\.id) }
            + store.ruleTotals().map(\.rule) + [chosen].compactMap(\.self)
        var known: Set<String> = []
        return ids.filter { known.insert($0).inserted }.map { id in
            ["value": id, "text": ruleName(id, visit), "is_chosen": id == chosen]
        }
    }

    // MARK: What rows and paths look like

    /// Pages of the past, and those behind the first one, do not look again by themselves.
    func still(_ frame: ConsolePages.Frame, _ question: Question) -> ConsolePages.Frame {
        var frame = frame
        frame.isLive = question.text("as_of") == nil && question.text("after") == nil
        return frame
    }

    /// - Parameter position: As of which position its page is to be, as for ``path(_:asOf:)``.
    func claimRow(
        _ record: RegistryStore.ClaimRecord, _ visit: Visit, asOf position: Int64? = nil
    ) -> [String: Any] {
        [
            "name": record.name.description, "path": path(record.name, asOf: position),
            "city": record.name.city.description,
            "state": text("state_\(record.state.name)", visit), "state_key": record.state.name,
            "enterprise": record.claim.enterpriseName, "provider": record.claim.providerName,
            "contract": record.claim.contractText, "money": record.claim.claimed.grouped,
            "rules": ruleNames(Set(record.reasons.map(\.rule)).sorted(), visit),
            "position": number(Int(record.decidedAt.position)), "time": time(record.receivedAt),
        ]
    }

    /// - Parameter position: As of which position the page is to be: one of the past leads to others of the same past.
    func path(_ name: ClaimName, asOf position: Int64? = nil) -> String {
        "/console/claims/\(name.city)/\(ConsolePages.encoded(name.number).replacing("/", with: "%2F"))"
            + ConsoleRoutes.past(position)
    }

    func casePath(_ id: String, asOf position: Int64? = nil) -> String {
        "/console/cases/\(ConsolePages.encoded(id))" + ConsoleRoutes.past(position)
    }

    private static func past(_ position: Int64?) -> String { position.map { "?as_of=\($0)" } ?? "" }

    func number(_ value: Int) -> String { value.grouped }

    func money(_ amounts: [Money]) -> String { amounts.total?.grouped ?? "–" }

    func time(_ milliseconds: Int64) -> String { ChinaTime.text(milliseconds) }
}
