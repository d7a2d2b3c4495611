import Arbitration
import CitySchema
import FederationWire
import GRDB
import Replication

extension CityStore {
    /// Brings a store to this build's schema.
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        for migration in CitySchema.migrations {
            migrator.registerMigration(migration.id) { database in
                try database.execute(sql: migration.sql)
                if migration.id == CitySchema.claimSearch { try CityStore.fillSearchTexts(database) }
                if migration.id == CitySchema.bankMovements { try CityStore.fillBankMovements(database) }
            }
        }
        return migrator
    }

    /// How many rows are held at a time.
    private static let rowsAtATime = 1_000

    /// Gives the claims of an older build what they are looked for in.
    private static func fillSearchTexts(_ database: Database) throws {
        var last: Int64 = 0
        while true {
            let rows = try Row.fetchAll(
                database.cachedStatement(
                    sql: "SELECT id, claim_no, fields FROM claim WHERE id > ? ORDER BY id LIMIT ?"),
                arguments: [last, rowsAtATime])
            for row in rows {
                // A damaged row is found by its number alone: the store opens as before.
                let fields = (try? StoredJSON.fields(row["fields"])) ?? [:]
                let text = searchText(row["claim_no"], fields)
                last = row["id"]
                try database.run(sql: "UPDATE claim SET search_text = ? WHERE id = ?", arguments: [text, last])
            }
            if rows.count < rowsAtATime { return }
        }
    }

    /// Reads from an older build's log what the bank did. An entry that is damaged is left to `log verify`, which names
    /// it: the store opens as before.
    private static func fillBankMovements(_ database: Database) throws {
        let (confirmed, reversed) = (EntryKind.paymentConfirmed.rawValue, EntryKind.paymentReversed.rawValue)
        var last: Int64 = 0
        while true {
            let rows = try Row.fetchAll(
                database.cachedStatement(
                    sql: "SELECT * FROM log_entry WHERE sequence > ? AND kind IN (?, ?) ORDER BY sequence LIMIT ?"),
                arguments: [last, Int64(confirmed), Int64(reversed), rowsAtATime])
            for row in rows {
                last = row["sequence"]
                guard let entry = try? CityStore.entry(row),
                    case .payment(let act) = PayloadCoding.content(of: entry)
                else { continue }
                try keepMovement(act.step, last, database)
            }
            if rows.count < rowsAtATime { return }
        }
    }
}
