package import FederationWire
import PostgresClient
package import Replication
package import VoucherDomain

extension RegistryStore {
    /// What follows a city's cursor: at most `limit` entries and about 4 MiB, sealed over the last of them.
    ///
    /// Also notes how far the city has applied the feed, which is what `city list` calls its lag.
    ///
    /// - Throws: ``PushReview/Fault`` when the session is fenced or suspended; ``RegistryRefusal`` `.diverged`
    ///   when the cursor is not on this feed.
    package func feed(_ request: FeedRequest, city: CityCode, now: UInt64) async throws -> FeedAnswer {
        let key = secrets.signingKey
        return try await pool.transaction { session in
            try RegistryStore.admitReader(request, city, session, now: now)
            let registry = try RegistryRow.read(session)
            let result = try session.execute(
                "SELECT position, hash, bytes FROM feed WHERE position > $1 ORDER BY position LIMIT $2",
                [.int8(Int64(request.after.position)), .int8(Int64(request.limit))])
            var entries: [[UInt8]] = []
            var head = request.after
            var size = 0
            for row in 0..<result.count where size < RegistryStore.maximumPageBytes {
                guard let hash = Digest(rawValue: result.bytes(row, 1)) else { continue }
                let bytes = result.bytes(row, 2)
                entries.append(bytes)
                size += bytes.count
                head = FeedHead(
                    incarnation: registry.incarnation, position: UInt64(result.int(row, 0)), hash: hash)
            }
            let seal = try FeedSeal(head: head, sealedAt: now).signed(by: key)
            return FeedAnswer(entries: entries, seal: seal, more: head.position < registry.feedHead.position)
        }
    }

    private static let maximumPageBytes = 4 << 20

    private static func admitReader(
        _ request: FeedRequest, _ city: CityCode, _ session: PostgresSession, now: UInt64
    ) throws {
        guard let standing = try CityRow.read(city, session)?.standing else {
            throw RegistryRefusal(.unknownCity, "city \(city) has not joined")
        }
        if standing.isSuspended { throw PushReview.Fault.suspended }
        guard request.sessionEpoch == standing.grantedEpoch else {
            throw PushReview.Fault.fenced(granted: standing.grantedEpoch)
        }
        if request.after.position > 0 {
            let known = try session.execute(
                "SELECT hash FROM feed WHERE position = $1", [.int8(Int64(clamping: request.after.position))])
            guard known.count == 1, known.bytes(0, 0) == request.after.hash.rawValue else {
                throw RegistryRefusal(
                    .diverged, "the registry does not have the feed head \(request.after.position) of this city")
            }
        }
        try session.execute(
            "UPDATE city SET feed_applied = $2, last_contact_ms = $3 WHERE city_code = $1",
            [
                .int4(Int32(city.rawValue)), .int8(Int64(clamping: request.after.position)), .int8(Int64(now)),
            ])
    }

    /// The end of the feed.
    package func feedHead() async throws -> FeedHead {
        try await pool.run { try RegistryRow.read($0).feedHead }
    }

    /// Whether the database answers and has a registry.
    package func checkReady() async throws { _ = try await feedHead() }
}
