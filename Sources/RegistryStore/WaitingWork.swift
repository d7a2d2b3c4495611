import Arbitration
import FederationWire
import PostgresClient
import Replication
import VoucherDomain

/// Batches that wait to be folded, read and decoded, with the part of the ledger that they touch.
///
/// It is read in one snapshot, which may be older than the fold is by the time it is folded:
/// ``ledger(through:decided:)`` brings it up to date.
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
    private let asOf: FeedHead
    private let ledger: Ledger

    /// Reads the oldest batches that wait: at most ``Arbiter/maximumEntries`` entries and
    /// ``Arbiter/maximumBytes`` bytes, unless one batch has more.
    ///
    /// - Parameter inFlight: Batches that are being written at this moment.
    static func read(_ session: PostgresSession, inFlight: [Int64]) throws -> WaitingWork {
        try session.run(script: "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        let asOf = try RegistryRow.read(session).feedHead
        let waiting = try session.execute(
            """
            SELECT batch_id, city_code, first_sequence, last_sequence, entry_bytes FROM batch
            WHERE NOT folded AND batch_id <> ALL($1) ORDER BY batch_id LIMIT 1000
            """, [.int8Array(inFlight)])
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
            more: ranges.count < waiting.count || waiting.count == 1_000, needs: needs, asOf: asOf,
            ledger: try LedgerLoader(session: session).load(needs, policy: RegistryStore.currentPolicy(session)))
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

    /// The ledger at `head`, or `nil` when `decided` does not reach from the snapshot to there.
    ///
    /// - Parameter decided: What was decided last, in order.
    func ledger(through head: FeedHead, decided: [FoldWriter.Decided]) -> Ledger? {
        if asOf == head { return ledger }
        let missing = decided.drop { $0.position <= asOf.position }
        guard let first = missing.first?.feedEntry.entry, first.position == asOf.position + 1,
            first.previousHash == asOf.hash, missing.last?.feedEntry.head == head
        else { return nil }
        var ledger = ledger
        for item in missing { ledger.catchUp(with: item.outcome, of: item.journalEntry, for: needs) }
        return ledger
    }

    /// Notes that the batches are folded, inside the caller's transaction.
    func markFolded(_ session: PostgresSession) throws {
        try session.execute("UPDATE batch SET folded = true WHERE batch_id = ANY($1)", [.int8Array(batchIDs)])
        try session.execute(
            """
            INSERT INTO fold_cursor (city_code, folded_sequence)
            SELECT city, max(last) FROM unnest($1::int4[], $2::int8[]) AS u(city, last) GROUP BY city
            ON CONFLICT (city_code) DO UPDATE SET folded_sequence = excluded.folded_sequence
            """, [.int4Array(ends.map(\.city)), .int8Array(ends.map(\.last))])
    }
}

extension RegistryStore {
    /// The policy in force, or `nil` before the first one was folded.
    static func currentPolicy(_ session: PostgresSession) throws -> Policy? {
        let result = try session.execute("SELECT document FROM policy ORDER BY version DESC LIMIT 1")
        return result.count == 0 ? nil : try PolicyCoding.decode(result.bytes(0, 0))
    }
}
