import Arbitration
import Failpoints
import FederationWire
import Foundation
import GRDB
package import Replication
import SeededBugs
import VoucherDomain

extension CityStore {
    /// Where the feed is to be continued.
    package func feedHead() throws -> FeedHead { try pool.read { try NodeCursors.read($0).feedHead } }

    /// Applies a page of the feed, and moves the cursor, in one transaction.
    ///
    /// The page must continue the cursor and end in the registry's seal; a page that was applied before is
    /// refused by its first link, so nothing is ever applied twice.
    ///
    /// - Parameters:
    ///   - sealed: The head that the registry's seal names, its signature already verified.
    ///   - seal: The seal itself, which is kept: it is what a registry is shown that has lost its memory.
    /// - Throws: ``FeedPage/Fault`` or ``StoreRefusal``; nothing is then changed.
    package func apply(
        _ entries: [SealedFeedEntry], sealed: FeedHead, seal: SignedBytes? = nil, detailKey: [UInt8], now: UInt64
    ) throws {
        try pool.write { database in
            let cursors = try NodeCursors.read(database)
            let head = try FeedPage.follow(entries, from: cursors.feedHead, sealed: sealed)
            let cipher = DetailCipher(key: detailKey)
            for sealedEntry in entries { try CityStore.apply(sealedEntry, cursors, cipher, database) }
            let unread = entries.last { !dialect.kinds.contains($0.entry.kind) }?.entry.kind
            try database.run(
                sql: """
                    UPDATE node SET feed_incarnation = ?, feed_position = ?, feed_hash = ?, last_contact_ms = ?,
                        policy_version = max(policy_version, ?), feed_seal_body = ?, feed_seal_signature = ?,
                        unread_kind = coalesce(?, unread_kind)
                    """,
                arguments: [
                    head.incarnation, Int64(head.position), Data(head.hash.rawValue), Int64(now),
                    entries.map(\.entry.policyVersion).max() ?? 0, seal.map { Data($0.body) },
                    seal.map { Data($0.signature) }, unread.map { Int64($0.rawValue) },
                ])
            Failpoint.reach(.pageUncommitted)
        }
        Failpoint.reach(.pageCommitted)
    }

    private static func apply(
        _ sealed: SealedFeedEntry, _ cursors: NodeCursors, _ cipher: DetailCipher, _ database: Database
    ) throws {
        let keep = try database.cachedStatement(
            sql: "INSERT INTO feed_entry (position, hash, bytes) VALUES (?, ?, ?)")
        try keep.execute(arguments: [Int64(sealed.entry.position), Data(sealed.hash.rawValue), Data(sealed.bytes)])
        try take(sealed, of: cursors.city, cipher, database)
    }

    /// Takes what an entry of the feed says into the tables that follow from it, inside the caller's transaction.
    static func take(
        _ sealed: SealedFeedEntry, of city: CityCode, _ cipher: DetailCipher, _ database: Database
    ) throws {
        let entry = sealed.entry
        try indexKeys(entry, database)
        if entry.city == city { try applyOwn(sealed, cipher, database) }
        for effect in entry.effects where !SeededBug.effectSkipped.isActive {
            try applyEffect(effect, entry, cipher, database)
        }
        if entry.asksForReports {
            try database.run(sql: "UPDATE node SET report_wanted = ?", arguments: [Int64(entry.position)])
        }
        for notice in entry.notices where notice.city == city {
            try apply(notice, at: entry.position, cipher, database)
        }
    }

    private static func indexKeys(_ entry: FeedEntry, _ database: Database) throws {
        let take = try database.cachedStatement(
            sql: "INSERT OR IGNORE INTO key_index (hash, position, kind, city_code, tag) VALUES (?, ?, ?, ?, ?)")
        for key in entry.taken {
            try take.execute(arguments: [
                Data(key.hash), Int64(entry.position), Int64(key.kind.rawValue), entry.city.rawValue, Data(key.tag),
            ])
        }
        let released = entry.effects.map { ($0.claimPosition, $0.released) } + [(entry.claimPosition, entry.released)]
        for (position, hashes) in released where !hashes.isEmpty && !SeededBug.releasedKeysStay.isActive {
            let release = try database.cachedStatement(sql: "DELETE FROM key_index WHERE hash = ? AND position = ?")
            for hash in hashes { try release.execute(arguments: [Data(hash), Int64(position)]) }
        }
    }

