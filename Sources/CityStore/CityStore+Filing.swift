import Arbitration
import Failpoints
import FederationWire
import Foundation
import GRDB
import Replication
import SeededBugs
package import VoucherDomain

/// What became of one row.
package struct FilingResult: Hashable, Sendable {
    package enum Outcome: String, Hashable, Sendable, Codable {
        /// New, and recorded.
        case recorded
        /// The very same was there before; nothing changed.
        case unchanged
        /// The number is taken by other content; nothing changed.
        case conflict
        /// Not an entry: kept with its problems, to be corrected.
        case invalid
    }

    package let line: Int?
    /// The claim or voucher number, as far as it could be read.
    package let number: String
    package let outcome: Outcome
    package let problems: [FieldProblem]
    package let repairs: [FieldRepair]
}

extension CityStore {
    /// The most characters of a withdrawal's reason.
    private static let longestReason = 1_000

    /// Issues vouchers, row by row, in one transaction: each row is taken whole or not at all.
    package func issueVouchers(_ rows: [FormRow], now: UInt64) throws -> [FilingResult] {
        try pool.write { database in try rows.map { try CityStore.issue($0, database, now: now) } }
    }

    /// Files claims, row by row, in one transaction. The log keeps the rows' order.
    package func fileClaims(_ rows: [FormRow], now: UInt64) throws -> [FilingResult] {
        let results = try pool.write { database in
            let results = try rows.map { try CityStore.file($0, database, now: now) }
            Failpoint.reach(.filingUncommitted)
            return results
        }
        Failpoint.reach(.filingCommitted)
        return results
    }

    private static func issue(_ row: FormRow, _ database: Database, now: UInt64) throws -> FilingResult {
        let checked = VoucherForm(fields: row.fields).validated()
        let number = Normaliser.trimmed(row.fields["voucher_no"] ?? "")
        func result(_ outcome: FilingResult.Outcome, _ problems: [FieldProblem] = []) -> FilingResult {
            FilingResult(
                line: row.line, number: number, outcome: outcome, problems: problems, repairs: checked.repairs)
        }
        guard row.problems.isEmpty, let voucher = checked.value else {
            return result(.invalid, row.problems.isEmpty ? checked.problems : row.problems)
        }
        let payload = PayloadCoding.encode(voucher)
        if let known = try payloadOfEntry(
            "SELECT sequence FROM voucher WHERE voucher_no = ?", voucher.number, database)
        {
            return known == payload ? result(.unchanged) : result(.conflict, [taken("voucher_no", voucher.number)])
        }
        try append(.voucherIssued, payload, database, now: now)
        return result(.recorded)
    }

    private static func file(_ row: FormRow, _ database: Database, now: UInt64) throws -> FilingResult {
        let checked = ClaimForm(fields: row.fields).validated()
        let typed = Normaliser.trimmed(row.fields["claim_no"] ?? "")
        let number = typed.isEmpty ? row.line.map { "row \($0)" } ?? "" : typed
        func result(_ outcome: FilingResult.Outcome, _ problems: [FieldProblem] = []) -> FilingResult {
            FilingResult(
                line: row.line, number: number, outcome: outcome, problems: problems, repairs: checked.repairs)
        }
        let known = try Row.fetchOne(
            database.cachedStatement(sql: "SELECT sequence FROM claim WHERE claim_no = ?"), arguments: [number])
        let knownSequence: Int64? = known?["sequence"]
        var problems = row.problems.isEmpty ? checked.problems : row.problems
        if row.problems.isEmpty, let claim = checked.value { problems += try voucherProblems(claim, database) }
        guard problems.isEmpty, let claim = checked.value else {
            // A broken row never touches a claim that was filed under its number.
            if knownSequence == nil { try keepInvalid(row, number, problems, checked.repairs, database) }
            return result(.invalid, problems)
        }
        let payload = PayloadCoding.encode(claim)
        if let knownSequence, !SeededBug.numberFiledAgain.isActive {
            let isSame = try self.payload(at: knownSequence, database) == payload
            return isSame ? result(.unchanged) : result(.conflict, [taken("claim_no", claim.number)])
        }
        let entry = try append(.claimFiled, payload, database, now: now)
        // The city alone knows where it came from and what was typed otherwise.
        try database.run(
            sql: "UPDATE claim SET repairs = ?, source_row = ? WHERE sequence = ?",
            arguments: [
                try StoredJSON.text(checked.repairs.map(StoredJSON.Repair.init)), row.line, Int64(entry.sequence),
            ])
        return result(.recorded)
    }

