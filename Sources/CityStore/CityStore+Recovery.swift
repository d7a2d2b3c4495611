import FederationWire
import Foundation
import GRDB
package import Replication
import SeededBugs
package import VoucherDomain

/// A store that was restored from a backup, and gets back from the registry what the backup has not.
extension CityStore {
    /// Notes that this file was put back from a backup: nothing is written until the registry's record is back.
    package func markRestored() throws {
        try pool.write { database in
            _ = try NodeCursors.read(database)
            try database.run(sql: "UPDATE node SET restored = 1, alarm = NULL")
        }
    }

    /// Whether the store was put back and has not been greeted since.
    package func isRestored() throws -> Bool { try pool.read { try NodeCursors.read($0).isRestored } }

    /// The end of the city's own log.
    package func logHead() throws -> LogHead { try pool.read { try NodeCursors.read($0).logHead } }

    /// The last entry that the registry gave this store a receipt for: from there on it is asked what it has.
    package func receivedHead() throws -> LogHead { try pool.read { try CityStore.receivedHead($0) } }

    static func receivedHead(_ database: Database) throws -> LogHead {
        try Row.fetchOne(
            database.cachedStatement(
                sql: "SELECT * FROM log_entry WHERE sequence = (SELECT received_through FROM node)")
        ).map(CityStore.entry)?.head ?? .empty
    }

    /// Takes entries that follow ``receivedHead()`` back into the log and the tables, with the receipts that were given for
    /// them; all or nothing. Where this log has others in their place, these are set aside first: see ``LateEntry``.
    ///
    /// - Parameter receipts: Their signatures already verified, in the order of the log.
    /// - Throws: ``StoreRefusal`` `.damaged` when the entries do not continue this log, or the last receipt does not name
    ///   the last of them.
    package func takeBack(_ entries: [Entry], _ receipts: [(receipt: Receipt, signed: SignedBytes)]) throws {
        try pool.write { database in
            var cursors = try NodeCursors.read(database)
            let new = try entries.drop {
                try $0.sequence <= cursors.logHead.sequence
                    && CityStore.hash(at: $0.sequence, database) == $0.hash
            }
            if let first = new.first, first.sequence <= cursors.logHead.sequence {
                guard first.sequence > cursors.receivedThrough else {
                    throw StoreRefusal(
                        .damaged, "the registry gave a receipt for another entry \(first.sequence) than it has")
                }
                try CityStore.setAside(from: first.sequence, database)
                cursors = try NodeCursors.read(database)
            }
            var chain = Chain(city: cursors.city, head: cursors.logHead, time: .zero)
            for entry in new {
                do { try chain.append(entry) } catch let fault as Chain.Fault {
                    throw StoreRefusal(.damaged, "what the registry has does not continue this log: \(fault.message)")
                }
                try CityStore.keep(entry, database)
            }
            guard let last = receipts.last?.receipt, last.through == entries.last?.head,
                receipts.allSatisfy({ $0.receipt.city == cursors.city })
            else { throw StoreRefusal(.damaged, "the registry gave no receipt for the last entry that it sent back") }
            for (receipt, signed) in receipts {
                try database.run(
                    sql: "INSERT OR IGNORE INTO receipt (through_sequence, body, signature) VALUES (?, ?, ?)",
                    arguments: [Int64(receipt.through.sequence), Data(signed.body), Data(signed.signature)])
            }
            try database.run(
                sql: "UPDATE node SET received_through = max(received_through, ?)",
                arguments: [Int64(last.through.sequence)])
        }
    }

    // MARK: Backups

    /// What a copy of the store holds, as its manifest says.
    package struct Contents: Hashable, Sendable {
        package let city: CityCode
        package let logHead: LogHead
        package let feedHead: FeedHead
    }

    /// Copies the store to a file that is not there yet, as it stands at one moment, beside a node that may be writing;
    /// and reads the copy against every hash and link.
    ///
    /// - Throws: ``StoreRefusal`` `.damaged` when the copy is not what was written.
    package func copy(to path: String) throws -> Contents {
        let copy = try DatabaseQueue(path: path)
        defer { try? copy.close() }
        try pool.backup(to: copy)
        if !SeededBug.backupInTwoFiles.isActive { try CityStore.makeOneFile(copy) }
        return try copy.read { database in
            if !SeededBug.backupUnread.isActive { _ = try CityStore.verify(database) }
            let cursors = try NodeCursors.read(database)
            return Contents(city: cursors.city, logHead: cursors.logHead, feedHead: cursors.feedHead)
        }
    }

    /// Brings a closed store into one file: nothing beside it can be forgotten when it is moved.
    package static func makeOneFile(_ path: String) throws {
        let queue = try DatabaseQueue(path: path)
        defer { try? queue.close() }
        try makeOneFile(queue)
    }

    private static func makeOneFile(_ queue: DatabaseQueue) throws {
        try queue.writeWithoutTransaction { try $0.execute(sql: "PRAGMA journal_mode = DELETE") }
    }

    /// What the store holds now.
    package func contents() throws -> Contents {
        try pool.read { database in
            let cursors = try NodeCursors.read(database)
            return Contents(city: cursors.city, logHead: cursors.logHead, feedHead: cursors.feedHead)
        }
    }
}
