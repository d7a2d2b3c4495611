package import FederationWire
import PostgresClient
package import Replication
package import VoucherDomain

extension RegistryStore {
    /// What follows a city's cursor: at most `limit` entries and about 4 MiB, sealed over the last of them.
    ///
    /// - Parameter isFirst: Whether this is the request's first look; it then notes how far the city has applied
    ///   the feed, which is what `city list` calls its lag.
    /// - Throws: ``PushReview/Fault`` when the session is fenced or suspended; ``RegistryRefusal`` `.unknownFeedHead`
    ///   when the cursor is not on this feed.
    package func feed(
        _ request: FeedRequest, city: CityCode, now: UInt64, isFirst: Bool = true
    ) async throws -> FeedAnswer {
        let key = secrets.signingKey
        return try await pool.run { session in
            // One round trip: what was asked for in vain, when the reader is refused, costs less than a second one.
            let registry = try RegistryRow.ask(session)
            let row = try CityRow.ask(city, session)
            let cursor = try session.ask(
                "SELECT hash FROM feed WHERE position = $1", [.int8(Int64(clamping: request.after.position))]
            ) { $0.count == 1 ? $0.bytes(0, 0) : nil }
            let page = try RegistryStore.askPage(request, session)
            try RegistryStore.admitReader(request, city, row.get(), registry.get(), cursor: cursor.get())
            let entries = try page.get()
            let head = try entries.last?.head(registry.get().incarnations) ?? request.after
            if isFirst { try RegistryStore.noteContact(city, feedApplied: request.after.position, session, now: now) }
            return FeedAnswer(
                entries: entries.map(\.bytes), seal: try FeedSeal(head: head, sealedAt: now).signed(by: key),
                more: try head.position < registry.get().feedHead.position)
        }
    }

    /// A row of the feed.
    private struct PageRow {
        let position: UInt64
        let hash: Digest
        let bytes: [UInt8]

        init(_ result: borrowing PostgresResult, _ row: Int) throws {
            guard let hash = Digest(rawValue: result.bytes(row, 1)) else {
                throw PostgresError(code: .unexpectedResult, message: "a damaged row in feed")
            }
            position = UInt64(result.int(row, 0))
            self.hash = hash
            bytes = result.bytes(row, 2)
        }

        func head(_ incarnations: Incarnations) -> FeedHead { incarnations.head(position: position, hash: hash) }
    }

    private static func askPage(
        _ request: FeedRequest, _ session: PostgresSession
    ) throws -> PendingAnswer<[PageRow]> {
        // A row is within the page while those before it are below its size: the page passes it by one entry.
        try session.ask(
            """
            SELECT position, hash, bytes FROM (
                SELECT position, hash, bytes,
                    sum(octet_length(bytes)) OVER (ORDER BY position) - octet_length(bytes) AS before
                FROM feed WHERE position > $1 ORDER BY position LIMIT $2) AS page
            WHERE before < $3 ORDER BY position
            """,
            [
                .int8(Int64(clamping: request.after.position)), .int8(Int64(request.limit)),
                .int8(Int64(FeedAnswer.pageBytes)),
            ]
        ) { result in try (0..<result.count).map { try PageRow(result, $0) } }
    }

    private static func admitReader(
        _ request: FeedRequest, _ city: CityCode, _ row: CityRow?, _ registry: RegistryRow, cursor: [UInt8]?
    ) throws {
        try registry.requireOpen()
        guard let standing = row?.standing else {
            throw RegistryRefusal(.unknownCity, "city \(city) has not joined")
        }
        if standing.isSuspended { throw PushReview.Fault.suspended }
        let fault = PushReview.fence(request.sessionEpoch, standing, incarnation: registry.incarnation)
        if let fault { throw fault }
        // What is sealed below must be ours to the last field: a reader must not choose what we sign.
        guard request.after.position > 0 else {
            guard request.after == .empty else { throw strangeCursor(request.after) }
            return
        }
        guard cursor == request.after.hash.rawValue,
            request.after.incarnation == registry.incarnations.at(request.after.position)
        else {
            throw strangeCursor(request.after)
        }
    }

    private static func strangeCursor(_ head: FeedHead) -> RegistryRefusal {
        RegistryRefusal(.unknownFeedHead, "the registry does not have the feed head \(head.position) of this city")
    }