    /// What only the city can know of a claim's voucher.
    private static func voucherProblems(_ claim: Claim, _ database: Database) throws -> [FieldProblem] {
        let fields = try String.fetchOne(
            database.cachedStatement(sql: "SELECT fields FROM voucher WHERE voucher_no = ?"),
            arguments: [claim.voucherNumber])
        guard let fields else {
            let message = "this city has issued no voucher \(claim.voucherNumber): import its vouchers first"
            return [FieldProblem(column: "voucher_no", message: message)]
        }
        guard try StoredJSON.fields(fields)["enterprise_uscc"] == claim.enterprise.rawValue else {
            let message = "voucher \(claim.voucherNumber) was issued to another enterprise"
            return [FieldProblem(column: "enterprise_uscc", message: message)]
        }
        return []
    }

    private static func keepInvalid(
        _ row: FormRow, _ number: String, _ problems: [FieldProblem], _ repairs: [FieldRepair], _ database: Database
    ) throws {
        // SQLite would read a number up to a zero byte, and write over another row.
        guard !number.isEmpty, number.unicodeScalars.count <= 64, !number.utf8.contains(0) else { return }
        let known = row.fields.filter { ClaimForm.columns.contains($0.key) && !$0.value.isEmpty }
        try database.run(
            sql: """
                INSERT INTO claim (claim_no, fields, problems, repairs, source_row, search_text)
                VALUES (?, ?, ?, ?, ?, ?)
                ON CONFLICT (claim_no) DO UPDATE SET fields = excluded.fields, problems = excluded.problems,
                    repairs = excluded.repairs, source_row = excluded.source_row, search_text = excluded.search_text
                """,
            arguments: [
                number, StoredJSON.text(known), try StoredJSON.text(problems.map(StoredJSON.Problem.init)),
                try StoredJSON.text(repairs.map(StoredJSON.Repair.init)), row.line, searchText(number, known),
            ])
    }

    private static func taken(_ column: String, _ number: String) -> FieldProblem {
        FieldProblem(
            column: column, message: "\(number) is recorded with other content; a change needs a new number")
    }

    private static func payloadOfEntry(_ sql: String, _ number: String, _ database: Database) throws -> [UInt8]? {
        try Int64.fetchOne(database.cachedStatement(sql: sql), arguments: [number]).flatMap {
            try payload(at: $0, database)
        }
    }

    private static func payload(at sequence: Int64, _ database: Database) throws -> [UInt8]? {
        try Data.fetchOne(
            database.cachedStatement(sql: "SELECT bytes FROM log_entry WHERE sequence = ?"), arguments: [sequence]
        )
        .map { try EntryCoding.decode(Array($0)).payload }
    }

    /// Withdraws a claim: an entry of its own, which takes effect where the registry decides it.
    ///
    /// Withdrawing again while the first withdrawal is under way changes nothing.
    ///
    /// - Throws: ``StoreRefusal`` `.notFound`, `.invalid` for a reason that is empty, over 1,000 characters or has a
    ///   control character in it, or `.conflict` for a claim that holds nothing to give back.
    package func withdraw(claimNumber: String, reason: String, now: UInt64) throws {
        if let fault = PayloadCoding.textFault("a reason", reason, atMost: CityStore.longestReason) {
            throw StoreRefusal(.invalid, fault)
        }
        // SQLite would read the number up to a zero byte, and find another claim.
        guard !claimNumber.utf8.contains(0) else { throw StoreRefusal(.notFound, "no such claim in this city") }
        try pool.write { try CityStore.withdraw(claimNumber, reason, $0, now: now) }
    }

