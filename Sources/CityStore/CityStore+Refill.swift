package import FederationWire
import Foundation
import GRDB
package import Replication
import SeededBugs
import VoucherDomain

/// What a city gives back to a registry whose database was restored: the feed that it has applied, and its own log.
extension CityStore {
    /// Keeps the registry's seal over the feed head where this store stands, when it has none yet.
    package func keep(feedSeal: SignedBytes, of head: FeedHead) throws {
        try pool.write { database in
            guard try NodeCursors.read(database).feedHead == head else { return }
            try database.run(
                sql: "UPDATE node SET feed_seal_body = ?, feed_seal_signature = ? WHERE feed_seal_body IS NULL",
                arguments: [Data(feedSeal.body), Data(feedSeal.signature)])
        }
    }

    /// The incarnation of the registry below which this city accepts nothing; 0 before it was asked.
    package func promisedIncarnation() throws -> UInt32 { try pool.read { try NodeCursors.read($0).promise } }

    /// Promises for ever to accept nothing of an incarnation below the one of the call. Kept when this returns.
    ///
    /// - Parameter signed: The call itself, its signature verified.
    package func promise(_ call: RecoveryCall, signed: SignedBytes) throws {
        try pool.write { database in
            let standing = SeededBug.lowerPromiseKept.isActive ? 0 : try NodeCursors.read(database).promise
            guard standing < call.incarnation else { return }
            try database.run(
                sql: "UPDATE node SET promised_incarnation = ?, recovery_call_body = ?, recovery_call_signature = ?",
                arguments: [call.incarnation, Data(signed.body), Data(signed.signature)])
        }
    }

    /// Everything after this head is to be sent again: the registry has begun anew without it. The receipts for it count no
    /// more, and are kept beside the others.
    ///
    /// What the registry says of its head is not signed. So it is believed only as far as its signed words allow: a receipt
    /// of the incarnation that now grants, or of a later one, says that this incarnation has the entry.
    ///
    /// - Parameter incarnation: That of a grant to this process, whose signature is verified.
    /// - Returns: Whether it is to be sent again; `false`, and nothing has changed, where the newest receipt contradicts it.
    /// - Throws: ``StoreRefusal`` `.damaged` when the head is not one of this log.
    package func sendAgain(after head: LogHead, to incarnation: UInt32) throws -> Bool {
        try pool.write { database in
            guard try head.sequence == 0 || CityStore.hash(at: head.sequence, database) == head.hash else {
                throw StoreRefusal(.damaged, "the registry has another entry \(head.sequence) of this city's log")
            }
            let sequence = Int64(clamping: head.sequence)
            let newest = try CityStore.signed(
                database,
                "SELECT body, signature FROM receipt WHERE through_sequence > ? ORDER BY through_sequence DESC LIMIT 1",
                [sequence])
            if let newest, try Receipt(kept: newest.body).leastIncarnation >= incarnation { return false }
            if SeededBug.receiptsKept.isActive { return true }
            try database.run(
                sql: "UPDATE node SET received_through = min(received_through, ?)", arguments: [sequence])
            try database.run(
                sql: """
                    INSERT OR IGNORE INTO earlier_receipt (through_sequence, body, signature)
                    SELECT through_sequence, body, signature FROM receipt WHERE through_sequence > ?
                    """, arguments: [sequence])
            try database.run(sql: "DELETE FROM receipt WHERE through_sequence > ?", arguments: [sequence])
            return true
        }
    }

    /// What this store holds, with the registry's own signatures over it.
    package func presentation() throws -> Presentation {
        try pool.read { database in
            let cursors = try NodeCursors.read(database)
            let seal = try CityStore.signed(
                database, "SELECT feed_seal_body AS body, feed_seal_signature AS signature FROM node")
            let receipt = try CityStore.signed(
                database, "SELECT body, signature FROM receipt ORDER BY through_sequence DESC LIMIT 1")
            let membership = try CityStore.signed(
                database, "SELECT membership_body AS body, membership_signature AS signature FROM node")
            return Presentation(
                city: cursors.city, feedSeal: seal, receipt: receipt,
                call: try CityStore.keptCall(database), membership: membership)
        }
    }

