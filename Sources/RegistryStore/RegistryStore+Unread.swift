import Arbitration
import FederationWire
import PostgresClient
package import Replication
package import VoucherDomain

extension RegistryStore {
    /// Entries of one city and kind that were answered `unsupported` and are not decided yet.
    package struct Unread: Hashable, Sendable {
        package let city: CityCode
        package let kind: EntryKind
        package let entries: Int
        /// Whether this build reads the kind: then it is deciding them now.
        package let isRead: Bool
    }

    /// What was answered `unsupported` and not decided since, by city and kind.
    package func unread() async throws -> [Unread] {
        let dialect = dialect
        return try await pool.run { session in
            let result = try session.execute(
                "SELECT city_code, kind, count(*) FROM unread_entry GROUP BY city_code, kind ORDER BY city_code, kind")
            return try (0..<result.count).map { row in
                let kind = EntryKind(rawValue: UInt32(bitPattern: Int32(result.int(row, 1))))
                return Unread(
                    city: try result.city(row, 0, in: "unread_entry"), kind: kind, entries: Int(result.int(row, 2)),
                    isRead: dialect.kinds.contains(kind))
            }
        }
    }

    /// The most entries that one call of ``readAgain(now:)`` takes.
    package static let maximumReadAgain = 2_000

    /// Says in the registry's log that entries are read which were answered `unsupported`: those that this build reads, in
    /// the order in which they were answered. Each is then decided as if it came now.
    ///
    /// - Returns: Whether there may be more: when those taken are decided, the next ones may be.
    package func readAgain(now: UInt64) async throws -> Bool {
        let (secrets, dialect) = (secrets, dialect)
        return try await pool.transaction { session in
            // The lock on the registry's own log makes two of us take turns.
            _ = try CityRow.lock(.registry, session)
            guard try RegistryRow.read(session).recovery == nil else { return true }
            if try RegistryStore.isReadingAgain(session) { return true }
            let readings = try RegistryStore.readable(by: dialect, session)
            try RegistryStore.append(readings.map(RegistryAct.read), session, secrets, now: now)
            return readings.count == RegistryStore.maximumReadAgain
        }
    }

    private static func isReadingAgain(_ session: PostgresSession) throws -> Bool {
        try session.execute(
            """
            SELECT 1 FROM batch b JOIN entry e ON e.city_code = 0 AND e.kind = $1
                AND e.sequence BETWEEN b.first_sequence AND b.last_sequence
            WHERE NOT b.folded AND b.city_code = 0 LIMIT 1
            """, [.int4(Int32(EntryKind.entryRead.rawValue))]
        ).count > 0
    }

    private static func readable(by dialect: Dialect, _ session: PostgresSession) throws -> [EntryReading] {
        // A city's entries rise in time with their sequence: the first one left is the earliest.
        let result = try session.execute(
            """
            WITH kept AS (
                SELECT DISTINCT ON (city_code) city_code, sequence FROM unread_entry WHERE kind <> ALL($1)
                ORDER BY city_code, sequence)
            SELECT e.bytes, f.bytes FROM unread_entry u
            JOIN entry e ON e.city_code = u.city_code AND e.sequence = u.sequence
            LEFT JOIN kept ON kept.city_code = u.city_code
            LEFT JOIN entry f ON f.city_code = u.city_code AND f.sequence = least(kept.sequence, (
                SELECT n.sequence FROM unread_entry n
                WHERE n.city_code = u.city_code AND n.sequence > u.sequence AND n.kind = ANY($1)
                ORDER BY n.sequence LIMIT 1))
            WHERE u.kind = ANY($1) ORDER BY u.position LIMIT $2
            """,
            [
                .int4Array(dialect.kinds.map { Int32(bitPattern: $0.rawValue) }.sorted()),
                .int8(Int64(maximumReadAgain)),
            ])
        return try (0..<result.count).map { row in
            let entry = try EntryCoding.decode(result.bytes(row, 0))
            let next = result.isNull(row, 1) ? nil : try EntryCoding.decode(result.bytes(row, 1))
            return EntryReading(city: entry.city, entry: entry.head, unreadSince: next?.time.milliseconds)
        }
    }
}

/// Keeps the list of entries that no build has read yet.
struct UnreadWriter {
    let decided: [FoldWriter.Decided]

    func write(_ session: PostgresSession) throws {
        let unread = decided.filter { $0.outcome.decision == .unsupported && $0.act == nil }
        try session.insert(into: "unread_entry (city_code, sequence, position, kind)", unread) { item, rows in
            rows.row(fields: 4)
            rows.int4(Int32(item.entry.city.rawValue))
            rows.int8(Int64(item.entry.sequence))
            rows.int8(item.position)
            rows.int4(Int32(bitPattern: item.entry.kind.rawValue))
        }
        let read = decided.filter { $0.act != nil }.map(\.entry)
        guard !read.isEmpty else { return }
        try session.queue(
            """
            DELETE FROM unread_entry u USING unnest($1::int4[], $2::int8[]) AS r(city, sequence)
            WHERE u.city_code = r.city AND u.sequence = r.sequence
            """, [.int4Array(read.map { Int32($0.city.rawValue) }), .int8Array(read.map { Int64($0.sequence) })])
    }
}
