import FederationWire
import PostgresClient
import Replication
import VoucherDomain

/// Since when cities' keys are used, and for how long they are meant to be.
extension RegistryStore {
    /// How many days a key's lifetime may have.
    package static let keyLifetimes = 1...36_500

    /// Sets how many days after a city joined with its key it is to have replaced it: for all keys that there are, and for
    /// every server and verb on this database. Nothing is refused when they are over (``Expiry``).
    ///
    /// - Throws: ``RegistryRefusal`` `.invalid` outside of ``keyLifetimes``.
    package func setKeyLifetime(days: Int) async throws {
        guard RegistryStore.keyLifetimes.contains(days) else {
            throw RegistryRefusal(.invalid, "the lifetime of keys is 1 to 36500 days")
        }
        try await pool.run {
            try $0.execute(
                "UPDATE registry SET key_lifetime_days = $1 WHERE key_lifetime_days <> $1", [.int4(Int32(days))])
        }
    }

    /// When a key is to have been replaced, of a row of `city` beside the one of `registry`; NULL where there is no key.
    static let keyUntil = "key_since_ms + key_lifetime_days * 86400000::bigint"

    /// When a city's key is to have been replaced; `nil` before it has joined.
    static func keyExpiry(of city: CityCode, _ session: PostgresSession) throws -> Expiry? {
        let result = try session.execute(
            "SELECT \(keyUntil) FROM city, registry WHERE city_code = $1", [.int4(Int32(city.rawValue))])
        guard result.count == 1, let milliseconds = result.optionalInt(0, 0) else { return nil }
        return Expiry(rawValue: UInt64(clamping: milliseconds))
    }

    /// Dates the keys that were registered before they were dated: each by when the registry's own log received the entry
    /// that did it. (Its clock may have been ahead once, and the log's own time stays so.)
    static func dateKeys(_ session: PostgresSession) throws {
        let rows = try session.execute(
            """
            SELECT e.bytes, b.received_at_ms FROM entry e
            CROSS JOIN LATERAL (
                SELECT received_at_ms FROM batch b
                WHERE b.city_code = e.city_code AND b.last_sequence >= e.sequence
                ORDER BY b.last_sequence LIMIT 1) AS b
            WHERE e.city_code = 0 AND e.kind = $1 ORDER BY e.sequence
            """, [.int4(Int32(EntryKind.cityJoined.rawValue))])
        for row in 0..<rows.count {
            let entry = try EntryCoding.decode(rows.bytes(row, 0))
            guard let (city, key) = PayloadCoding.joined(entry.payload) else {
                throw PostgresError(
                    code: .unexpectedResult, message: "a damaged row in entry: \(entry.sequence) of log 000000")
            }
            // Of a key that the city has no more nothing is kept.
            try session.queue(
                "UPDATE city SET key_since_ms = $3 WHERE city_code = $1 AND public_key = $2",
                [.int4(Int32(city.rawValue)), .bytea(key.bytes), .int8(rows.int(row, 1))])
        }
    }
}
