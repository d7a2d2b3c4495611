package import Arbitration
import FederationWire
import Foundation
import GRDB
package import Replication
package import VoucherDomain

extension CityStore {
    /// A claim as officers see it.
    package struct ClaimView: Hashable, Sendable {
        /// The local order of filing, which lists go by.
        package let id: Int64
        package let number: String
        /// `recorded`, `received`, `reserved`, `refused`, `held`, `invalid`, `withdrawn`, `authorized`, `paid` or
        /// `reversed`.
        package let state: String
        package let fields: [String: String]
        /// What was wrong with a row that is no entry.
        package let problems: [FieldProblem]
        package let repairs: [FieldRepair]
        package let sourceRow: Int?
        package let reasons: [Reason]
        package let caseID: String?
        /// The receipt that covers the entry, or `nil` while it is only recorded.
        package let receipt: SignedBytes?
        /// Where it was decided, or `nil`.
        package let decidedAt: FeedHead?
        /// Whether a withdrawal waits for its answer.
        package let isBeingWithdrawn: Bool
    }

    /// A voucher as officers see it.
    package struct VoucherView: Hashable, Sendable {
        package let id: Int64
        package let number: String
        /// `recorded`, `received`, `registered`, `refused` or `invalid`.
        package let state: String
        package let fields: [String: String]
        /// What the registry says against it.
        package let reasons: [Reason]
    }

    /// Claims of a filter, in its order, after the one with id `after`; with 0 the first ones.
    package func claims(_ filter: ClaimFilter = ClaimFilter(), after: Int64 = 0, limit: Int) throws -> [ClaimView] {
        try pool.read { database in
            guard let page = try filter.condition(after: after, limit: limit, database) else { return [] }
            return try CityStore.claimViews(page.sql, page.arguments, database)
        }
    }

    package func claim(_ number: String) throws -> ClaimView? {
        // SQLite would read a number up to a zero byte, and find another claim.
        guard !number.utf8.contains(0) else { return nil }
        return try pool.read { database in try CityStore.claimViews("v.claim_no = ?", [number], database).first }
    }

    static func claimViews(
        _ condition: String, _ arguments: StatementArguments, _ database: Database
    ) throws -> [ClaimView] {
        try Row.fetchAll(database.cachedStatement(sql: claimQuery(condition)), arguments: arguments).map(claimView)
    }

    /// The claims that meet a condition on `v1_claims v` and `claim c`.
    static func claimQuery(_ condition: String) -> String {
        """
        SELECT v.id, v.claim_no, v.state, c.fields, c.problems, c.repairs, c.source_row, c.reasons, c.case_id,
            c.decided_incarnation, c.decided_position, c.decided_hash, c.sequence,
            c.withdrawal_sequence IS NOT NULL AND c.withdrawn = 0
                AND (SELECT decision FROM log_entry WHERE sequence = c.withdrawal_sequence) IS NULL AS withdrawing,
            r.body, r.signature
        FROM v1_claims v JOIN claim c ON c.id = v.id
        LEFT JOIN receipt r ON r.through_sequence =
            (SELECT min(through_sequence) FROM receipt WHERE through_sequence >= c.sequence)
        WHERE \(condition)
        """
    }

    private static func claimView(_ row: Row) throws -> ClaimView {
        let reasons = row.bytes("reasons")
        let receipt = row.bytes("body")
        var decidedAt: FeedHead?
        if let position: Int64 = row["decided_position"], let hash = Digest(rawValue: row.bytes("decided_hash")) {
            decidedAt = FeedHead(incarnation: row["decided_incarnation"], position: UInt64(position), hash: hash)
        }
        return ClaimView(
            id: row["id"], number: row["claim_no"], state: row["state"], fields: try StoredJSON.fields(row["fields"]),
            problems: try StoredJSON.problems(row["problems"]), repairs: try StoredJSON.repairs(row["repairs"]),
            sourceRow: row["source_row"],
            reasons: reasons.isEmpty ? [] : try ReasonCoding.decode(reasons).reasons, caseID: row["case_id"],
            receipt: receipt.isEmpty ? nil : SignedBytes(body: receipt, signature: row.bytes("signature")),
            decidedAt: decidedAt, isBeingWithdrawn: row["withdrawing"])
    }

    package func vouchers(after: Int64, limit: Int) throws -> [VoucherView] {
        try pool.read { database in
            let sql = """
                SELECT w.id, w.voucher_no, w.state, v.fields, v.reasons FROM v1_vouchers w JOIN voucher v ON v.id = w.id
                WHERE w.id > ? ORDER BY w.id LIMIT ?
                """
            return try Row.fetchAll(database.cachedStatement(sql: sql), arguments: [after, limit]).map { row in
                let reasons = row.bytes("reasons")
                return VoucherView(
                    id: row["id"], number: row["voucher_no"], state: row["state"],
                    fields: try StoredJSON.fields(row["fields"]),
                    reasons: reasons.isEmpty ? [] : try ReasonCoding.decode(reasons).reasons)
            }
        }
    }

