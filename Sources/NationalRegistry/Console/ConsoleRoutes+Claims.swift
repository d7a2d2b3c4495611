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
    private static let pageRows = 50

    /// Decided claims by any condition, as of any position.
    func claims(_ request: Request, _ visit: Visit) async throws -> Response {
        let question = try Question(
            typed: request, known: RegistryStore.ClaimFilter.parameters + ["order", "after", "limit"])
        var filter = try RegistryStore.ClaimFilter(question)
        filter.isNewestFirst = question.text("order") != "oldest"
        let head = try await queries.head(filter.asOf)
        let after = try question.number("after", in: 0...Int64.max)
        let found = try await store.claims(filter, after: after, limit: ConsoleRoutes.pageRows)
        let isMore = found.count == ConsoleRoutes.pageRows
        var again = question.values
        again["after"] = nil
        let export = again.filter { $0.key != "order" }.merging(["as_of": "\(head.position)"]) { own, _ in own }
        var next = again
        next["after"] = found.last.map { "\($0.decidedAt.position)" }
        let states = ["reserved", "refused", "held", "withdrawn", "authorized", "paid", "reversed"]
        return try pages.page(
            "claims", title: "claims", still(visit.frame, question),
            [
                "values": question.values,
                "states": states.map { name -> [String: Any] in
                    ["value": name, "text": text("state_\(name)", visit), "is_chosen": question.text("state") == name]
                },
                "is_oldest": !filter.isNewestFirst, "rows": found.map { claimRow($0, visit) },
                "is_empty": found.isEmpty, "has_next": isMore, "next": "/console/claims?\(Question.query(next))",
                "position": number(Int(head.position)),
                "csv": "/console/exports/claims?format=csv&\(Question.query(export))",
                "manifest": "/console/exports/claims/manifest?format=csv&\(Question.query(export))",
                "ndjson": "/console/exports/claims?format=ndjson&\(Question.query(export))",
            ])
    }

    /// One claim with its whole provenance.
    func claim(_ name: String, _ request: Request, _ visit: Visit) async throws -> Response {
        let position = try Question(request, known: ["as_of"]).number("as_of", in: 0...Int64.max)
        _ = try await queries.head(position)
        guard let name = ClaimName(name), let record = try await store.claim(name, asOf: position) else {
            throw Problem(.notFound, "not-found", "no claim \(name) has been decided")
        }
        let decided = Int64(record.decidedAt.position)
        let steps = try await store.steps(ofClaim: decided).filter { $0.position <= position ?? .max }
        return try pages.page(
            "claim", title: "\(record.name)", visit.frame,
            [
                "row": claimRow(record, visit), "fields": fields(record.claim, visit),
                "reasons": record.reasons.map { reason($0, visit) }, "has_reasons": !record.reasons.isEmpty,
                "cases": try await store.cases(naming: record.name).map { ["id": $0] },
                "steps": steps.map { step($0, visit) }, "filed_at": time(record.filedAt),
                "received_at": time(record.receivedAt), "position": number(Int(decided)),
                "incarnation": "\(record.decidedAt.incarnation)", "hash": record.decidedAt.hash.rawValue.hexadecimal,
                "policy_version": "\(record.policyVersion)", "entry_id": record.entryID.rawValue.hexadecimal,
                "receipt_signature": Data(record.receipt.signature).base64EncodedString(),
                "as_of": position.map { number(Int($0)) } ?? "", "is_past": position != nil,
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

    private func reason(_ reason: Reason, _ visit: Visit) -> [String: Any] {
        [
            "rule": reason.rule, "outcome": text("outcome_\(reason.outcome.rawValue)", visit),
            "level": reason.outcome == .block ? "bad" : reason.outcome == .hold ? "warn" : "",
            "message": said(reason.message, visit),
            "blocking": reason.blocking.map { ["name": $0.description, "path": path($0)] },
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
        ]
    }

    // MARK: Duplicates

    /// Claims that met under one key, with what they claim.
    func duplicates(_ request: Request, _ visit: Visit) async throws -> Response {
        let question = try Question(typed: request, known: RegistryStore.DuplicateFilter.parameters + ["after"])
        let filter = try RegistryStore.DuplicateFilter(question)
        let head = try await queries.head(filter.asOf)
        let after = try question.value(
            "after", "what the page before gave as next", RegistryStore.DuplicatePlace.init(_:))
        let found = try await store.duplicates(filter, after: after, limit: ConsoleRoutes.pageRows)
        let standings = try await store.standings(of: Array(Set(found.flatMap(\.claims))).sorted())
        let rows = found.map { duplicate -> [String: Any] in
            [
                "rule": duplicate.rule, "money": duplicate.claimed.grouped,
                "claims": duplicate.claims.map { name -> [String: Any] in
                    let standing = standings[name]
                    return [
                        "name": name.description, "path": path(name), "state_key": standing?.state.name ?? "",
                        "state": standing.map { text("state_\($0.state.name)", visit) } ?? "–",
                        "money": standing?.claimed.grouped ?? "",
                    ]
                },
            ]
        }
        let figures = try await figures.figures()
        let pairs = figures.duplicates.rows.prefix(20).map { row -> [String: Any] in
            [
                "rule": row[0], "one": row[1], "other": row[2], "claims": row[3],
                "money": Money(yuan: row[4])?.grouped ?? row[4],
                "path": "/console/duplicates?\(Question.query(["rule": row[0], "pair": "\(row[1]),\(row[2])"]))",
                "has_path": row[1] != row[2],
            ]
        }
        var next = question.values
        next["after"] = found.last?.place.description
        let export = question.values.filter { $0.key != "after" }.merging(["as_of": "\(head.position)"]) { own, _ in own
        }
        return try pages.page(
            "duplicates", title: "duplicates", still(visit.frame, question),
            [
                "values": question.values, "rows": rows, "is_empty": rows.isEmpty, "pairs": pairs,
                "has_next": found.count == ConsoleRoutes.pageRows,
                "next": "/console/duplicates?\(Question.query(next))",
                "csv": "/console/exports/duplicates?format=csv&\(Question.query(export))",
                "manifest": "/console/exports/duplicates/manifest?format=csv&\(Question.query(export))",
                "taken_at": time(Int64(figures.takenAt)),
            ])
    }

    // MARK: What rows and paths look like

    /// Pages of the past, and those behind the first one, do not look again by themselves.
    func still(_ frame: ConsolePages.Frame, _ question: Question) -> ConsolePages.Frame {
        var frame = frame
        frame.isLive = question.text("as_of") == nil && question.text("after") == nil
        return frame
    }

    func claimRow(_ record: RegistryStore.ClaimRecord, _ visit: Visit) -> [String: Any] {
        [
            "name": record.name.description, "path": path(record.name), "city": record.name.city.description,
            "state": text("state_\(record.state.name)", visit), "state_key": record.state.name,
            "enterprise": record.claim.enterpriseName, "provider": record.claim.providerName,
            "contract": record.claim.contractText, "money": record.claim.claimed.grouped,
            "rules": Set(record.reasons.map(\.rule)).sorted().joined(separator: " "),
            "position": number(Int(record.decidedAt.position)), "time": time(record.receivedAt),
        ]
    }

    func path(_ name: ClaimName) -> String {
        "/console/claims/\(name.city)/\(ConsolePages.encoded(name.number).replacing("/", with: "%2F"))"
    }

    func number(_ value: Int) -> String { value.grouped }

    func money(_ amounts: [Money]) -> String { amounts.total?.grouped ?? "–" }

    func time(_ milliseconds: Int64) -> String { ChinaTime.text(milliseconds) }
}
