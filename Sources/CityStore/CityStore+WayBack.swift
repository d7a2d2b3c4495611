import Arbitration
package import FederationWire
import Foundation
import GRDB
import Replication

/// A feed that does not stand: two registries went on deciding, and this city has followed the one that was given up.
///
/// The city's own log is its own whatever became of the feed. What the feed said of it is forgotten up to where both
/// registries agreed, and comes again from there on.
extension CityStore {
    /// Goes back to the last entry of the feed that stands, in one transaction; what was applied behind it is kept aside.
    ///
    /// - Parameter call: Its signature verified.
    /// - Returns: Whether it did: the call is of the recovery that this city has promised last, and of the very head that it
    ///   has.
    /// - Throws: ``StoreRefusal`` `.damaged` where this store has not the head that it is to go back to, or what stands
    ///   cannot be read again; nothing is then changed.
    package func goBack(_ call: RecoveryCall, detailKey: [UInt8]) throws -> Bool {
        guard let wayBack = call.wayBack else { return false }
        return try pool.write { database in
            let cursors = try NodeCursors.read(database)
            let kept = try CityStore.keptCall(database).map { try RecoveryCall(kept: $0.body) }
            guard call.city == cursors.city, wayBack.from == cursors.feedHead, call.incarnation == cursors.promise,
                call.recoveryID == kept?.recoveryID
            else { return false }
            try CityStore.endFeed(at: wayBack.to, database)
            try CityStore.forgetFeed(after: wayBack.to.position, database)
            try CityStore.readFeedAgain(cursors, DetailCipher(key: detailKey), dialect, database)
            return true
        }
    }

    private static func endFeed(at head: FeedHead, _ database: Database) throws {
        let position = Int64(clamping: head.position)
        let hash = try Data.fetchOne(
            database.cachedStatement(sql: "SELECT hash FROM feed_entry WHERE position = ?"), arguments: [position])
        guard head.position == 0 || hash.map({ Array($0) }) == head.hash.rawValue else {
            throw StoreRefusal(
                .damaged, "the registry sends this store back to feed entry \(head.position), which it has otherwise")
        }
        try database.run(
            sql: """
                INSERT OR IGNORE INTO given_up_feed (hash, position, bytes)
                SELECT hash, position, bytes FROM feed_entry WHERE position > ?
                """, arguments: [position])
        try database.run(sql: "DELETE FROM feed_entry WHERE position > ?", arguments: [position])
        // No seal says that it ends here; the next page brings one.
        try database.run(
            sql: """
                UPDATE node SET feed_incarnation = ?, feed_position = ?, feed_hash = ?, feed_seal_body = NULL,
                    feed_seal_signature = NULL, reported_position = min(reported_position, ?2), report_wanted = 0
                """, arguments: [head.incarnation, position, Data(head.hash.rawValue)])
    }

    /// Forgets everything that the feed has said, and leaves what this city has said.
    private static func forgetFeed(after position: UInt64, _ database: Database) throws {
        for sql in [
            "DELETE FROM key_index",
            "UPDATE log_entry SET decision = NULL WHERE decision IS NOT NULL",
            """
            UPDATE claim SET reasons = x'', case_id = NULL, decided_incarnation = NULL, decided_position = NULL,
                decided_hash = NULL, withdrawn = 0, effect = NULL WHERE sequence IS NOT NULL
            """,
            "UPDATE voucher SET reasons = x''",
            "UPDATE red_letter SET problem = NULL",
            "DELETE FROM city_case_step",
            "UPDATE city_case SET answer_problem = NULL",
            "DELETE FROM payment",
        ] {
            try database.run(sql: sql)
        }
        // A case that stands is told of again; this city's answer is remembered with it.
        try database.run(
            sql: "DELETE FROM city_case WHERE position > ?", arguments: [Int64(clamping: position)])
        let rows = try Row.fetchCursor(
            database.cachedStatement(sql: "SELECT * FROM log_entry WHERE kind IN (\(paymentKinds)) ORDER BY sequence"))
        while let row = try rows.next() {
            let entry = try CityStore.entry(row)
            guard case .payment(let act) = PayloadCoding.content(of: entry) else { continue }
            try noteSaid(act, Int64(entry.sequence), database)
        }
    }

    private static func readFeedAgain(
        _ cursors: NodeCursors, _ cipher: DetailCipher, _ dialect: Dialect, _ database: Database
    ) throws {
        var policyVersion: UInt32 = 0
        var unread: EntryKind?
        let rows = try Row.fetchCursor(
            database.cachedStatement(sql: "SELECT position, bytes FROM feed_entry ORDER BY position"))
        while let row = try rows.next() {
            let position: Int64 = row["position"]
            guard let sealed = try? FeedCoding.decode(row.bytes("bytes")) else {
                throw StoreRefusal(.damaged, "feed entry \(position) is not what was sealed")
            }
            try take(sealed, of: cursors.city, cipher, database)
            policyVersion = max(policyVersion, sealed.entry.policyVersion)
            if !dialect.kinds.contains(sealed.entry.kind) { unread = sealed.entry.kind }
        }
        try database.run(
            sql: "UPDATE node SET policy_version = ?, unread_kind = ?",
            arguments: [policyVersion, unread.map { Int64($0.rawValue) }])
    }

    /// Reads what was given up against its hashes.
    static func verifyGivenUp(_ database: Database) throws {
        let rows = try Row.fetchCursor(
            database.cachedStatement(sql: "SELECT position, hash, bytes FROM given_up_feed"))
        while let row = try rows.next() {
            let position: Int64 = row["position"]
            guard let sealed = try? FeedCoding.decode(row.bytes("bytes")), sealed.hash.rawValue == row.bytes("hash"),
                Int64(clamping: sealed.entry.position) == position
            else { throw StoreRefusal(.damaged, "feed entry \(position), which was given up, is not what was sealed") }
        }
    }
}