    /// The call whose promise this city keeps.
    static func keptCall(_ database: Database) throws -> SignedBytes? {
        try signed(database, "SELECT recovery_call_body AS body, recovery_call_signature AS signature FROM node")
    }

    /// The next part of what the registry has not: of the feed, if it wants it from this city, else of the log, up to
    /// the end of the next receipt.
    ///
    /// - Returns: `nil` when this store has nothing that the registry wants now.
    package func refillPage(_ standing: RecoveryStanding, signer: SigningKey) throws -> RefillPage? {
        try pool.read { database in
            let cursors = try NodeCursors.read(database)
            if standing.wantsFeed, standing.feedHead.position < cursors.feedHead.position {
                let feed = try CityStore.feed(after: standing.feedHead, database)
                if !feed.isEmpty { return RefillPage(promise: cursors.promise, feed: feed) }
            }
            guard standing.logHead.sequence < cursors.logHead.sequence else { return nil }
            let (entries, receipt) = try CityStore.batch(after: standing.logHead.sequence, database)
            guard let last = entries.last else { return nil }
            let seal = Seal(city: cursors.city, head: last.head, watermark: last.time, feedHead: cursors.feedHead)
            return RefillPage(
                promise: cursors.promise, entries: entries, seal: try seal.signed(by: signer), receipt: receipt)
        }
    }

    private static func signed(
        _ database: Database, _ sql: String, _ arguments: StatementArguments = []
    ) throws -> SignedBytes? {
        guard let row = try Row.fetchOne(database.cachedStatement(sql: sql), arguments: arguments) else { return nil }
        let body = row.bytes("body")
        return body.isEmpty ? nil : SignedBytes(body: body, signature: row.bytes("signature"))
    }

    /// What follows a head, as much as goes into a page, or one entry that is larger; where this feed has another entry
    /// at the head's position, that one, which says so.
    private static func feed(after head: FeedHead, _ database: Database) throws -> [[UInt8]] {
        if head.position > 0 {
            let row = try Row.fetchOne(
                database.cachedStatement(sql: "SELECT hash, bytes FROM feed_entry WHERE position = ?"),
                arguments: [Int64(clamping: head.position)])
            guard let row else { return [] }
            guard row.bytes("hash") == head.hash.rawValue else { return [row.bytes("bytes")] }
        }
        var pages: [[UInt8]] = []
        var size = 0
        let rows = try Row.fetchCursor(
            database.cachedStatement(sql: "SELECT bytes FROM feed_entry WHERE position > ? ORDER BY position LIMIT ?"),
            arguments: [Int64(clamping: head.position), PushBatch.maximumEntries])
        while let row = try rows.next() {
            let bytes = row.bytes("bytes")
            size += bytes.count
            if size > FeedAnswer.pageBytes, !pages.isEmpty { break }
            pages.append(bytes)
        }
        return pages
    }

    /// The entries up to the end of the next receipt, as many as a request has room for, with the receipt where they
    /// reach its end. What comes before has none: a receipt vouches for its end alone, and may be for several batches,
    /// where the answers to the earlier ones were lost.
    private static func batch(
        after sequence: UInt64, _ database: Database
    ) throws -> (entries: [Entry], receipt: SignedBytes?) {
        let start = Int64(clamping: sequence)
        let end = try Int64.fetchOne(
            database.cachedStatement(sql: "SELECT min(through_sequence) FROM receipt WHERE through_sequence > ?"),
            arguments: [start])
        let rows = try Row.fetchCursor(
            database.cachedStatement(
                sql: "SELECT * FROM log_entry WHERE sequence > ? AND sequence <= ? ORDER BY sequence LIMIT ?"),
            arguments: [start, end ?? .max, PushBatch.maximumEntries])
        var entries: [Entry] = []
        var size = 0
        while size < PushBatch.maximumBytes / 2, let row = try rows.next() {
            entries.append(try CityStore.entry(row))
            size += entries.last?.bytes.count ?? 0
        }
        guard let end, entries.last?.sequence == UInt64(end) else { return (entries, nil) }
        let receipt = try signed(
            database, "SELECT body, signature FROM receipt WHERE through_sequence = ?", [end])
        return (entries, receipt)
    }
}
