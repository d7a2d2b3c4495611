import Arbitration
import CityStore
import FederationHTTP
import FederationWire
import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import VoucherDomain
import WebConsole

extension NodeConsole {
    /// How many payments go into one file: each waits until the registry holds the city's word.
    private static let exportedAtATime = 200

    func addPayments(to group: RouterGroup<NodeContext>) {
        group.get("payments") { request, _ in try await page(request) { try payments(request, $0) } }
        group.post("payments/requests") { request, _ in
            try await act(request) { form, _ in
                try routes.requireWritable()
                try await ask(for: form.text("claim"))
                return ConsolePages.redirect(to: form.text("claim").map(path) ?? "/console/payments")
            }
        }
        group.post("payments/export") { request, _ in
            try await act(request) { form, visit in try await export(again: form.text("again") != nil, visit) }
        }
        group.get("payments/exports/{id}") { request, context in
            let id = try context.parameters.require("id")
            return try await page(request) { try exported(try await made(id, $0), id, $0) }
        }
        group.get("payments/exports/{id}/file") { request, context in
            let id = try context.parameters.require("id")
            return try await page(request) { bankFile(try await made(id, $0).rows) }
        }
        group.get("reconciliation") { request, _ in try await page(request) { try reconciliation(request, $0) } }
    }

    private func payments(_ request: Request, _ visit: Visit) throws -> Response {
        let stage = request.text("stage").flatMap { NodeRoutes.paymentStages.contains($0) ? $0 : nil }
        let after = try request.number("after", default: 0, in: 0...Int64.max)
        let views = try store.payments(stage: stage, after: after, limit: 100)
        let (claims, totals) = try totals.current(store)
        let query = stage.map { "stage=\($0)&" } ?? ""
        return try pages.page(
            "payments", title: "payments", visit.frame,
            [
                "stages": NodeRoutes.paymentStages.map { name -> [String: Any] in
                    ["value": name, "text": text("stage_\(name)", visit), "is_chosen": name == stage]
                },
                "rows": views.map { view -> [String: Any] in
                    var row = payment(view, visit)
                    row["number"] = view.claimNumber
                    row["path"] = path(view.claimNumber)
                    return row
                }, "is_empty": views.isEmpty, "has_next": views.count == 100,
                "next": "/console/payments?\(query)after=\(views.last?.id ?? 0)",
                "released": (totals.first { $0.state == "released" }?.count ?? 0).grouped,
                "submitted": (totals.first { $0.state == "submitted" }?.count ?? 0).grouped,
                "reserved": (claims.first { $0.state == "reserved" }?.count ?? 0).grouped,
            ])
    }

    func payment(_ view: CityStore.PaymentView, _ visit: Visit) -> [String: Any] {
        [
            "stage": text("stage_\(view.stage)", visit), "reference": view.reference?.text ?? "–",
            "amount": view.amount > .zero ? view.amount.grouped : "–", "refunded": view.refunded.grouped,
            "clawback": view.clawback.grouped, "is_stopped": view.isStopped,
            "problem": view.problem.map { said($0, visit) } ?? "", "has_problem": view.problem != nil,
            "is_waiting": BankWord.isWaiting(in: view),
        ]
    }

    /// Asks for the payment of one claim, or of all that are reserved and were not asked for. Of these, one that cannot be
    /// asked for, such as one that is being withdrawn, stays as it is.
    private func ask(for number: String?) async throws {
        if let number {
            try store.take(.request, ofClaim: number, now: WallClock.now)
            return routes.ring()
        }
        var after: Int64 = 0
        while true {
            let views = try store.claims(.init(state: "reserved"), after: after, limit: 500)
            let known = try store.payments(ofClaims: views.map(\.id))
            for view in views where known[view.id] == nil {
                do {
                    try store.take(.request, ofClaim: view.number, now: WallClock.now)
                } catch is StoreRefusal { continue }
                await Task.yield()
            }
            routes.ring()
            guard let last = views.last, views.count == 500 else { return }
            after = last.id
        }
    }

