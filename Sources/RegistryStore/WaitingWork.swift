import Arbitration
import FederationWire
import PostgresClient
import Replication
import Synchronization
import VoucherDomain

/// Batches that wait to be folded, read and decoded, with the part of the ledger that they touch.
///
/// It is read in one snapshot, which may be older than the fold is by the time it is folded:
/// ``ledger(after:)`` brings it up to date.
struct WaitingWork: Sendable {
    /// An entry as it was received and as the fold sees it, not yet in its place.
    struct Item: Sendable {
        let entry: Entry
        let journalEntry: JournalEntry
    }

    let batchIDs: [Int64]
    /// The city and the last sequence of each batch.
    private let ends: [(city: Int32, last: Int64)]
    /// In the order in which they are to be folded.
    let items: [Item]
    /// Whether other batches waited behind these.
    let more: Bool
    private let needs: Needs
    /// The feed head that the ledger stands at.
    let asOf: FeedHead
    private let ledger: Ledger

    /// The most batches folded in one transaction.
    static let maximumBatches = 1_000

    /// Reads the oldest batches that wait: at most ``Arbiter/maximumEntries`` entries and
    /// ``Arbiter/maximumBytes`` bytes, unless one batch has more.
    ///
    /// - Parameters:
    ///   - inFlight: Batches that are being written at this moment.
    ///   - most: The most batches to take.
    static func read(
        _ session: PostgresSession, _ policies: PolicyCache, inFlight: [Int64], batches most: Int
    ) throws -> WaitingWork {
        let asOf = try RegistryRow.read(session).feedHead
        let waiting = try session.execute(
            """
            SELECT batch_id, city_code, first_sequence, last_sequence, entry_bytes FROM batch
            WHERE NOT folded AND batch_id <> ALL($1) ORDER BY batch_id LIMIT $2
            """, [.int8Array(inFlight), .int8(Int64(most))])
        var ranges: [(id: Int64, city: Int32, first: Int64, last: Int64)] = []
        var (entries, bytes): (Int64, Int64) = (0, 0)
        while ranges.count < waiting.count, entries < Arbiter.maximumEntries, bytes < Arbiter.maximumBytes {
            let row = ranges.count
            ranges.append(
                (waiting.int(row, 0), Int32(waiting.int(row, 1)), waiting.int(row, 2), waiting.int(row, 3)))
            entries += waiting.int(row, 3) - waiting.int(row, 2) + 1
            bytes += waiting.int(row, 4)
        }
        let items = try ranges.isEmpty ? [] : items(ranges.map { ($0.city, $0.first, $0.last) }, session)
        let needs = Needs(items.map(\.journalEntry))
        return WaitingWork(
            batchIDs: ranges.map(\.id), ends: ranges.map { ($0.city, $0.last) }, items: items,
            more: ranges.count < waiting.count || waiting.count == most, needs: needs, asOf: asOf,
            ledger: try LedgerLoader(session: session).load(needs, policy: policies.current(session)))
    }

    private static func items(
        _ ranges: [(city: Int32, first: Int64, last: Int64)], _ session: PostgresSession
    ) throws -> [Item] {
        let result = try session.execute(
            """
            SELECT e.bytes, e.fault
            FROM unnest($1::int4[], $2::int8[], $3::int8[]) WITH ORDINALITY AS b(city, first, last, n)
            JOIN entry e ON e.city_code = b.city AND e.sequence BETWEEN b.first AND b.last
            ORDER BY b.n, e.sequence
            """,
            [.int4Array(ranges.map(\.city)), .int8Array(ranges.map(\.first)), .int8Array(ranges.map(\.last))])
        return try (0..<result.count).map { row in
            let entry = try EntryCoding.decode(result.bytes(row, 0))
            let fault = result.isNull(row, 1) ? nil : result.text(row, 1)
            return Item(
                entry: entry,
                journalEntry: JournalEntry(
                    position: 0, city: entry.city, id: entry.id.rawValue,
                    content: PayloadCoding.content(of: entry, rejectedFor: fault)))
        }
    }

    /// The ledger after `decided`, which starts at the position after the snapshot's.
    func ledger(after decided: [FoldWriter.Decided]) -> Ledger {
        var ledger = ledger
        for item in decided { ledger.catchUp(with: item.outcome, of: item.journalEntry, for: needs) }
        return ledger
    }

    /// Notes that the batches are folded and where the feed ends, and tells its readers, inside the caller's
    /// transaction.
    func finish(_ session: PostgresSession, head: FeedHead) throws {
        try session.execute(
            """
            WITH batches AS (UPDATE batch SET folded = true WHERE batch_id = ANY($1)),
            cursors AS (
                INSERT INTO fold_cursor (city_code, folded_sequence)
                SELECT city, max(last) FROM unnest($2::int4[], $3::int8[]) AS u(city, last) GROUP BY city
                ON CONFLICT (city_code) DO UPDATE SET folded_sequence = excluded.folded_sequence)
            UPDATE registry SET feed_position = $4, feed_hash = $5
            RETURNING pg_notify('\(RegistryStore.feedChannel)', '')
            """,
            [
                .int8Array(batchIDs), .int4Array(ends.map(\.city)), .int8Array(ends.map(\.last)),
                .int8(Int64(head.position)), .bytea(head.hash.rawValue),
            ])
    }
}

/// The policy in force, decoded once a version.
final class PolicyCache: Sendable {
    private let latest = Mutex<Policy?>(nil)

    /// - Returns: `nil` before the first policy was folded.
    func current(_ session: PostgresSession) throws -> Policy? {
        let version = try session.execute("SELECT max(version) FROM policy").optionalInt(0, 0)
        guard let version else { return nil }
        if let known = latest.withLock({ $0 }), Int64(known.version) == version { return known }
        let result = try session.execute("SELECT document FROM policy WHERE version = $1", [.int4(Int32(version))])
        let policy = try PolicyCoding.decode(result.bytes(0, 0))
        latest.withLock { $0 = policy }
        return policy
    }
}
