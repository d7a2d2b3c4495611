package import Arbitration
import FederationWire
import Foundation
import GRDB
package import Replication
import SeededBugs
import VoucherDomain

/// Two histories of one log: a store went on from an old copy, while the city's log went on elsewhere.
///
/// The registry's record stands. What this store has beside it is set aside, and appended again at the end, with the ids
/// that it always had: nothing is lost, and nothing that others were told of changes. Appended late it is decided late, so an
/// officer is shown what it is.
extension CityStore {
    /// An entry that was written beside the city's log.
    package struct LateEntry: Hashable, Sendable {
        /// Where it stood in the other history, and when it was written there, milliseconds since 1970.
        package let writtenSequence: UInt64
        package let writtenAt: UInt64
        package let kind: EntryKind
        /// The number of the claim, voucher, case or red letter that it is about; empty for others.
        package let subject: String
        /// Where it stands in the log; `nil` until it is appended again.
        package let sequence: UInt64?
        /// The registry's answer to it, where that is applied here.
        package let decision: Outcome.Decision?
        /// Whether it is never appended: it is about a claim whose number the log gives to another one.
        package let isWithheld: Bool
        package let isSeen: Bool
    }

    /// Everything that was ever written beside the log, in the order in which it was written.
    package func lateEntries() throws -> [LateEntry] {
        try pool.read { database in
            try Row.fetchAll(
                database.cachedStatement(
                    sql: """
                        SELECT l.bytes, l.hash, l.sequence, l.withheld, l.seen, e.decision FROM late_entry l
                        LEFT JOIN log_entry e ON e.sequence = l.sequence ORDER BY l.number
                        """)
            ).map { row in
                let entry = try CityStore.lateEntry(row)
                return LateEntry(
                    writtenSequence: entry.sequence, writtenAt: entry.time.milliseconds, kind: entry.kind,
                    subject: entry.subject, sequence: (row["sequence"] as Int64?).map(UInt64.init),
                    decision: (row["decision"] as UInt8?).flatMap(Outcome.Decision.init(rawValue:)),
                    isWithheld: row["withheld"], isSeen: row["seen"])
            }
        }
    }

    /// Notes that an officer has seen them all. Those of a later time are news again.
    package func noteLateEntriesSeen() throws { try pool.write { try $0.run(sql: "UPDATE late_entry SET seen = 1") } }

    /// Takes the entries from `sequence` on out of the log and the tables, and keeps them aside, inside the caller's
    /// transaction.
    ///
    /// - Precondition: No receipt covers any of them.
    static func setAside(from sequence: UInt64, _ database: Database) throws {
        let first = Int64(sequence)
        try database.run(
            sql: """
                INSERT INTO late_entry (entry_id, bytes, hash, repairs, source_row)
                SELECT e.entry_id, e.bytes, e.hash, c.repairs, c.source_row FROM log_entry e
                LEFT JOIN claim c ON c.sequence = e.sequence WHERE e.sequence >= ? ORDER BY e.sequence
                ON CONFLICT (entry_id) DO UPDATE SET bytes = excluded.bytes, hash = excluded.hash,
                    repairs = excluded.repairs, source_row = excluded.source_row, sequence = NULL, seen = 0
                """, arguments: [first])
        // What stays behind is as it was without them, but for what the entries say of it: they say it again in the end.
        for sql in [
            "UPDATE claim SET withdrawal_sequence = NULL WHERE withdrawal_sequence >= ?",
            "UPDATE city_case SET answer_sequence = NULL WHERE answer_sequence >= ?",
            "UPDATE payment SET submitted_sequence = NULL WHERE submitted_sequence >= ?",
            "DELETE FROM payment WHERE claim_id IN (SELECT id FROM claim WHERE sequence >= ?)",
            """
            UPDATE payment SET last_sequence = (SELECT sequence FROM claim WHERE id = claim_id)
            WHERE last_sequence >= ?
            """,
            "DELETE FROM claim WHERE sequence >= ?",
            "DELETE FROM voucher WHERE sequence >= ?",
            "DELETE FROM red_letter WHERE sequence >= ?",
            "DELETE FROM bank_movement WHERE sequence >= ?",
            "DELETE FROM log_entry WHERE sequence >= ?",
        ] {
            try database.run(sql: sql, arguments: [first])
        }
        let last =
            try Row.fetchOne(
                database.cachedStatement(sql: "SELECT * FROM log_entry ORDER BY sequence DESC LIMIT 1")
            ).map(CityStore.entry)?.head ?? .empty
        try database.run(
            sql: "UPDATE node SET log_epoch = ?, log_sequence = ?, log_hash = ?",
            arguments: [last.epoch.map { Data($0.bytes) }, Int64(last.sequence), Data(last.hash.rawValue)])
    }