    /// A lost note costs nothing: the commit does not wait for the disk.
    private static func noteContact(
        _ city: CityCode, feedApplied: UInt64, _ session: PostgresSession, now: UInt64
    ) throws {
        try session.queue("SELECT set_config('synchronous_commit', 'off', true)")
        try session.queue(
            """
            INSERT INTO city_contact (city_code, feed_applied, last_contact_ms) VALUES ($1, $2, $3)
            ON CONFLICT (city_code) DO UPDATE SET feed_applied = $2, last_contact_ms = $3
            """,
            [.int4(Int32(city.rawValue)), .int8(Int64(clamping: feedApplied)), .int8(Int64(now))])
    }

    /// The end of the feed.
    package func feedHead() async throws -> FeedHead {
        try await pool.run { try RegistryRow.read($0).feedHead }
    }

    /// The feed's entry at a position, position 0 being before the first; `nil` behind its end.
    package func feedHead(at position: Int64) async throws -> FeedHead? {
        if position == 0 { return .empty }
        return try await pool.run { try RegistryStore.feedHead(at: position, $0) }
    }

    static func feedHead(at position: Int64, _ session: PostgresSession) throws -> FeedHead? {
        let result = try session.execute(
            "SELECT hash, incarnation_at(position) FROM feed WHERE position = $1", [.int8(position)])
        guard result.count == 1, let hash = Digest(rawValue: result.bytes(0, 0)) else { return nil }
        return FeedHead(incarnation: UInt32(result.int(0, 1)), position: UInt64(position), hash: hash)
    }

    /// Where the feed stands with what was received before a time.
    package struct PlaceOfTime: Hashable, Sendable {
        /// Of the last entry that was received before it; 0 where there is none.
        package let position: Int64
        /// Whether the feed ends there.
        package let isEnd: Bool
        /// Whether something that was received before it waits for its decision, which comes behind the position.
        package let isAwaited: Bool
    }

    /// Where the feed stands with all that was received before a time.
    ///
    /// Found by halving, since entries are decided in the order in which they were received; where the registry's word
    /// decides one anew, the word counts.
    ///
    /// - Parameter time: Milliseconds since 1970, by the registry's clock.
    package func feedPlace(before time: Int64) async throws -> PlaceOfTime {
        try await pool.run { session in
            try session.transaction(isSnapshot: true) {
                let end = Int64(try RegistryRow.read(session).feedHead.position)
                var (last, next) = (Int64(0), end + 1)
                while next - last > 1 {
                    let middle = last + (next - last) / 2
                    if try RegistryStore.receivedAt(middle, session) < time { last = middle } else { next = middle }
                }
                let waiting = try session.execute(
                    "SELECT EXISTS (SELECT FROM batch WHERE NOT folded AND received_at_ms < $1)", [.int8(time)])
                return PlaceOfTime(position: last, isEnd: last == end, isAwaited: waiting.bool(0, 0))
            }
        }
    }

    /// When the registry received what it decided at a position, milliseconds since 1970.
    private static func receivedAt(_ position: Int64, _ session: PostgresSession) throws -> Int64 {
        let row = try session.execute("SELECT bytes FROM feed WHERE position = $1", [.int8(position)])
        guard row.count == 1 else {
            throw PostgresError(code: .unexpectedResult, message: "the feed has no position \(position)")
        }
        let entry = try FeedCoding.decode(row.bytes(0, 0)).entry
        let word = entry.registryEntry.isEmpty ? nil : try EntryCoding.decode(entry.registryEntry)
        let (city, sequence) = word.map { (CityCode.registry, $0.sequence) } ?? (entry.city, entry.answers.sequence)
        let batch = try session.execute(
            "SELECT received_at_ms FROM batch WHERE city_code = $1 AND last_sequence >= $2 ORDER BY last_sequence LIMIT 1",
            [.int4(Int32(city.rawValue)), .int8(Int64(clamping: sequence))])
        guard batch.count == 1 else {
            throw PostgresError(code: .unexpectedResult, message: "no batch has what was decided at \(position)")
        }
        return batch.int(0, 0)
    }

    /// Whether the database answers and has a registry.
    package func checkReady() async throws { _ = try await feedHead() }
}