    /// Submits what is released, and keeps the bank's file of those that the registry has received. One that cannot be
    /// submitted is named, and the others go on.
    ///
    /// - Parameter again: Also what was submitted before and has no answer of the bank.
    /// - Returns: The way to the page of what became of it, which can be loaded again without anything being done again.
    private func export(again: Bool, _ visit: Visit) async throws -> Response {
        try routes.requireWritable()
        guard await exports.begin() else { throw Problem(.conflict, "busy", text("exportRunning", visit)) }
        do {
            let id = await exports.keep(try await makeExport(again: again))
            await exports.end()
            return ConsolePages.redirect(to: "/console/payments/exports/\(id)")
        } catch {
            await exports.end()
            throw error
        }
    }

    private func makeExport(again: Bool) async throws -> BankExport {
        var rows: [String: [String]] = [:]
        var failures: [BankExport.Failure] = []
        var isStuck = false
        // Read before what was submitted, so that none is missed in between; the reference tells those that are in both.
        for view in try payments(at: "released").prefix(NodeConsole.exportedAtATime) where !isStuck {
            do {
                let submitted = try await routes.submitted(view.claimNumber)
                guard ["released", "submitted"].contains(submitted.stage), let reference = submitted.reference else {
                    continue
                }
                rows[reference.text] = try bankRow(submitted)
            } catch let refusal as StoreRefusal {
                failures.append(.init(claimNumber: view.claimNumber, message: refusal.message))
            } catch let problem as Problem {
                failures.append(.init(claimNumber: view.claimNumber, message: problem.detail))
                // Where the registry does not answer, the next one would wait as long.
                isStuck = problem.kind == "not-received" || problem.kind == "offline"
            }
        }
        if again {
            for view in try payments(at: "submitted") where view.isSubmissionReceived {
                if let reference = view.reference { rows[reference.text] = try bankRow(view) }
            }
        }
        return BankExport(
            rows: rows.sorted { $0.key < $1.key }.map(\.value), failures: failures,
            left: try payments(at: "released").count)
    }

    /// An export that was made by this process.
    private func made(_ id: String, _ visit: Visit) async throws -> BankExport {
        guard let export = await exports.export(id) else {
            throw Problem(.notFound, "not-found", text("exportGone", visit))
        }
        return export
    }

    /// What became of an export.
    private func exported(_ export: BankExport, _ id: String, _ visit: Visit) throws -> Response {
        let failures = export.failures.map { failure in
            [
                "number": failure.claimNumber, "path": path(failure.claimNumber),
                "message": said(failure.message, visit),
            ]
        }
        return try pages.page(
            "exported", title: "bankFile", visit.frame,
            [
                "count": export.rows.count.grouped, "has_rows": !export.rows.isEmpty,
                "file": "/console/payments/exports/\(id)/file", "failures": failures,
                "has_failures": !failures.isEmpty, "left": export.left.grouped, "has_left": export.left > 0,
            ])
    }

    /// All payments at a stage that are not stopped.
    private func payments(at stage: String) throws -> [CityStore.PaymentView] {
        var found: [CityStore.PaymentView] = []
        var after: Int64 = 0
        while true {
            let page = try store.payments(stage: stage, after: after, limit: 500)
            found += page.filter { !$0.isStopped }
            guard let last = page.last, page.count == 500 else { return found }
            after = last.id
        }
    }

    private func bankFile(_ rows: [[String]]) -> Response {
        let bytes = CSVLine.byteOrderMark + Array(([BankFile.columns] + rows).map(CSVLine.encode).joined().utf8)
        var response = Response(
            status: .ok,
            headers: [
                .contentType: "text/csv; charset=utf-8",
                .contentDisposition: "attachment; filename=\"bank-\(routes.identity.city)-\(WallClock.now).csv\"",
            ], body: .init(byteBuffer: ByteBuffer(bytes: bytes)))
        SafetyHeaders.add(to: &response)
        return response
    }

    private func bankRow(_ view: CityStore.PaymentView) throws -> [String] {
        let fields = try store.claim(view.claimNumber)?.fields ?? [:]
        return BankFile.row(
            reference: view.reference?.text ?? "", amount: view.amount.yuan, claimNumber: view.claimNumber, fields)
    }

