import Failpoints
import FederationWire
import Foundation
import GRDB
package import Replication
import SeededBugs
import VoucherDomain

extension CityStore {
    /// Appends one entry to the city's log and takes it into the tables that officers see, inside the caller's transaction.
    ///
    /// - Parameters:
    ///   - id: Its permanent id, where it has one already.
    ///   - now: The wall clock, milliseconds since 1970; the entry's own time rises whatever it says.
    @discardableResult
    static func append(
        _ kind: EntryKind, _ payload: [UInt8], id: EntryID? = nil, _ database: Database, now: UInt64
    ) throws -> Entry {
        let cursors = try NodeCursors.read(database)
        guard !cursors.isRestored || SeededBug.restoredWritesAtOnce.isActive else {
            throw StoreRefusal(
                .conflict,
                "this store was restored from a backup: run city-node serve, which first gets back from the registry "
                    + "what the backup has not; until then nothing can be written")
        }
        // No registry takes a log whose epochs go back.
        guard cursors.logHead.epoch.map({ $0 <= cursors.epoch }) ?? true else {
            throw StoreRefusal(
                .conflict,
                "the log ends in a later epoch than epoch \(cursors.epoch.counter), which this store has: "
                    + "nothing can be written; stop it and run city-node restore --in-place")
        }
        guard now <= PushReview.latestTime else {
            throw StoreRefusal(
                .clock, "clock wrong: this computer's clock is beyond the year 2999; set it right, then try again")
        }
        let entry = EntryCoding.make(
            EntryDraft(
                city: cursors.city, epoch: cursors.epoch, sequence: cursors.logHead.sequence + 1,
                time: cursors.logTime.next(now: now), kind: kind, feedHead: cursors.feedHead,
                id: try id ?? newEntryID(database), payload: payload, previousHash: cursors.logHead.hash))
        try keep(entry, database)
        return entry
    }

    /// What is to be pushed next: the entries that no receipt covers, oldest first, with the seal over the last of them;
    /// else, when the city is to be heard, a seal without entries.
    ///
    /// - Parameters:
    ///   - sessionEpoch: The epoch of the session that will push it.
    ///   - signer: Signs the seal.
    /// - Returns: `nil` when there is nothing to say.
    package func nextBatch(sessionEpoch: Epoch, signer: SigningKey, now: UInt64) throws -> PushBatch? {
        if let batch = try unsentBatch(sessionEpoch: sessionEpoch, signer: signer) { return batch }
        let seal = try pool.write { database -> Seal? in
            let cursors = try NodeCursors.read(database)
            guard cursors.isToReport(now: now), cursors.receivedThrough == cursors.logHead.sequence,
                now <= PushReview.latestTime
            else { return nil }
            // Whatever is filed from now on is later than the log's time. A log whose time ran ahead promises the present:
            // the registry believes no watermark that is ahead of its own clock.
            var watermark = HybridTime(milliseconds: now)
            if cursors.logTime.milliseconds <= now {
                watermark = cursors.logTime.next(now: now)
                // The promise is kept before it is given.
                let kept = SeededBug.promiseNotKept.isActive ? cursors.logTime : watermark
                try database.run(
                    sql: "UPDATE node SET log_time = ?", arguments: [Int64(bitPattern: kept.rawValue)])
            }
            return Seal(
                city: cursors.city, head: cursors.logHead, watermark: watermark, feedHead: cursors.feedHead)
        }
        guard let seal else { return nil }
        Failpoint.reach(.promiseCommitted)
        return PushBatch(
            sessionEpoch: sessionEpoch, entries: [], seal: seal, signedSeal: try seal.signed(by: signer))
    }

    /// The next entries that no receipt covers, oldest first, with the seal over the last of them.
    ///
    /// - Returns: `nil` when everything is received.
    package func unsentBatch(
        sessionEpoch: Epoch, maximumEntries: Int = PushBatch.maximumEntries,
        maximumBytes: Int = PushBatch.maximumBytes / 2, signer: SigningKey
    ) throws -> PushBatch? {
        let (cursors, entries) = try pool.read { database in
            let cursors = try NodeCursors.read(database)
            var entries: [Entry] = []
            var size = 0
            let rows = try Row.fetchCursor(
                database.cachedStatement(sql: "SELECT * FROM log_entry WHERE sequence > ? ORDER BY sequence LIMIT ?"),
                arguments: [Int64(cursors.receivedThrough), maximumEntries])
            while size < maximumBytes, let row = try rows.next() {
                let entry = try CityStore.entry(row)
                entries.append(entry)
                size += entry.bytes.count
            }
            return (cursors, entries)
        }
        guard let last = entries.last else { return nil }
        let watermark =
            SeededBug.sealPromisesAhead.isActive
            ? HybridTime(milliseconds: last.time.milliseconds + 60_000) : last.time
        let seal = Seal(city: cursors.city, head: last.head, watermark: watermark, feedHead: cursors.feedHead)
        return PushBatch(
            sessionEpoch: sessionEpoch, entries: entries, seal: seal, signedSeal: try seal.signed(by: signer))
    }

