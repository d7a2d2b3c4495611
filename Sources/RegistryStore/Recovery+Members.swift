package import FederationWire
import PostgresClient
package import Replication
package import VoucherDomain

/// Cities that sign by a key which the database knows nothing of, and show the registry's own word that they joined with it:
/// they did in the time that was lost.
extension RegistryStore {
    /// The key under which a city is heard in the recovery under way; `nil` for the one that the database has.
    package func shownKey(of city: CityCode) async throws -> PublicKey? {
        try await pool.run { try Recovery.shownKey(of: city, $0) }
    }

    /// What comes of a membership that a city shows.
    package enum Meeting: Hashable, Sendable {
        /// The city is heard under that key in the recovery under way.
        case heard
        /// Another key has taken the place of that one since.
        case replaced
        /// Nothing tells of that key any more: operators are to let the city join again, and are told so.
        ///
        /// - Parameter isNews: Whether it is found now.
        case lost(isNews: Bool)
    }

    /// Meets a city that has signed a request by the key of a membership, where another key is known of it or none.
    ///
    /// A key that the registry's log tells of was replaced since, and so was one that the city joined with before the key
    /// that the log tells of last; neither counts any more. Of two that it does not tell of the newer one counts.
    ///
    /// - Parameter membership: Its signature verified as this registry's.
    package func meet(_ membership: Membership, now: UInt64) async throws -> Meeting {
        try await pool.transaction { session in
            // The log is long: it is read before anybody has to wait.
            let known = try RegistryStore.keyHistory(session)[membership.city] ?? []
            guard !known.contains(membership.publicKey),
                try Recovery.lastJoin(of: membership.city, session).map({ $0 < membership.epoch }) ?? true
            else { return .replaced }
            let registry = try RegistryRow.lock(session)
            let key = try CityRow.read(membership.city, session)?.publicKey
            let isCollecting = registry.recovery == .collecting && key != nil
            if isCollecting, let key { try Recovery.keep(membership, insteadOf: key, session, now: now) }
            if try Recovery.shownKey(of: membership.city, session) == membership.publicKey { return .heard }
            return isCollecting
                ? .replaced : .lost(isNews: try Recovery.noteLost(membership, session, now: now))
        }
    }

    /// A city that nothing tells of any more, by the key that it shows the registry's own word for.
    package struct LostMember: Hashable, Sendable {
        package let city: CityCode
        package let name: String
        package let key: PublicKey
        /// Whether the city is known, by another key.
        package let isKnown: Bool
        /// When it showed this first: milliseconds since 1970.
        package let shownAt: UInt64

        /// What it is about, and what operators are to do: one sentence.
        package var message: String {
            let digits = key.bytes.hexadecimal.prefix(16)
            return isKnown
                ? "city \(city) (\(name)) shows the registry's own word that it changed its key to \(digits), which nothing "
                    + "tells of any more: if this database was put back and nobody noticed, run national-registry recovery "
                    + "begin; else make a token when no recovery is under way (national-registry city rotate-key) and let "
                    + "its node join with it, or go on without it (national-registry recovery accept-absence)"
                : "city \(city) (\(name)) shows the registry's own word that it joined with key \(digits), which nothing "
                    + "tells of any more: enrol it again when no recovery is under way (national-registry city enroll) and "
                    + "let its node join with the token, or go on without it (national-registry recovery accept-absence)"
        }
    }

    /// Cities that operators are to let join again, or to go on without, by code.
    package func lostMembers() async throws -> [LostMember] {
        try await pool.run { session in
            let rows = try session.execute(
                """
                SELECT l.city_code, l.name, l.public_key, c.public_key IS NOT NULL, l.shown_at_ms
                FROM lost_member l LEFT JOIN city c USING (city_code)
                WHERE l.accepted_reason IS NULL ORDER BY l.city_code
                """)
            return try (0..<rows.count).map { row in
                guard let key = PublicKey(bytes: rows.bytes(row, 2)) else {
                    throw PostgresError(code: .unexpectedResult, message: "a damaged row in lost_member")
                }
                return LostMember(
                    city: try rows.city(row, 0, in: "lost_member"), name: rows.text(row, 1), key: key,
                    isKnown: rows.bool(row, 3), shownAt: UInt64(rows.int(row, 4)))
            }
        }
    }
}

extension Recovery {
    static func shownKey(of city: CityCode, _ session: PostgresSession) throws -> PublicKey? {
        let result = try session.execute(
            "SELECT shown_key FROM recovery_city WHERE city_code = $1 AND shown_key IS NOT NULL",
            [.int4(Int32(city.rawValue))])
        return result.count == 1 ? PublicKey(bytes: result.bytes(0, 0)) : nil
    }

    /// The epoch that was granted to a city with the key that the registry's log tells of last, or the last one before;
    /// `nil` where the log tells of none.
    fileprivate static func lastJoin(of city: CityCode, _ session: PostgresSession) throws -> Epoch? {
        func last<Value>(
            _ kind: EntryKind, before sequence: Int64, _ read: (Entry) throws -> Value?
        ) throws -> (sequence: Int64, value: Value)? {
            var place = sequence
            while true {
                let rows = try session.execute(
                    """
                    SELECT sequence, bytes FROM entry WHERE city_code = 0 AND kind = $1 AND sequence < $2
                    ORDER BY sequence DESC LIMIT 100
                    """, [.int4(Int32(kind.rawValue)), .int8(place)])
                for row in 0..<rows.count {
                    place = rows.int(row, 0)
                    if let value = try read(try EntryCoding.decode(rows.bytes(row, 1))) { return (place, value) }
                }
                if rows.count < 100 { return nil }
            }
        }
        let join = try last(.cityJoined, before: .max) { PayloadCoding.joined($0.payload)?.0 == city ? true : nil }
        guard let join else { return nil }
        return try last(.epochGranted, before: join.sequence) { entry in
            guard case .epochGranted(city, let epoch, _) = try RegistryAct(membershipIn: entry) else { return nil }
            return epoch
        }?.value
    }

