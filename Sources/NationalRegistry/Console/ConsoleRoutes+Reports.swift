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
    func addReports(to group: RouterGroup<BasicRequestContext>) {
        group.get("reports") { request, _ in try await page(request) { try await $0.reports($1) } }
        group.get("reports/{name}") { request, context in
            let name = try context.parameters.require("name")
            return try await page(request) { try await $0.report(name, request, $1) }
        }
        group.get("audit") { request, _ in
            try await page(request, ofPrimary: true) { try await $0.audit(request, $1) }
        }
        group.get("exports/{dataset}") { request, context in
            let name = try context.parameters.require("dataset")
            return try await page(request) { routes, _ in
                ExportResponse.make(try await routes.export(name, request), asking: request)
            }
        }
        group.get("exports/{dataset}/manifest") { request, context in
            let name = try context.parameters.require("dataset")
            return try await page(request) { routes, visit in
                let export = try await routes.export(name, request)
                let manifest = try await export.manifest(for: visit.caller.label, now: WallClock.now)
                var response = try JSONBody.response(try manifest.signed(by: acts.secrets.signingKey))
                response.headers[.contentDisposition] = "attachment; filename=\"\(export.fileName).manifest.json\""
                return response
            }
        }
    }

    private func reports(_ visit: Visit) async throws -> Response {
        let items = RegistryStore.Report.Name.allCases.map { name -> [String: Any] in
            [
                "path": "/console/reports/\(name.rawValue)", "title": text("report_\(name.rawValue)", visit),
                "help": text("help_\(name.rawValue)", visit), "must_be_empty": name.mustBeEmpty,
            ]
        }
        return try pages.page(
            "reports", title: "reports", visit.frame,
            [
                "reports": items, "position": "\(try await store.feedHead().position)",
                "signing_key": store.secrets.signingKey.publicKey.bytes.hexadecimal,
            ])
    }

    private func report(_ text: String, _ request: Request, _ visit: Visit) async throws -> Response {
        let isCSV = try Question(request, known: ["format"]).value("format", "csv") { $0 == "csv" ? true : nil }
        guard let name = RegistryStore.Report.Name(rawValue: text) else {
            throw Problem(.notFound, "not-found", "there is no report \(text)")
        }
        let limit = isCSV == true ? 100_000 : 500
        let report = try await queries.report(name, limit: limit)
        if isCSV == true { return CSVResponse.make(report, name: "\(name.rawValue).csv") }
        let words = ReportWords(phrases: pages.phrases, language: visit.language)
        let isMoney = Set(report.columns.indices.filter { report.columns[$0].hasSuffix("_yuan") })
        let rows = report.rows.map { row -> [String: Any] in
            ["cells": row.enumerated().map { cell($1, report.columns[$0], isMoney: isMoney.contains($0), words) }]
        }
        return try pages.page(
            "report", title: "report_\(name.rawValue)", visit.frame,
            [
                "help": self.text("help_\(name.rawValue)", visit), "rows": rows, "is_empty": rows.isEmpty,
                "columns": report.columns.enumerated().map { index, column in
                    ["text": words.heading(column), "class": isMoney.contains(index) ? "number" : ""]
                }, "is_breach": name.mustBeEmpty && !rows.isEmpty, "is_clean": name.mustBeEmpty && rows.isEmpty,
                "is_cut": report.isCut, "csv": "/console/reports/\(name.rawValue)?format=csv",
            ])
    }

    private func cell(_ text: String, _ column: String, isMoney: Bool, _ words: ReportWords) -> [String: Any] {
        let shown = isMoney ? Money(yuan: text)?.grouped ?? text : words.cell(text, in: column)
        let names = text.split(separator: " ").compactMap { ClaimName(String($0)) }
        let isClaims = ["claim", "claims", "other_claim"].contains(column) && !names.isEmpty
        let path = column == "case_id" ? "/console/cases/\(ConsolePages.encoded(text))" : ""
        return [
            "text": shown, "class": isMoney ? "number" : "", "path": path, "has_path": !path.isEmpty,
            "claims": isClaims ? names.map { ["name": $0.description, "path": self.path($0)] } : [],
            "is_plain": path.isEmpty && !isClaims,
        ]
    }

    /// What auditors asked, and what was refused.
    private func audit(_ request: Request, _ visit: Visit) async throws -> Response {
        let before = try Question(request, known: ["before"]).number("before", in: 1...Int64.max)
        let events = try await store.auditEvents(before: before, limit: 100)
        return try pages.page(
            "audit", title: "auditLog", visit.frame,
            [
                "rows": events.map { event in
                    [
                        "time": time(event.at), "actor": event.actor, "action": event.action, "detail": event.detail,
                        "purpose": event.purpose,
                    ]
                }, "is_empty": events.isEmpty, "has_next": events.count == 100,
                "next": "/console/audit?before=\(events.last?.id ?? 0)",
            ])
    }

    private func export(_ name: String, _ request: Request) async throws -> Export {
        guard let dataset = Export.Dataset(rawValue: name) else {
            throw Problem(.notFound, "not-found", "there is no export \(name)")
        }
        return try await Export(dataset, asking: request, queries)
    }
}