    /// Keeps the registry's receipt: everything up to its head is received.
    ///
    /// - Parameter reported: The feed head that the batch's seal named: the registry has been told of it.
    /// - Throws: ``StoreRefusal`` `.damaged` when it names a head that this log does not have.
    package func store(
        _ receipt: Receipt, signed: SignedBytes, reported: FeedHead = .empty, now: UInt64
    ) throws {
        try pool.write { database in
            let sequence = Int64(receipt.through.sequence)
            guard try CityStore.hash(at: receipt.through.sequence, database) == receipt.through.hash else {
                throw StoreRefusal(
                    .damaged, "the receipt names entry \(sequence), which this log has not, or has otherwise")
            }
            try database.run(
                sql: "INSERT OR IGNORE INTO receipt (through_sequence, body, signature) VALUES (?, ?, ?)",
                arguments: [sequence, Data(signed.body), Data(signed.signature)])
            try database.run(
                sql: """
                    UPDATE node SET received_through = max(received_through, ?), last_contact_ms = ?,
                        reported_position = max(reported_position, ?), reported_at_ms = ?
                    """, arguments: [sequence, Int64(now), Int64(reported.position), Int64(now)])
            Failpoint.reach(.receiptUncommitted)
        }
        Failpoint.reach(.receiptCommitted)
    }

    /// The hash of one entry of the log, or `nil` beyond its end.
    static func hash(at sequence: UInt64, _ database: Database) throws -> Digest? {
        try Data.fetchOne(
            database.cachedStatement(sql: "SELECT hash FROM log_entry WHERE sequence = ?"),
            arguments: [Int64(clamping: sequence)]
        ).flatMap { Digest(rawValue: Array($0)) }
    }

    /// Reads every entry and checks it against its hash, its link and the heads.
    ///
    /// - Returns: How many entries the log has.
    /// - Throws: ``StoreRefusal`` `.damaged` naming the first entry that is not what was written.
    package func verifyLog() throws -> Int { try pool.read { try CityStore.verify($0) } }

    static func verify(_ database: Database) throws -> Int {
        let cursors = try NodeCursors.read(database)
        var chain = Chain(city: cursors.city, head: .empty, time: .zero)
        var count = 0
        let rows = try Row.fetchCursor(database.cachedStatement(sql: "SELECT * FROM log_entry ORDER BY sequence"))
        while let row = try rows.next() {
            do { try chain.append(try CityStore.entry(row)) } catch let fault as Chain.Fault {
                throw StoreRefusal(.damaged, fault.message)
            }
            count += 1
        }
        guard chain.head == cursors.logHead else {
            throw StoreRefusal(
                .damaged,
                "the log ends at entry \(chain.head.sequence), the node's row says \(cursors.logHead.sequence)")
        }
        try CityStore.verifyFeed(database, cursors)
        try CityStore.verifyLate(database)
        try CityStore.verifyGivenUp(database)
        return count
    }

    private static func verifyFeed(_ database: Database, _ cursors: NodeCursors) throws {
        var head = FeedHead.empty
        let rows = try Row.fetchCursor(
            database.cachedStatement(sql: "SELECT position, bytes, hash FROM feed_entry ORDER BY position"))
        while let row = try rows.next() {
            let position: Int64 = row["position"]
            guard let sealed = try? FeedCoding.decode(row.bytes("bytes")), sealed.hash.rawValue == row.bytes("hash"),
                sealed.entry.previousHash == head.hash, sealed.entry.position == head.position + 1
            else { throw StoreRefusal(.damaged, "feed entry \(position) is not what was sealed") }
            head = sealed.head
        }
        guard head == cursors.feedHead else {
            throw StoreRefusal(
                .damaged, "the feed ends at \(head.position), the node's row says \(cursors.feedHead.position)")
        }
    }

    static func entry(_ row: Row) throws -> Entry {
        let sequence: Int64 = row["sequence"]
        guard let entry = try? EntryCoding.decode(row.bytes("bytes")) else {
            throw StoreRefusal(.damaged, "entry \(sequence) of the log cannot be read")
        }
        guard entry.hash.rawValue == row.bytes("hash") || SeededBug.damagedEntryRead.isActive else {
            throw StoreRefusal(.damaged, "entry \(sequence): its bytes do not give its hash")
        }
        guard Int64(entry.sequence) == sequence, entry.id.rawValue == row.bytes("entry_id"),
            Int64(entry.kind.rawValue) == row["kind"]
        else { throw StoreRefusal(.damaged, "entry \(sequence): its number, id or kind is not that of its bytes") }
        return entry
    }
}
