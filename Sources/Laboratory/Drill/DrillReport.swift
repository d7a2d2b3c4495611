import Terminal

/// What came of every fault, as a table and as JSON.
struct DrillReport: Encodable {
    struct Row: Encodable {
        /// Which fault of FAULTS.md, such as `F1`.
        let id: String
        let fault: String
        let done: String
        let seen: String
        /// What was found wrong while and after it; empty when every invariant held.
        let violations: [String]
        let seconds: Double
    }

    var rows: [Row] = []
    /// What was left out, and why.
    var skipped: [String] = []
    var claims = 0
    var payments = 0
    var requestsRepeated = 0

    var holds: Bool { rows.allSatisfy(\.violations.isEmpty) }

    var text: String {
        var table = TextTable(["", "fault", "what was done", "what was seen", "s", "invariants"], rightAligned: [4])
        for row in rows {
            let seconds = "\(Int(row.seconds)).\(Int(row.seconds * 10) % 10)"
            let verdict = row.violations.isEmpty ? "all held" : "BROKEN: \(row.violations.count)"
            table.add([row.id, row.fault, row.done, row.seen, seconds, verdict])
        }
        let broken = rows.flatMap { row in row.violations.map { "\(row.fault): \($0)" } }
        let failed = rows.count { !$0.violations.isEmpty }
        return
            ([table.text, ""] + broken + skipped.map { "skipped: \($0)" } + [
                "\(rows.count) faults, \(failed) failed; \(claims) claims filed, \(payments) paid, "
                    + "\(requestsRepeated) requests asked again"
            ]).joined(separator: "\n")
    }
}