    /// How far log and feed have come, which one row says.
    package struct Progress: Hashable, Sendable {
        package let logHead: UInt64
        package let receivedThrough: UInt64
        package let feedPosition: UInt64

        package var unsent: UInt64 { logHead - receivedThrough }
    }

    package func progress() throws -> Progress {
        let cursors = try pool.read { try NodeCursors.read($0) }
        return Progress(
            logHead: cursors.logHead.sequence, receivedThrough: cursors.receivedThrough,
            feedPosition: cursors.feedHead.position)
    }

    /// Where replication stands. It counts what is undecided, which takes the longer the more there is.
    package struct SyncState: Hashable, Sendable {
        package let city: CityCode
        package let epoch: Epoch
        package let logHead: UInt64
        package let receivedThrough: UInt64
        package let feedPosition: UInt64
        package let undecided: Int
        package let policyVersion: UInt32
        package let lastContact: UInt64?
        /// How many of the city's entries the registry cannot read yet: it keeps them, and decides them once it can.
        package let unreadByRegistry: Int
        /// A kind of entry in the feed that this build does not know; `nil` when it knows all.
        package let unreadKind: EntryKind?
        /// How many entries were written beside the log and appended late, and not yet noted as seen.
        package let unseenLate: Int
        /// Whether it was put back from a backup and has not been greeted since.
        package let isRestored: Bool
        /// When the city's key is to have been replaced, which works on after that; `nil` until the registry has said so.
        package let keyUntil: Expiry?

        package var unsent: UInt64 { logHead - receivedThrough }
    }

    /// The epoch to speak under, and whether there is something to push: entries without a receipt, or a report.
    package func session(now: UInt64) throws -> (epoch: Epoch, hasUnsent: Bool) {
        try pool.read { database in
            let cursors = try NodeCursors.read(database)
            return (
                cursors.epoch, cursors.receivedThrough < cursors.logHead.sequence || cursors.isToReport(now: now)
            )
        }
    }

    package func syncState() throws -> SyncState {
        try pool.read { database in
            let cursors = try NodeCursors.read(database)
            guard let row = try Row.fetchOne(database.cachedStatement(sql: "SELECT * FROM v1_sync")) else {
                throw StoreRefusal(.notJoined, "this node has not joined")
            }
            return SyncState(
                city: cursors.city, epoch: cursors.epoch, logHead: cursors.logHead.sequence,
                receivedThrough: cursors.receivedThrough,
                feedPosition: cursors.feedHead.position, undecided: row["undecided"],
                policyVersion: row["policy_version"],
                lastContact: (row["last_contact_ms"] as Int64?).map(UInt64.init(clamping:)),
                unreadByRegistry: try Int.fetchOne(
                    database.cachedStatement(sql: "SELECT count(*) FROM log_entry WHERE decision = 8")) ?? 0,
                unreadKind: cursors.unreadKind.flatMap { dialect.kinds.contains($0) ? nil : $0 },
                unseenLate: try Int.fetchOne(
                    database.cachedStatement(sql: "SELECT count(*) FROM late_entry WHERE seen = 0")) ?? 0,
                isRestored: cursors.isRestored, keyUntil: cursors.keyUntil)
        }
    }

    // MARK: Idempotency keys

    /// A remembered answer to a request.
    package struct RememberedAnswer: Hashable, Sendable {
        package let requestDigest: [UInt8]
        package let status: Int
        package let body: [UInt8]

        package init(requestDigest: [UInt8], status: Int, body: [UInt8]) {
            self.requestDigest = requestDigest
            self.status = status
            self.body = body
        }
    }

    package func answer(forKey key: String) throws -> RememberedAnswer? {
        try pool.read { database in
            try Row.fetchOne(
                database.cachedStatement(sql: "SELECT request_sha256, status, body FROM idempotency_key WHERE key = ?"),
                arguments: [key]
            ).map {
                RememberedAnswer(
                    requestDigest: $0.bytes("request_sha256"), status: $0["status"], body: $0.bytes("body"))
            }
        }
    }

    package func remember(_ answer: RememberedAnswer, forKey key: String, now: UInt64) throws {
        try pool.write { database in
            try database.run(
                sql: """
                    INSERT OR IGNORE INTO idempotency_key (key, request_sha256, status, body, created_at_ms)
                    VALUES (?, ?, ?, ?, ?)
                    """,
                arguments: [key, Data(answer.requestDigest), answer.status, Data(answer.body), Int64(now)])
        }
    }
}
