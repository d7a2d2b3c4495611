import Foundation
import GRDB
package import Replication
import VoucherDomain

/// A store in memory, for simulations: the same schema, statements and rules, without a disk.
///
/// It is gone with the last copy of this value. Everything runs on the calling thread, one call after the other, so that a
/// single-threaded simulation is deterministic.
extension CityStore {
    /// Opens an empty store that is the node of no city yet.
    ///
    /// - Parameter entryIDs: Makes the ids of new entries.
    package init(inMemory entryIDs: @escaping EntryIDSource) throws {
        var configuration = Configuration()
        configuration.foreignKeysEnabled = true
        configuration.prepareDatabase { $0.add(function: CityStore.entryIDFunction(entryIDs)) }
        dialect = .current
        pool = Connections(inMemory: try DatabaseQueue(configuration: configuration))
        try pool.migrate(by: CityStore.migrator)
    }

    /// Becomes what `other` is now, as a disk does onto which a backup is copied.
    package func become(_ other: CityStore) throws { try other.pool.backup(to: pool) }

    /// Forgets everything but the schema: the store is the node of no city again.
    package func erase() throws {
        try pool.write { database in
            for table in CityStore.tables { try database.run(sql: "DELETE FROM \(table)") }
        }
    }

    /// The entries of the log after a sequence, in their order.
    package func log(after sequence: UInt64) throws -> [Entry] {
        try pool.read { database in
            try Row.fetchAll(
                database.cachedStatement(sql: "SELECT * FROM log_entry WHERE sequence > ? ORDER BY sequence"),
                arguments: [Int64(clamping: sequence)]
            ).map(CityStore.entry)
        }
    }

    /// Every claim's number and state, in the order of filing.
    package func claimStates() throws -> [(number: String, state: String)] {
        try pool.read { database in
            try Row.fetchAll(database.cachedStatement(sql: "SELECT claim_no, state FROM v1_claims ORDER BY id"))
                .map { (number: $0[0], state: $0[1]) }
        }
    }

    /// The entry by which this store has said last that the payment of a claim goes to the bank; `nil` before it has, and
    /// where the registry did not take that word.
    package func submission(ofClaim number: String) throws -> EntryID? {
        try pool.read { database in
            let sql = """
                SELECT e.entry_id FROM payment p JOIN claim c ON c.id = p.claim_id
                JOIN log_entry e ON e.sequence = p.submitted_sequence WHERE c.claim_no = ?
                """
            let id = try Data.fetchOne(database.cachedStatement(sql: sql), arguments: [number])
            return id.flatMap { EntryID(rawValue: Array($0)) }
        }
    }

    /// Every row of a table as text, in the order of its first columns, to compare two stores by.
    package func dump(_ table: String) throws -> [String] {
        precondition(CityStore.tables.contains(table), "the schema has no table \(table)")
        return try pool.read { database in
            let columns = table == "key_index" ? "hash, position" : "1"
            return try Row.fetchAll(database.cachedStatement(sql: "SELECT * FROM \(table) ORDER BY \(columns)")).map {
                row in
                row.databaseValues.map { value in
                    Data.fromDatabaseValue(value).map { Array($0).hexadecimal } ?? "\(value)"
                }.joined(separator: " ")
            }
        }
    }

    /// Every table of the schema; those that refer to others first.
    package static let tables = [
        "given_up_feed", "late_entry", "city_case_step", "city_case", "payment", "red_letter", "bank_movement", "claim",
        "voucher", "receipt", "earlier_receipt", "idempotency_key", "key_index", "feed_entry", "log_entry", "node",
    ]
}