    /// Appends what was set aside, inside the caller's transaction. What the log has by now under the same id is not
    /// appended twice; and what is about a claim whose number the log gives to another one is not appended: it would be
    /// taken for a word about that one.
    static func appendSetAside(_ database: Database, now: UInt64) throws {
        if SeededBug.setAsideForgotten.isActive { return }
        let waiting = try Int64.fetchAll(
            database.cachedStatement(
                sql: "SELECT number FROM late_entry WHERE sequence IS NULL AND withheld = 0 ORDER BY number"))
        var replaced: Set<String> = []
        for number in waiting {
            guard
                let row = try Row.fetchOne(
                    database.cachedStatement(sql: "SELECT * FROM late_entry WHERE number = ?"), arguments: [number])
            else { continue }
            let entry = try lateEntry(row)
            if let claim = entry.claimActedOn, replaced.contains(claim) {
                try database.run(sql: "UPDATE late_entry SET withheld = 1 WHERE number = ?", arguments: [number])
                continue
            }
            let known = try Int64.fetchOne(
                database.cachedStatement(sql: "SELECT sequence FROM log_entry WHERE entry_id = ?"),
                arguments: [Data(entry.id.rawValue)])
            let id = SeededBug.lateIDMadeAnew.isActive ? nil : entry.id
            let sequence =
                try known ?? Int64(append(entry.kind, entry.payload, id: id, database, now: now).sequence)
            try database.run(
                sql: "UPDATE late_entry SET sequence = ? WHERE number = ?", arguments: [sequence, number])
            guard let repairs: String = row["repairs"] else { continue }
            try database.run(
                sql: "UPDATE claim SET repairs = ?, source_row = ? WHERE sequence = ?",
                arguments: [repairs, row["source_row"] as Int64?, sequence])
            if database.changesCount == 0 { replaced.insert(entry.subject) }
        }
    }

    /// Reads what was set aside against its hashes.
    static func verifyLate(_ database: Database) throws {
        let rows = try Row.fetchCursor(database.cachedStatement(sql: "SELECT bytes, hash FROM late_entry"))
        while let row = try rows.next() { _ = try lateEntry(row) }
    }

    private static func lateEntry(_ row: Row) throws -> Entry {
        guard let entry = try? EntryCoding.decode(row.bytes("bytes")), entry.hash.rawValue == row.bytes("hash") else {
            throw StoreRefusal(.damaged, "an entry that was set aside is not what was written")
        }
        return entry
    }
}

extension Entry {
    /// The number of the claim that it withdraws or pays.
    fileprivate var claimActedOn: String? {
        switch PayloadCoding.content(of: self) {
        case .claimWithdrawn(let number): number
        case .payment(let act): act.claimNumber
        default: nil
        }
    }

    /// The number of what it is about; empty where it is about nothing that has one.
    fileprivate var subject: String {
        switch PayloadCoding.content(of: self) {
        case .claimFiled(let claim): claim.number
        case .voucherIssued(let voucher): voucher.number
        case .caseAnswered(let answer): answer.caseID
        case .invoiceReversed(let letter): letter.number.text
        default: claimActedOn ?? ""
        }
    }
}