    /// What becomes of claims of this city that were decided before.
    private static func applyEffect(
        _ effect: FeedEntry.Effect, _ entry: FeedEntry, _ cipher: DetailCipher, _ database: Database
    ) throws {
        // A claim that was withdrawn is there again where a payment of it was found.
        try database.run(
            sql: """
                UPDATE claim SET effect = ?, withdrawn = CASE WHEN ? THEN 0 ELSE withdrawn END WHERE decided_position = ?
                """,
            arguments: [Int(effect.decision.rawValue), effect.decision.isLive, Int64(effect.claimPosition)])
        if database.changesCount > 0 { try apply(effect, entry, cipher, database) }
    }

    /// The registry's answer to one of our own entries.
    private static func applyOwn(_ sealed: SealedFeedEntry, _ cipher: DetailCipher, _ database: Database) throws {
        let entry = sealed.entry
        let sequence = Int64(entry.answers.sequence)
        guard try CityStore.hash(at: entry.answers.sequence, database) == entry.answers.hash else {
            throw StoreRefusal(
                .damaged, "the feed answers entry \(sequence) of this city, which this log has not, or has otherwise")
        }
        try database.run(
            sql: "UPDATE log_entry SET decision = ? WHERE sequence = ?",
            arguments: [Int(entry.decision.rawValue), sequence])
        let detail = try outcomeDetail(entry, cipher)
        let reasons = Data(detail.map { ReasonCoding.encode($0.reasons) } ?? [])
        switch entry.kind {
        case .claimFiled:
            try database.run(
                sql: """
                    UPDATE claim SET reasons = ?, case_id = ?, decided_incarnation = ?, decided_position = ?,
                        decided_hash = ? WHERE sequence = ?
                    """,
                arguments: [
                    reasons, detail.flatMap { $0.caseID.isEmpty ? nil : $0.caseID }, entry.incarnation,
                    Int64(entry.position), Data(sealed.hash.rawValue), sequence,
                ])
        case .claimWithdrawn:
            guard entry.decision == .withdrawn else { break }
            // By the claim: the withdrawal that took effect may not be the last one that was asked for.
            let claim = Int64(entry.claimPosition)
            try database.run(sql: "UPDATE claim SET withdrawn = 1 WHERE decided_position = ?", arguments: [claim])
            // A request ends with its claim.
            try database.run(
                sql: """
                    DELETE FROM payment WHERE claim_id = (SELECT id FROM claim WHERE decided_position = ?)
                        AND coalesce(stage, 1) = 1
                    """, arguments: [claim])
        case .caseAnswered:
            try database.run(
                sql: "UPDATE city_case SET answer_problem = ? WHERE answer_sequence = ?",
                arguments: [entry.decision == .noted ? nil : detail?.reasons.first?.message ?? "", sequence])
        case .paymentRequested, .paymentSubmitted, .paymentConfirmed, .paymentFailed, .paymentReversed,
            .invoiceReversed:
            try applyPaymentAnswer(entry, detail, database)
        case .voucherIssued:
            try database.run(sql: "UPDATE voucher SET reasons = ? WHERE sequence = ?", arguments: [reasons, sequence])
        default: break
        }
    }

    private static func outcomeDetail(_ entry: FeedEntry, _ cipher: DetailCipher) throws -> OutcomeDetail? {
        guard !entry.detail.isEmpty else { return nil }
        guard let text = cipher.open(entry.detail, position: entry.position) else {
            throw StoreRefusal(
                .damaged, "the detail at feed position \(entry.position) cannot be opened with this city's key")
        }
        return try ReasonCoding.decode(text)
    }
}

extension FeedEntry {
    /// Whether a payment waits from here on for what other cities have filed, or for them to have the authorisation.
    fileprivate var asksForReports: Bool {
        effects.contains { $0.payment == .requested || $0.payment == .authorized }
    }
}
