import Arbitration
import FederationWire
import PostgresClient
import Replication
import VoucherDomain

/// The one process that decides, for as long as it holds the database's advisory lock.
///
/// Takes what all cities have pushed, in the order in which their batches were committed, folds it in memory on
/// the part of the ledger that it touches, and writes outcome, keys and feed in the same transaction as the
/// counter of positions. A crash anywhere leaves nothing half-done; the next arbiter goes on at the same place.
package struct Arbiter: Sendable {
    private let connection: PostgresConnection
    private let store: RegistryStore

    /// What one transaction decided.
    package struct Report: Hashable, Sendable {
        package let decided: Int
        /// Whether more waits.
        package let more: Bool
    }

    /// The most entries folded in one transaction, unless one batch is larger.
    package static let maximumEntries = 8_000

    package init(store: RegistryStore) {
        self.store = store
        self.connection = store.pool.dedicated()
    }

    /// Tries to become the arbiter. The lock lives as long as this connection.
    ///
    /// - Returns: Whether this process is the arbiter now.
    package func acquire() async throws -> Bool {
        try await connection.run { session in
            let result = try session.execute("SELECT pg_try_advisory_lock(\(Locks.arbiter))")
            let isHeld = result.bool(0, 0)
            if isHeld { try session.run(script: "LISTEN \(RegistryStore.inboxChannel)") }
            return isHeld
        }.get()
    }

    /// Gives the lock up, so that another process can decide.
    package func release() async {
        _ = await connection.run { session in try session.run(script: "SELECT pg_advisory_unlock_all()") }
    }

    /// Waits for a committed batch.
    ///
    /// - Returns: Whether there was a notification before the time was over.
    package func waitForWork(milliseconds: Int32) async throws -> Bool {
        try await connection.run { try $0.waitForNotification(milliseconds: milliseconds) }.get()
    }

    /// Decides what waits, at most ``maximumEntries`` in one transaction, and tells the feed's readers.
    ///
    /// - Throws: ``PostgresError``; when the connection broke, the lock is gone with it.
    package func decide() async throws -> Report {
        let secrets = store.secrets
        return try await connection.run { session in
            try session.transaction { try Arbiter.decide(session, secrets) }
        }.get()
    }

    private static func decide(_ session: PostgresSession, _ secrets: RegistrySecrets) throws -> Report {
        let registry = try RegistryRow.lock(session)
        let batches = try WaitingBatches(session, atMost: maximumEntries)
        guard !batches.ids.isEmpty else { return Report(decided: 0, more: false) }
        let entries = try batches.entries(session)
        let decided = try fold(entries, after: registry, session, secrets)
        guard let last = decided.last else { return Report(decided: 0, more: false) }
        try session.execute(
            "UPDATE registry SET feed_position = $1, feed_hash = $2",
            [.int8(last.position), .bytea(last.feedEntry.hash.rawValue)])
        try batches.markFolded(session)
        try session.run(script: "NOTIFY \(RegistryStore.feedChannel)")
        return Report(decided: decided.count, more: batches.more)
    }

    private static func fold(
        _ entries: [(entry: Entry, fault: String?)], after registry: RegistryRow, _ session: PostgresSession,
        _ secrets: RegistrySecrets
    ) throws -> [FoldWriter.Decided] {
        let start = Int64(registry.feedHead.position)
        let journal = entries.enumerated().map { index, item in
            JournalEntry(
                position: start + Int64(index) + 1, city: item.entry.city, id: item.entry.id.rawValue,
                content: PayloadCoding.content(of: item.entry, rejectedFor: item.fault))
        }
        let policy = try RegistryStore.currentPolicy(session)
        var fold = Fold(ledger: try LedgerLoader(session: session).load(Needs(journal), policy: policy))
        var composer = FeedComposer(
            head: registry.feedHead, incarnation: registry.incarnation, hasher: secrets.hasher,
            detailMaster: secrets.detailMaster)
        let decided = try zip(entries, journal).map { item, journalEntry in
            let outcome = fold.apply(journalEntry)
            return FoldWriter.Decided(
                entry: item.entry, journalEntry: journalEntry, outcome: outcome,
                feedEntry: try composer.compose(item.entry, outcome))
        }
        try FoldWriter(decided, policy: fold.ledger.policy).write(session)
        return decided
    }
}

/// The batches that wait to be folded, oldest first.
private struct WaitingBatches {
    let ids: [Int64]
    let more: Bool
    private var cities: [Int32] = []
    private var firsts: [Int64] = []
    private var lasts: [Int64] = []

    init(_ session: PostgresSession, atMost limit: Int) throws {
        let result = try session.execute(
            """
            SELECT batch_id, city_code, first_sequence, last_sequence FROM batch
            WHERE NOT folded ORDER BY batch_id LIMIT 1000
            """)
        var ids: [Int64] = []
        var total: Int64 = 0
        var row = 0
        while row < result.count, total < limit {
            ids.append(result.int(row, 0))
            cities.append(Int32(result.int(row, 1)))
            firsts.append(result.int(row, 2))
            lasts.append(result.int(row, 3))
            total += result.int(row, 3) - result.int(row, 2) + 1
            row += 1
        }
        self.ids = ids
        self.more = row < result.count || result.count == 1_000
    }

    func entries(_ session: PostgresSession) throws -> [(entry: Entry, fault: String?)] {
        let result = try session.execute(
            """
            SELECT e.bytes, e.fault
            FROM unnest($1::int4[], $2::int8[], $3::int8[]) WITH ORDINALITY AS b(city, first, last, n)
            JOIN entry e ON e.city_code = b.city AND e.sequence BETWEEN b.first AND b.last
            ORDER BY b.n, e.sequence
            """, [.int4Array(cities), .int8Array(firsts), .int8Array(lasts)])
        return try (0..<result.count).map { row in
            (try EntryCoding.decode(result.bytes(row, 0)), result.isNull(row, 1) ? nil : result.text(row, 1))
        }
    }

    func markFolded(_ session: PostgresSession) throws {
        try session.execute("UPDATE batch SET folded = true WHERE batch_id = ANY($1)", [.int8Array(ids)])
        try session.execute(
            """
            INSERT INTO fold_cursor (city_code, folded_sequence)
            SELECT city, max(last) FROM unnest($1::int4[], $2::int8[]) AS u(city, last) GROUP BY city
            ON CONFLICT (city_code) DO UPDATE SET folded_sequence = excluded.folded_sequence
            """, [.int4Array(cities), .int8Array(lasts)])
    }
}

extension RegistryStore {
    /// The policy in force, or `nil` before the first one was folded.
    static func currentPolicy(_ session: PostgresSession) throws -> Policy? {
        let result = try session.execute("SELECT document FROM policy ORDER BY version DESC LIMIT 1")
        return result.count == 0 ? nil : try PolicyCoding.decode(result.bytes(0, 0))
    }
}
