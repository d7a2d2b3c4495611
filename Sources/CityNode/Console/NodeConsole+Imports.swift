import CityStore
import FederationHTTP
import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import Terminal
import VoucherDomain
import WebConsole

extension NodeConsole {
    /// The largest file that is taken: about a million rows.
    private static let maximumBytes = 512 << 20
    private static let rowsAtATime = 500
    /// How many rows that were not taken a page shows.
    private static let shownRows = 500

    func addImports(to group: RouterGroup<NodeContext>) {
        group.get("import") { request, _ in
            try await page(request) { try pages.page("import", title: "importFile", $0.frame, [:]) }
        }
        group.post("import") { request, _ in
            try await page(request) { visit in
                try sessions.requireOwn(request, visit.session, token: request.headers[.formToken])
                try routes.requireWritable()
                let isClaims = request.text("kind") != "vouchers"
                return try imported(try await take(request, isClaims: isClaims), visit)
            }
        }
    }

    /// What became of a file.
    private struct ImportReport {
        var counts: [FilingResult.Outcome: Int] = [:]
        var repairs = 0
        /// Rows that were not taken, and rows of which a field was repaired; the first of each.
        var faults: [FilingResult] = []
        var repaired: [FilingResult] = []
        /// Whether there were more.
        var isLong = false
        var ignored: [String] = []
        /// Why the rest of the file was not read.
        var end: String?
    }

    /// Files that were being imported when the node was ended: nobody else has the directory.
    static func removeLeftImports(in directory: String) {
        for name in (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        where name.hasPrefix("import-") && name.hasSuffix(".csv") { unlink("\(directory)/\(name)") }
    }

    /// Keeps the file for as long as it is read: the encoding is decided before the first row.
    private func take(_ request: Request, isClaims: Bool) async throws -> ImportReport {
        let path = "\(directory)/import-\(UUID().uuidString).csv"
        defer { unlink(path) }
        let size = try await keep(request, at: path)
        // A connection that ends early must not leave a row with half a number in it.
        if let whole = request.headers[.fileSize].flatMap({ Int($0) }), whole != size {
            throw Problem(.badRequest, "cut", "only \(size) of \(whole) bytes arrived: send the file again")
        }
        var report = ImportReport()
        do {
            let file = try CSVFile(
                path: path, columns: isClaims ? ClaimForm.columns : VoucherForm.columns,
                optional: isClaims ? ["invoice_dates"] : [])
            var waiting: [FormRow] = []
            try await file.read(unknown: { report.ignored = $0 }) { row, _ in
                waiting.append(row)
                guard waiting.count == NodeConsole.rowsAtATime else { return }
                try record(waiting, isClaims: isClaims, &report)
                waiting = []
                // Others want to be served as well, and a node that is being stopped does not finish a long file.
                try Task.checkCancellation()
                await Task.yield()
            }
            try record(waiting, isClaims: isClaims, &report)
        } catch let failure as CSVFile.Failure {
            // The officer knows the file by another name.
            report.end = failure.message.replacing("\(path), ", with: "").replacing("\(path): ", with: "")
                .replacing(path, with: "the file")
        } catch {
            // What was recorded stays; the officer must know how much that is.
            report.end = error.isDiskFull ? "the disk is full" : (error as? StoreRefusal)?.message ?? "\(error)"
        }
        return report
    }

    /// - Returns: How many bytes the file has.
    private func keep(_ request: Request, at path: String) async throws -> Int {
        guard FileManager.default.createFile(atPath: path, contents: nil, attributes: [.posixPermissions: 0o600]),
            let handle = FileHandle(forWritingAtPath: path)
        else { throw NodeConsole.noRoom }
        var size = 0
        for try await buffer in request.body {
            size += buffer.readableBytes
            guard size <= NodeConsole.maximumBytes else {
                throw Problem(
                    .contentTooLarge, "too-large", "a file of more than \(NodeConsole.maximumBytes >> 20) MiB")
            }
            do { try handle.write(contentsOf: Data(buffer.readableBytesView)) } catch { throw NodeConsole.noRoom }
        }
        do { try handle.close() } catch { throw NodeConsole.noRoom }
        return size
    }

    private static let noRoom = Problem(
        .init(code: 507, reasonPhrase: "Insufficient Storage"), "disk-full",
        "the file cannot be kept on the node's disk: nothing of it was recorded; free some space and try again",
        retryAfter: 30)

    private func record(_ rows: [FormRow], isClaims: Bool, _ report: inout ImportReport) throws {
        guard !rows.isEmpty else { return }
        let now = WallClock.now
        let results = isClaims ? try store.fileClaims(rows, now: now) : try store.issueVouchers(rows, now: now)
        routes.ring()
        for result in results {
            report.counts[result.outcome, default: 0] += 1
            report.repairs += result.repairs.count
            let isTaken = result.outcome == .recorded || result.outcome == .unchanged
            if isTaken, result.repairs.isEmpty { continue }
            let shown = isTaken ? report.repaired.count : report.faults.count
            if shown >= NodeConsole.shownRows {
                report.isLong = true
            } else if isTaken {
                report.repaired.append(result)
            } else {
                report.faults.append(result)
            }
        }
    }

    private func imported(_ report: ImportReport, _ visit: Visit) throws -> Response {
        func count(_ outcome: FilingResult.Outcome) -> String { (report.counts[outcome] ?? 0).grouped }
        return try pages.page(
            "imported", title: "importDone", visit.frame,
            [
                "rows": report.counts.values.reduce(0, +).grouped, "recorded": count(.recorded),
                "unchanged": count(.unchanged), "invalid": count(.invalid), "conflict": count(.conflict),
                "repairs": report.repairs.grouped,
                "ignored": report.ignored.joined(separator: ", "), "has_ignored": !report.ignored.isEmpty,
                "end": report.end.map { said($0, visit) } ?? "", "is_cut": report.end != nil,
                "faults": (report.faults + report.repaired).map { result -> [String: Any] in
                    [
                        "line": result.line.map { "\($0)" } ?? "", "number": result.number,
                        "outcome": text("import_\(result.outcome.rawValue)", visit),
                        "level": [.invalid, .conflict].contains(result.outcome) ? "bad" : "good",
                        "problems": result.problems.map {
                            ["name": text("field_\($0.column)", visit), "message": said($0.message, visit)]
                        },
                        "repairs": result.repairs.map {
                            ["name": text("field_\($0.column)", visit), "typed": $0.typed, "read": $0.read]
                        },
                    ]
                }, "has_faults": !(report.faults + report.repaired).isEmpty,
                "is_long": report.isLong,
            ])
    }
}

extension HTTPField.Name {
    /// How long the file is that a script sends.
    static let fileSize = HTTPField.Name("X-File-Size").unsafelyUnwrapped
}
