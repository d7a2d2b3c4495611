import Arbitration
import FederationWire
import Foundation
import GRDB
import Replication
import VoucherDomain

/// What an entry of the city's own log is to the tables that officers see. The entry alone says it: what a node writes, and
/// what it gets back after a restore, come to the same rows.
extension CityStore {
    /// Takes an entry into the log and into these tables, inside the caller's transaction.
    ///
    /// - Precondition: It follows the log's head.
    static func keep(_ entry: Entry, _ database: Database) throws {
        try database.run(
            sql: "INSERT INTO log_entry (sequence, entry_id, kind, hash, bytes) VALUES (?, ?, ?, ?, ?)",
            arguments: [
                Int64(entry.sequence), Data(entry.id.rawValue), Int64(entry.kind.rawValue), Data(entry.hash.rawValue),
                Data(entry.bytes),
            ])
        try database.run(
            sql: "UPDATE node SET log_epoch = ?, log_sequence = ?, log_hash = ?, log_time = max(log_time, ?)",
            arguments: [
                Data(entry.epoch.bytes), Int64(entry.sequence), Data(entry.hash.rawValue),
                Int64(bitPattern: entry.time.rawValue),
            ])
        try note(entry, database)
    }

    private static func note(_ entry: Entry, _ database: Database) throws {
        let sequence = Int64(entry.sequence)
        switch PayloadCoding.content(of: entry) {
        case .voucherIssued(let voucher):
            try database.run(
                sql: "INSERT OR IGNORE INTO voucher (voucher_no, sequence, fields) VALUES (?, ?, ?)",
                arguments: [voucher.number, sequence, StoredJSON.text(VoucherForm(voucher).fields)])
        case .claimFiled(let claim):
            let fields = ClaimForm(claim).fields
            // A broken row may have stood under the number before; of two claims the first has it, as with the registry.
            try database.run(
                sql: """
                    INSERT INTO claim (claim_no, sequence, fields, repairs, search_text) VALUES (?, ?, ?, '[]', ?)
                    ON CONFLICT (claim_no) DO UPDATE SET sequence = excluded.sequence, fields = excluded.fields,
                        problems = '[]', repairs = '[]', source_row = NULL, search_text = excluded.search_text
                        WHERE claim.sequence IS NULL
                    """,
                arguments: [claim.number, sequence, StoredJSON.text(fields), searchText(claim.number, fields)])
        case .claimWithdrawn(let number):
            try database.run(
                sql: "UPDATE claim SET withdrawal_sequence = ? WHERE claim_no = ?", arguments: [sequence, number])
        case .caseAnswered(let answer):
            try database.run(
                sql: "UPDATE city_case SET answer_sequence = ?, answer_problem = NULL WHERE case_id = ?",
                arguments: [sequence, answer.caseID])
        case .payment(let act): try note(act, sequence, database)
        case .invoiceReversed(let letter):
            try database.run(
                sql: """
                    INSERT OR IGNORE INTO red_letter (number, invoice, amount_fen, issued_on, sequence)
                    VALUES (?, ?, ?, ?, ?)
                    """,
                arguments: [
                    letter.number.text, letter.invoice.text, letter.amount.rawValue, letter.issuedOn.rawValue, sequence,
                ])
        default: break
        }
    }

    private static func note(_ act: PaymentAct, _ sequence: Int64, _ database: Database) throws {
        try noteSaid(act, sequence, database)
        try keepMovement(act.step, sequence, database)
    }

    /// Notes what was said last of a payment.
    static func noteSaid(_ act: PaymentAct, _ sequence: Int64, _ database: Database) throws {
        let submission =
            switch act.step {
            case .requested: 1
            case .submitted: 2
            case .confirmed, .failed, .reversed: 0
            }
        try database.run(
            sql: """
                INSERT INTO payment (claim_id, last_sequence) SELECT id, ?2 FROM claim WHERE claim_no = ?1
                ON CONFLICT (claim_id) DO UPDATE SET last_sequence = ?2, problem = NULL,
                    submitted_sequence = CASE ?3 WHEN 2 THEN ?2 ELSE submitted_sequence END
                """, arguments: [act.claimNumber, sequence, submission])
    }

    /// Keeps what the bank did, where the step tells of it.
    static func keepMovement(_ step: PaymentAct.Step, _ sequence: Int64, _ database: Database) throws {
        guard let (bank, isPaidBack) = step.movement else { return }
        try database.run(
            sql: "INSERT INTO bank_movement (sequence, paid_back, amount_fen, day) VALUES (?, ?, ?, ?)",
            arguments: [sequence, isPaidBack, bank.amount.rawValue, bank.day.rawValue])
    }
}

extension PaymentAct.Step {
    /// What the bank did, where the step tells of it, and whether the money came back.
    fileprivate var movement: (bank: PaymentAct.BankRecord, isPaidBack: Bool)? {
        switch self {
        case .requested, .submitted, .failed: nil
        case .confirmed(_, let bank): (bank, false)
        case .reversed(_, let bank, _): (bank, true)
        }
    }
}
