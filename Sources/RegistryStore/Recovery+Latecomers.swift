import FederationWire
import PostgresClient
import Replication
import VoucherDomain

/// Cities that come when the registry is open again: a recovery has ended without them, or has given up what they had of the
/// feed.
extension Recovery {
    /// The answer to what a city shows, of which nothing makes the registry recover: the call that it is to promise first;
    /// else, if it has a tail of an earlier incarnation that nobody else had, where that is to go on.
    func openStanding(_ shown: Shown, _ registry: RegistryRow) throws -> RecoveryStanding {
        if shown.promise == registry.incarnation, shown.recoveryID == registry.recoveryID {
            try noteTail(shown, registry)
        } else {
            // It may be a node that was put back to a time before it promised.
            try session.queue("DELETE FROM recovery_city WHERE city_code = $1", [code])
        }
        return try openStanding(from: shown.feedHead, promise: shown.promise, registry)
    }

    /// Takes a page of such a tail. Once it is whole it is kept, as any branch that does not stand, and the city is told where
    /// to go back to.
    func takeTail(_ page: RefillPage, _ registry: RegistryRow) throws -> (RecoveryStanding, RegistryRefusal?) {
        let noted = try session.execute(
            "SELECT feed_incarnation, feed_position, feed_hash, promise FROM recovery_city WHERE city_code = $1",
            [code])
        guard noted.count == 1, let hash = Digest(rawValue: noted.bytes(0, 2)) else {
            return (try openStanding(from: .empty, promise: registry.incarnation, registry), nil)
        }
        let promise = UInt32(truncatingIfNeeded: noted.int(0, 3))
        guard page.promise == promise else { throw RegistryRefusal(.recovering, "present what you hold first") }
        let refusal = page.feed.isEmpty ? nil : try stage(page.feed, mayStand: false)
        try noteActsGivenUp()
        let head = FeedHead(
            incarnation: UInt32(truncatingIfNeeded: noted.int(0, 0)), position: UInt64(noted.int(0, 1)), hash: hash)
        return (try openStanding(from: head, promise: promise, registry), refusal)
    }

    /// Notes what a city shows that is on no branch which is known: as in a recovery, its tail is then asked for. One that
    /// was refused is not asked for again.
    private func noteTail(_ shown: Shown, _ registry: RegistryRow) throws {
        let head = shown.feedHead
        guard head.position > 0, head.incarnation < registry.incarnation,
            try Recovery.hash(at: head.position, session) != head.hash,
            try Recovery.wayBack(from: head, session) == nil
        else {
            try session.queue("DELETE FROM recovery_city WHERE city_code = $1", [code])
            return
        }
        try session.queue(
            """
            INSERT INTO recovery_city (city_code, promise, feed_incarnation, feed_position, feed_hash)
            VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (city_code) DO UPDATE SET promise = excluded.promise,
                feed_incarnation = excluded.feed_incarnation, feed_position = excluded.feed_position,
                feed_hash = excluded.feed_hash, sent_false_feed = false, differs_at = NULL, differs_why = NULL
                WHERE recovery_city.feed_hash <> excluded.feed_hash
            """,
            [
                code, .int4(Int32(bitPattern: shown.promise)), .int4(Int32(bitPattern: head.incarnation)),
                .int8(Int64(clamping: head.position)), .bytea(head.hash.rawValue),
            ])
    }

    /// Whether a tail of this city's is still to be taken.
    private func isNoted() throws -> Bool {
        try session.execute(
            "SELECT 1 FROM recovery_city WHERE city_code = $1 AND differs_at IS NULL AND NOT sent_false_feed", [code]
        ).count > 0
    }

    static func refusedFeeds(_ session: PostgresSession) throws -> [RegistryStore.RefusedFeed] {
        let rows = try session.execute(
            """
            SELECT city_code, c.name, coalesce(rc.differs_at, rc.feed_position), rc.sent_false_feed, rc.differs_why
            FROM registry r, recovery_city rc JOIN city c USING (city_code)
            WHERE r.recovery_phase IS NULL AND (rc.sent_false_feed OR rc.differs_at IS NOT NULL) ORDER BY city_code
            """)
        return try (0..<rows.count).map { row in
            let city = try rows.city(row, 0, in: "recovery_city")
            let why = rows.isNull(row, 4) ? nil : rows.text(row, 4)
            let message =
                rows.bool(row, 3)
                ? falseFeed(of: city) : conflict(of: city, at: rows.int(row, 2), isFalse: false, why: why)
            return RegistryStore.RefusedFeed(city: city, name: rows.text(row, 1), message: message)
        }
    }

    /// What helps a city that an open registry has refused: there is no absence to accept.
    private static func falseFeed(of city: CityCode) -> String {
        "city \(city) came after a recovery with a feed that does not end in the head that the registry sealed: its store is "
            + "damaged, and it is not asked again. Put a backup of its node back (city-node restore), or make a token "
            + "(national-registry city rotate-key) and let its node begin an empty store with it"
    }

    private func openStanding(
        from head: FeedHead, promise: UInt32, _ registry: RegistryRow
    ) throws -> RecoveryStanding {
        let row = try CityRow.lock(city, session)
        guard try !wantsFeed() else {
            let staged = try stagedHead(below: presentedPosition())
            return RecoveryStanding(
                incarnation: 0, logHead: row.head,
                feedHead: registry.incarnations.head(position: staged.position, hash: staged.hash), wantsFeed: true,
                isComplete: false)
        }
        let wayBack = try Recovery.wayBack(from: head, session)
        if wayBack == nil, try isNoted() {
            throw RegistryRefusal(.recovering, "another city is giving back what it has of the feed: try again later")
        }
        var standing = RecoveryStanding.open(row.head, registry.feedHead)
        if registry.incarnation > max(1, promise) || wayBack != nil {
            standing.call = try RecoveryCall(
                city: city, incarnation: registry.incarnation, recoveryID: registry.recoveryID, wayBack: wayBack
            ).signed(by: secrets.signingKey)
        }
        return standing
    }
}