    static func withdraw(_ claimNumber: String, _ reason: String, _ database: Database, now: UInt64) throws {
        guard
            let row = try Row.fetchOne(
                database.cachedStatement(
                    sql: "SELECT sequence, withdrawal_sequence, withdrawn FROM claim WHERE claim_no = ?"),
                arguments: [claimNumber])
        else { throw StoreRefusal(.notFound, "no claim \(claimNumber) in this city") }
        if let sequence: Int64 = row["withdrawal_sequence"] {
            let decision = try Int.fetchOne(
                database.cachedStatement(sql: "SELECT decision FROM log_entry WHERE sequence = ?"),
                arguments: [sequence])
            // One that came too late may be said again once the payment is cancelled; so may one that took effect before a
            // payment was found, for which the claim holds its keys again.
            let isUndone = decision == Int(Outcome.Decision.withdrawn.rawValue) && !(row["withdrawn"] as Bool)
            guard isUndone || decision == Int(Outcome.Decision.tooLate.rawValue) else { return }
        }
        let state = try String.fetchOne(
            database.cachedStatement(sql: "SELECT state FROM v1_claims WHERE claim_no = ?"), arguments: [claimNumber])
        if state == "authorized" || state == "paid" {
            throw StoreRefusal(
                .conflict,
                "claim \(claimNumber) is \(state ?? ""): it can be withdrawn once its payment is cancelled or paid back"
            )
        }
        guard let state, ["recorded", "received", "reserved", "held"].contains(state) else {
            throw StoreRefusal(
                .conflict, "claim \(claimNumber) is \(state ?? "unknown") and holds nothing to withdraw")
        }
        let payload = PayloadCoding.encodeWithdrawal(claimNumber: claimNumber, reason: reason)
        try CityStore.append(.claimWithdrawn, payload, database, now: now)
    }
}

/// Small JSON documents inside the store.
enum StoredJSON {
    struct Problem: Codable {
        let column: String
        let message: String

        init(_ problem: FieldProblem) {
            column = problem.column
            message = problem.message
        }
    }

    struct Repair: Codable {
        let column: String
        let typed: String
        let read: String

        init(_ repair: FieldRepair) {
            column = repair.column
            typed = repair.typed
            read = repair.read
        }
    }

    static func text(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    /// The fields of a form, by name. Written out here: of what a city pays for an entry that it gets back, Foundation's
    /// encoder took a third.
    static func text(_ fields: [String: String]) -> String {
        var text = ""
        text.reserveCapacity(fields.reduce(2) { $0 + $1.key.utf8.count + $1.value.utf8.count + 6 })
        text.append("{")
        for (name, value) in fields.sorted(by: { $0.key < $1.key }) {
            if text.utf8.count > 1 { text.append(",") }
            append(name, to: &text)
            text.append(":")
            append(value, to: &text)
        }
        text.append("}")
        return text
    }

    /// A JSON string (RFC 8259 §7): quotation marks, backslashes and control characters are escaped.
    private static func append(_ value: String, to text: inout String) {
        text.append("\"")
        if value.utf8.allSatisfy({ $0 >= 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }) {
            text.append(value)
        } else {
            for scalar in value.unicodeScalars {
                switch scalar {
                case "\"", "\\":
                    text.append("\\")
                    text.unicodeScalars.append(scalar)
                case _ where scalar.value < 0x20:
                    let digits = String(scalar.value, radix: 16)
                    text.append("\\u" + String(repeating: "0", count: 4 - digits.count) + digits)
                default: text.unicodeScalars.append(scalar)
                }
            }
        }
        text.append("\"")
    }

    static func fields(_ text: String) throws -> [String: String] {
        try JSONDecoder().decode([String: String].self, from: Data(text.utf8))
    }

    static func problems(_ text: String) throws -> [FieldProblem] {
        try JSONDecoder().decode([Problem].self, from: Data(text.utf8))
            .map { FieldProblem(column: $0.column, message: $0.message) }
    }

    static func repairs(_ text: String) throws -> [FieldRepair] {
        try JSONDecoder().decode([Repair].self, from: Data(text.utf8))
            .map { FieldRepair(column: $0.column, typed: $0.typed, read: $0.read) }
    }
}