    // MARK: Month's end

    /// What was filed and decided, and what the bank did, by its own day: to be printed, signed and filed away.
    private func reconciliation(_ request: Request, _ visit: Visit) throws -> Response {
        let months = try store.months()
        let month = request.text("month").flatMap { months.contains($0) ? $0 : nil }
        let state = try store.syncState()
        func row(_ total: CityStore.Total, _ prefix: String) -> [String: Any] {
            [
                "state": text("\(prefix)_\(total.state)", visit), "count": total.count.grouped,
                "money": total.amount.grouped, "refunded": total.refunded.grouped, "clawback": total.clawback.grouped,
            ]
        }
        let claims = try store.claimTotals(month: month)
        let bank = try store.bankTotals(month: month)
        // Where payments stand today is no month's.
        let payments = month == nil ? try store.paymentTotals() : []
        var unsettled: [[String: Any]] = []
        for stage in ["released", "submitted"] {
            for view in try self.payments(at: stage) {
                unsettled.append(payment(view, visit).merging(["number": view.claimNumber]) { $1 })
            }
        }
        return try pages.page(
            "reconciliation", title: "reconciliation", visit.frame,
            [
                "months": months.map { ["value": $0, "is_chosen": $0 == month] as [String: Any] },
                "month": month ?? text("all", visit), "city": cityName,
                "made_at": ChinaTime.text(Int64(WallClock.now)), "feed": Int(state.feedPosition).grouped,
                "unsent": Int(state.unsent).grouped, "undecided": state.undecided.grouped,
                "claims": claims.map { row($0, "state") },
                "claims_count": claims.reduce(0) { $0 + $1.count }.grouped,
                "claims_money": claims.map(\.amount).total?.grouped ?? "–",
                "bank": bank.map { total -> [String: Any] in
                    [
                        "movement": text(total.isPaidBack ? "refunded" : "stage_paid", visit),
                        "count": total.count.grouped, "money": total.amount.grouped,
                    ]
                }, "has_bank": !bank.isEmpty,
                "payments": payments.map { row($0, "stage") }, "has_payments": !payments.isEmpty,
                "unsettled": unsettled, "has_unsettled": !unsettled.isEmpty,
            ])
    }
}

/// What was written for the bank, and what became of the rest.
struct BankExport: Sendable {
    /// A payment that could not be submitted.
    struct Failure: Sendable {
        let claimNumber: String
        let message: String
    }

    /// Those of the file, by reference.
    let rows: [[String]]
    let failures: [Failure]
    /// How many payments were left released.
    let left: Int
}

/// The exports of this process, one made at a time.
actor BankExports {
    private var isRunning = false
    private var exports: [(id: String, export: BankExport)] = []

    /// How many exports can be looked at once more; `again` gives the content of all.
    private static let kept = 20

    /// - Returns: Whether no other export is running.
    func begin() -> Bool {
        defer { isRunning = true }
        return !isRunning
    }

    func end() { isRunning = false }

    /// - Returns: The export's id.
    func keep(_ export: BankExport) -> String {
        let id = UUID().uuidString
        exports = exports.suffix(BankExports.kept - 1) + [(id, export)]
        return id
    }

    func export(_ id: String) -> BankExport? { exports.first { $0.id == id }?.export }
}

/// The file that a bank gets.
package enum BankFile {
    static let columns = [
        "bank_reference", "amount_yuan", "claim_no", "enterprise_uscc", "enterprise_name", "voucher_no", "contract_no",
    ]

    /// - Parameter fields: The claim's, by column.
    package static func row(
        reference: String, amount: String, claimNumber: String, _ fields: [String: String]
    ) -> [String] {
        let told =
            [claimNumber]
            + ["enterprise_uscc", "enterprise_name", "voucher_no", "contract_no"].map { fields[$0] ?? "" }
        // Applicants wrote these, and a spreadsheet may be what opens the file.
        return [reference, amount] + told.map(CSVLine.harmless)
    }
}