    /// Keeps a key that a city has shown, unless it has shown a newer one.
    fileprivate static func keep(
        _ membership: Membership, insteadOf key: PublicKey, _ session: PostgresSession, now: UInt64
    ) throws {
        let kept = try session.execute(
            """
            INSERT INTO recovery_city (city_code, shown_key, shown_epoch, shown_instead_of) VALUES ($1, $2, $3, $4)
            ON CONFLICT (city_code) DO UPDATE SET shown_key = excluded.shown_key, shown_epoch = excluded.shown_epoch,
                shown_instead_of = excluded.shown_instead_of
            WHERE recovery_city.shown_epoch IS NULL OR recovery_city.shown_epoch < excluded.shown_epoch
            RETURNING 1
            """,
            [
                .int4(Int32(membership.city.rawValue)), .bytea(membership.publicKey.bytes),
                .bytea(membership.epoch.bytes), .bytea(key.bytes),
            ])
        guard kept.count > 0 else { return }
        try note(
            session, "key shown",
            "city \(membership.city) is heard under key \(membership.publicKey.bytes.hexadecimal), which it joined with in "
                + "the lost time", now: now)
    }

    /// Keeps for the operators that nothing tells of a city's key, unless it has shown a newer one.
    ///
    /// - Returns: Whether this was not known.
    fileprivate static func noteLost(_ membership: Membership, _ session: PostgresSession, now: UInt64) throws -> Bool {
        let kept = try session.execute(
            """
            INSERT INTO lost_member AS l (city_code, name, public_key, epoch, shown_at_ms) VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (city_code) DO UPDATE SET name = excluded.name, public_key = excluded.public_key,
                epoch = excluded.epoch, shown_at_ms = excluded.shown_at_ms, accepted_reason = NULL
            WHERE l.epoch < excluded.epoch
            RETURNING 1
            """,
            [
                .int4(Int32(membership.city.rawValue)), .text(membership.name), .bytea(membership.publicKey.bytes),
                .bytea(membership.epoch.bytes), .int8(Int64(clamping: now)),
            ])
        guard kept.count > 0 else { return false }
        try note(
            session, "city lost",
            "city \(membership.city) \(membership.name) joined with key \(membership.publicKey.bytes.hexadecimal), of which "
                + "nothing tells any more", now: now)
        return true
    }

    /// Goes on without a city of which nothing tells any more.
    ///
    /// - Returns: Whether there is such a city; one that the recovery under way waits for is none.
    static func acceptLoss(
        of city: CityCode, reason: String, _ session: PostgresSession, now: UInt64
    ) throws -> Bool {
        let accepted = try session.execute(
            """
            UPDATE lost_member SET accepted_reason = $2 WHERE city_code = $1 AND accepted_reason IS NULL
                AND NOT EXISTS (SELECT FROM recovery_city WHERE city_code = $1)
            RETURNING 1
            """, [.int4(Int32(city.rawValue)), .text(reason)])
        guard accepted.count > 0 else { return false }
        try note(session, "absence accepted", "city \(city): \(reason)", now: now)
        return true
    }

    /// Once what came back tells of another key of a city, it tells of the one that was shown, too, or of a later one.
    func dropKeysTold() throws {
        try session.queue(
            """
            UPDATE recovery_city s SET shown_key = NULL, shown_epoch = NULL, shown_instead_of = NULL FROM city c
            WHERE c.city_code = s.city_code AND c.public_key <> s.shown_instead_of
            """)
        try Recovery.dropFound(session)
    }

    /// What is known again is lost no more.
    private static func dropFound(_ session: PostgresSession) throws {
        try session.queue(
            "DELETE FROM lost_member l USING city c WHERE c.city_code = l.city_code AND c.public_key = l.public_key")
    }

    /// Registers the keys that were shown and that nothing tells of which came back: what cities gave back is sealed by them.
    ///
    /// - Returns: What the registry's log is to say of it.
    static func takeOverKeysShown(_ session: PostgresSession, now: UInt64) throws -> [RegistryAct] {
        // The tokens that they came with are in no log.
        try session.queue(
            """
            UPDATE join_token t SET used_at_ms = $1 FROM recovery_city s
            WHERE s.city_code = t.city_code AND s.shown_key IS NOT NULL AND s.absence_reason IS NULL
                AND t.used_at_ms IS NULL
            """, [.int8(Int64(clamping: now))])
        let rows = try session.execute(
            """
            WITH taken AS (
                UPDATE city c SET public_key = s.shown_key, key_since_ms = $1 FROM recovery_city s
                WHERE s.city_code = c.city_code AND s.shown_key IS NOT NULL AND s.absence_reason IS NULL
                RETURNING c.city_code, c.public_key, c.status = 'suspended' AS is_suspended)
            SELECT city_code, public_key, is_suspended FROM taken ORDER BY city_code
            """, [.int8(Int64(clamping: now))])
        var acts: [RegistryAct] = []
        for row in 0..<rows.count {
            let city = try rows.city(row, 0, in: "city")
            guard let key = PublicKey(bytes: rows.bytes(row, 1)) else { continue }
            acts.append(.joined(city, key))
            // For the log's readers a city that joins is active.
            if rows.bool(row, 2) { acts.append(.suspended(city, reason: "suspended as before the recovery")) }
        }
        try dropFound(session)
        return acts
    }
}
