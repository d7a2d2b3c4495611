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
        /// The registry's word by which the entry is decided anew.
        let act: Entry?
        let journalEntry: JournalEntry

        init(_ journaled: JournaledEntry, in dialect: Dialect) {
            entry = journaled.answered
            act = journaled.act
            journalEntry = journaled.placed(at: 0, in: dialect)
        }
    }

    let batchIDs: [Int64]
    /// The city and the last sequence of each batch.
    private let ends: [(city: Int32, last: Int64)]
    /// In the order in which they are to be folded.
    let items: [Item]
    /// Whether other batches waited behind these.
    let more: Bool
    /// Whether an entry may change other claims than its own, or cases, or what later claims are held against.
    let isFarReaching: Bool
    private let needs: Needs
    /// The feed head that the ledger stands at.
    let asOf: FeedHead
    /// Those that had begun: a recovery since then has put what waits into another order, under other ids.
    let incarnations: Incarnations
    /// Whether the tables are to be made anew before anything is decided.
    let isRewinding: Bool
    private let ledger: Ledger

    /// Reads the oldest batches that wait: at most ``Arbiter/maximumEntries`` entries and
    /// ``Arbiter/maximumBytes`` bytes, unless one batch has more, and none behind one that changes the context.
    ///
    /// - Parameters:
    ///   - works: What is being folded or written at this moment.
    ///   - most: The most batches to take.
    ///   - sequence: The only entry of the oldest batch to take; `nil` for all.
    static func read(
        _ session: PostgresSession, _ policies: PolicyCache, _ dialect: Dialect, behind works: [WaitingWork],
        batches most: Int, only sequence: Int64? = nil
    ) throws -> WaitingWork {
        let registry = try RegistryRow.ask(session)
        let versions = try policies.askVersions(session)
        let batches = try askBatches(session, inFlight: works.flatMap(\.batchIDs), most: most, only: sequence)
        let standing = try registry.get()
        // While cities give back what they hold nothing is in its order yet; while tables are made anew nothing is held
        // against them.
        let waiting = standing.isDeciding ? try batches.get() : Batches()
        let isReplay = standing.recovery == .replaying
        let items = try JournaledEntry.completed(waiting.entries, isReplay: isReplay, session)
            .map { Item($0, in: dialect) }
        var needs = Needs(items.map(\.journalEntry))
        var ledger = try LedgerLoader(session: session).load(&needs, policies.standing(versions.get(), session))
        // Their claims are met as well, and no trace in the tables leads to them yet.
        let parties = try SurroundingsLoader(session: session)
            .companies(of: works.flatMap(\.claims), beyond: ledger.register)
        for company in parties { ledger.register.list(company) }
        return WaitingWork(
            batchIDs: waiting.ends.map(\.batch), ends: waiting.ends.map { ($0.city, $0.last) }, items: items,
            more: waiting.more, isFarReaching: items.contains(where: \.journalEntry.isFarReaching), needs: needs,
            asOf: standing.feedHead, incarnations: standing.incarnations, isRewinding: standing.recovery == .rewinding,
            ledger: ledger)
    }

    /// The claims that it files.
    private var claims: [Claim] {
        items.compactMap { item -> Claim? in
            if case .claimFiled(let claim) = item.journalEntry.content { claim } else { nil }
        }
    }

    /// The entries of batches that wait, and where each of these ends.
    private struct Batches {
        var entries: [JournaledEntry] = []
        var ends: [(batch: Int64, city: Int32, last: Int64)] = []
        var more = false
        /// How many entries come before the last one.
        var entriesBefore = 0
        /// Whether nothing is taken behind the last one.
        var isClosed = false
    }

    /// Kinds that change what later claims are held against, or move on many of them: nothing is folded with what
    /// follows them.
    private static let closingKinds: Set<EntryKind> = [.policyPublished, .companiesListed, .providersListed, .ticked]

    /// Kinds for which claims are loaded that the entry does not name, as the tables lead to them: what a tick may move
    /// on, the claims of a case, and what stands beside a claim. Nothing is folded with what comes before them.
    ///
    /// Nobody rules on a case before it is committed, but a restored registry decides both again. Whatever else names a
    /// case changes nothing but the case, and what names a claim of the same batch finds it in the ledger.
    private static let openingKinds: Set<EntryKind> = [.ticked, .caseRuled, .paymentFound, .tailKept]

    /// Whether nothing is folded with what follows the entry. A city's entry of such a kind says nothing.
    static func isClosing(_ entry: Entry) -> Bool { entry.city == .registry && closingKinds.contains(entry.kind) }

    /// Whether nothing is folded with what comes before the entry.
    private static func isOpening(_ entry: Entry) -> Bool {
        entry.city == .registry && openingKinds.contains(entry.kind)
    }

    private static func askBatches(
        _ session: PostgresSession, inFlight: [Int64], most: Int, only sequence: Int64?
    ) throws -> PendingAnswer<Batches> {
        // A batch is taken while those before it are below the limits. The inner sort keeps the look-up of a batch's
        // entries one of its own, by the primary key.
        try session.ask(
            """
            SELECT batch_id, b.city_code, last_sequence, bytes, fault, waiting, received_at_ms
            FROM (
                SELECT *, count(*) OVER () AS waiting,
                    sum(last_sequence - first_sequence + 1) OVER earlier AS entries_before,
                    sum(entry_bytes) OVER earlier AS bytes_before
                FROM (
                    SELECT batch_id, city_code, first_sequence, last_sequence, entry_bytes, received_at_ms FROM batch
                    WHERE NOT folded AND batch_id <> ALL($1) ORDER BY batch_id LIMIT $2) AS oldest
                WINDOW earlier AS (ORDER BY batch_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)) AS b
            CROSS JOIN LATERAL (
                SELECT sequence, bytes, fault FROM entry e
                WHERE e.city_code = b.city_code
                    AND sequence BETWEEN coalesce($5, b.first_sequence) AND coalesce($5, b.last_sequence)
                ORDER BY sequence OFFSET 0) AS e
            WHERE coalesce(entries_before, 0) < $3 AND coalesce(bytes_before, 0) < $4
            ORDER BY batch_id, sequence
            """,
            [
                .int8Array(inFlight), .int8(Int64(most)), .int8(Int64(Arbiter.maximumEntries)),
                .int8(Int64(Arbiter.maximumBytes)), .int8(sequence),
            ]
        ) { result in
            var batches = Batches()
            for row in 0..<result.count {
                if batches.ends.last?.batch != result.int(row, 0) {
                    if batches.isClosed { break }
                    batches.entriesBefore = batches.entries.count
                    batches.ends.append((result.int(row, 0), Int32(result.int(row, 1)), result.int(row, 2)))
                }
                let fault = result.isNull(row, 4) ? nil : result.text(row, 4)
                let entry = JournaledEntry(
                    entry: try EntryCoding.decode(result.bytes(row, 3)), receivedAt: result.int(row, 6), fault: fault)
                if isOpening(entry.entry), batches.ends.count > 1 {
                    // Its whole batch is left to the next time.
                    batches.entries.removeSubrange(batches.entriesBefore...)
                    batches.ends.removeLast()
                    break
                }
                batches.entries.append(entry)
                if isClosing(entry.entry) { batches.isClosed = true }
            }
            if result.count > 0 {
                let waiting = result.int(0, 5)
                batches.more = batches.ends.count < waiting || waiting == most
            }
            return batches
        }
    }

    /// The ledger after batches that were decided behind the snapshot, in order.
    func ledger(after batches: [[FoldWriter.Decided]]) -> Ledger {
        var ledger = ledger
        for item in batches.joined() { ledger.catchUp(with: item.outcome, of: item.journalEntry, for: needs) }
        return ledger
    }

    /// Notes that the batches are folded and where the feed ends, and tells its readers, inside the caller's
    /// transaction.
    func finish(_ session: PostgresSession, head: FeedHead) throws {
        try session.queue(
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
