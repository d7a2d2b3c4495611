import Arbitration
import FederationWire
import PostgresClient
import Replication
import VoucherDomain

/// Branches of the feed that do not stand: two registries went on deciding, and one of both is given up.
///
/// The branch with the highest (incarnation, position) stands, the database's own journal being one of them. What does not
/// stand is kept, every byte of it. What cities have said is in their own logs and is decided behind what stands; what
/// operators have done is appended again in the end.
extension Recovery {
    /// The places of what was sent and is not what stands: the database's own feed, and the tail that was adopted.
    static let sentAndNew = """
        SELECT r.position FROM recovery_feed r LEFT JOIN feed f USING (position)
        LEFT JOIN recovery_feed a ON a.adopted AND a.position = r.position
        WHERE NOT r.adopted AND coalesce(a.hash, f.hash) IS DISTINCT FROM r.hash
        """

    /// Takes back what the database has otherwise than the tail that was sent, which is to be adopted.
    ///
    /// - Throws: ``RegistryRefusal`` `.diverged` where both cannot be merged.
    func giveUpOwnBranch() throws {
        let first = try session.execute("SELECT min(position) FROM (\(Recovery.sentAndNew)) AS r")
        let common = first.int(0, 0) - 1
        try session.execute("DELETE FROM recovery_feed WHERE NOT adopted AND position <= $1", [.int8(common)])
        let own = Int64(try RegistryRow.read(session).feedHead.position)
        // Those that only the own branch has gone through, or has begun; the first one is every branch's.
        try session.queue(
            "DELETE FROM incarnation WHERE first_position > $1 AND number > 1", [.int8(min(common, own))])
        guard common < own else { return try giveUpOwnLog(from: firstDifferingAct()) }
        let released = try payments(at: [.released], in: "feed WHERE true", after: common)
        let references = Set(released.keys)
        try keep(
            references,
            authorizedBy: authorizations(of: references, through: common, and: "recovery_feed WHERE NOT adopted"),
            filedBy: filings(of: released, in: "feed WHERE true", after: common))
        try requireWholeBatches(after: common)
        let firstAct = try firstActDecided(after: common)
        try giveUpOwnFeed(after: common)
        try Recovery.note(
            session, "feed given up", "own entries \(common + 1) to \(own): cities hold a branch above it", now: now)
        try giveUpOwnLog(from: firstAct)
    }

    /// Keeps a tail that was sent and does not stand.
    ///
    /// - Parameter isLate: Whether the registry is open: what the tail had otherwise than what stands is then looked at.
    func keepAside(isLate: Bool) throws {
        let first = try session.execute(
            "SELECT min(position), max(position) FROM (\(Recovery.sentAndNew)) AS r")
        let common = first.int(0, 0) - 1
        try session.execute("DELETE FROM recovery_feed WHERE NOT adopted AND position <= $1", [.int8(common)])
        let released = try payments(at: [.released], in: "recovery_feed WHERE NOT adopted", after: common)
        let references = Set(released.keys)
        try keep(
            references, authorizedBy: authorizations(of: references, through: .max, and: "recovery_feed WHERE adopted"),
            filedBy: filings(of: released, in: "recovery_feed WHERE NOT adopted", after: common))
        if isLate { try noteKeptTail(after: common) }
        let acts = try session.execute(
            "SELECT bytes FROM recovery_feed WHERE NOT adopted AND city_code = 0 ORDER BY position")
        for row in 0..<acts.count {
            do {
                try keep(EntryCoding.decode(RecoveryReplay.decode(acts.bytes(row, 0)).registryEntry))
            } catch let fault as WireFault { throw RegistryRefusal(.invalid, fault.message) }
        }
        try keepFeed("recovery_feed WHERE NOT adopted", after: common)
        try session.queue("DELETE FROM recovery_feed WHERE NOT adopted")
        try Recovery.note(
            session, "feed given up", "entries \(common + 1) to \(first.int(0, 1)) that city \(city) holds", now: now)
    }

    // MARK: The own feed

    /// The first entry of each log that the own feed answers after a position; `$1` is the position.
    private static let firstAnswered = """
        (SELECT city_code, min(sequence) AS first FROM feed WHERE position > $1 GROUP BY city_code)
        """

    /// What is decided in one batch, is decided on both branches or on none.
    private func requireWholeBatches(after common: Int64) throws {
        let cut = try session.execute(
            """
            SELECT b.city_code FROM \(Recovery.firstAnswered) AS a JOIN batch b USING (city_code)
            WHERE b.first_sequence < a.first AND b.last_sequence >= a.first LIMIT 1
            """, [.int8(common)])
        guard cut.count > 0 else { return }
        throw RegistryRefusal(
            .diverged,
            "the feed differs in the midst of a batch of city \(cut.int(0, 0)), where both registries had the same to decide: "
                + "report this, and restore the backup once more")
    }

    /// - Returns: The first entry of the registry's own log that is answered after a position, or not yet.
    private func firstActDecided(after common: Int64) throws -> Int64 {
        let result = try session.execute(
            """
            SELECT coalesce((SELECT min(sequence) FROM feed WHERE position > $1 AND city_code = 0),
                (SELECT folded_sequence + 1 FROM fold_cursor WHERE city_code = 0), 1)
            """, [.int8(common)])
        return result.int(0, 0)
    }

    /// Ends the feed at a position. What follows is kept; what it answers waits again.
    private func giveUpOwnFeed(after common: Int64) throws {
        let position = PostgresParameter.int8(common)
        let hash = try standingHash(at: UInt64(common))
        try keepFeed("feed WHERE true", after: common)
        for sql in [
            """
            UPDATE batch b SET folded = false FROM \(Recovery.firstAnswered) AS a
            WHERE b.city_code = a.city_code AND b.last_sequence >= a.first AND b.folded
            """,
            """
            DELETE FROM fold_cursor c USING \(Recovery.firstAnswered) AS a
            WHERE c.city_code = a.city_code AND a.first = 1
            """,
            """
            UPDATE fold_cursor c SET folded_sequence = a.first - 1 FROM \(Recovery.firstAnswered) AS a
            WHERE c.city_code = a.city_code
            """,
            "DELETE FROM feed WHERE position > $1",
        ] {
            try session.queue(sql, [position])
        }
        try session.queue(
            """
            UPDATE registry SET feed_position = $1, feed_hash = $2, untimed_through = least(untimed_through, $1),
                tables_behind = true
            """, [position, .bytea(hash.rawValue)])
        try forgetTold(ofTails: false)
    }

    /// - Parameter rows: A table of feed entries, with a condition.
    func keepFeed(_ rows: String, after common: Int64) throws {
        try session.queue(
            """
            INSERT INTO given_up_feed (hash, previous_hash, position, bytes)
            SELECT hash, coalesce(lag(hash) OVER (ORDER BY position), $2), position, bytes
            FROM \(rows) AND position > $1 ON CONFLICT DO NOTHING
            """, [.int8(common), .bytea(try standingHash(at: UInt64(common)).rawValue)])
    }

    // MARK: The registry's own log

    /// - Returns: The first entry of the registry's own log that is not decided and that the tail has otherwise; `nil` when
    ///   there is none.
    private func firstDifferingAct() throws -> Int64? {
        let result = try session.execute(
            """
            SELECT min(e.sequence) FROM entry e JOIN recovery_feed r ON r.city_code = 0 AND r.sequence = e.sequence
            WHERE e.city_code = 0 AND NOT r.adopted AND r.answers_hash <> e.hash
                AND e.sequence > coalesce((SELECT folded_sequence FROM fold_cursor WHERE city_code = 0), 0)
            """)
        return result.optionalInt(0, 0)
    }

    /// Ends the registry's own log before an entry. What follows is kept.
    ///
    /// - Parameter first: `nil` where all of it stands.
    private func giveUpOwnLog(from first: Int64?) throws {
        guard let first else { return }
        let sequence = PostgresParameter.int8(first)
        let acts = try session.execute(
            "SELECT bytes FROM entry WHERE city_code = 0 AND sequence >= $1 ORDER BY sequence", [sequence])
        guard acts.count > 0 else { return }
        let cut = try session.execute(
            "SELECT 1 FROM batch WHERE city_code = 0 AND first_sequence < $1 AND last_sequence >= $1", [sequence])
        guard cut.count == 0 else {
            throw RegistryRefusal(
                .diverged,
                "the registry's own log differs in the midst of a batch: report this, and restore the backup once more")
        }
        let entries = try (0..<acts.count).map { try Recovery.entry(acts.bytes($0, 0)) }
        for entry in entries { try keep(entry) }
        try session.queue("DELETE FROM batch WHERE city_code = 0 AND first_sequence >= $1", [sequence])
        try session.queue("DELETE FROM entry WHERE city_code = 0 AND sequence >= $1", [sequence])
        try forgetTold(ofTails: entries.contains { $0.kind == .tailKept })
        let last = try session.execute(
            "SELECT bytes FROM entry WHERE city_code = 0 AND sequence = $1", [.int8(first - 1)])
        let entry = last.count == 1 ? try Recovery.entry(last.bytes(0, 0)) : nil
        try session.queue(
            """
            UPDATE city SET log_epoch = $1, log_sequence = $2, log_hash = $3, log_time = $4 WHERE city_code = 0
            """,
            [
                .bytea(entry?.epoch.bytes), .int8(first - 1), .bytea((entry?.hash ?? .zero).rawValue),
                .int8(Int64(bitPattern: (entry?.time ?? .zero).rawValue)),
            ])
    }

    // MARK: Cities

    /// Where the feed of a city goes on that has applied a branch which was given up.
    ///
    /// - Parameter head: What the city has shown.
    /// - Returns: `nil` where the head is on the feed, or on no branch that is known.
    static func wayBack(from head: FeedHead, _ session: PostgresSession) throws -> RecoveryCall.WayBack? {
        guard head.position > 0, try hash(at: head.position, session) != head.hash else { return nil }
        let result = try session.execute(
            """
            WITH RECURSIVE branch AS (
                SELECT previous_hash, position FROM given_up_feed WHERE hash = $1
                UNION ALL SELECT g.previous_hash, g.position FROM branch b JOIN given_up_feed g ON g.hash = b.previous_hash
                WHERE NOT EXISTS (SELECT FROM feed f WHERE f.position = g.position AND f.hash = g.hash))
            SELECT position - 1, previous_hash FROM branch ORDER BY position LIMIT 1
            """, [.bytea(head.hash.rawValue)])
        guard result.count == 1, let common = Digest(rawValue: result.bytes(0, 1)) else { return nil }
        let position = result.int(0, 0)
        if position == 0 { return RecoveryCall.WayBack(from: head, to: .empty) }
        guard let last = try RegistryStore.feedHead(at: position, session), last.hash == common else { return nil }
        return RecoveryCall.WayBack(from: head, to: last)
    }

    /// Answers to cases that were written on a branch which was given up: the spoken id, which is that of a position, may
    /// be another case's now.
    ///
    /// - Returns: Their hashes.
    static func strayAnswers(_ entries: [Entry], _ session: PostgresSession) throws -> Set<Digest> {
        let answers = entries.filter { $0.kind == .caseAnswered && $0.feedHead.position > 0 }
        guard !answers.isEmpty else { return [] }
        let result = try session.execute(
            """
            SELECT hash FROM given_up_feed g WHERE hash = ANY($1)
                AND NOT EXISTS (SELECT FROM feed f WHERE f.position = g.position AND f.hash = g.hash)
                AND NOT EXISTS (
                    SELECT FROM recovery_feed r WHERE r.adopted AND r.position = g.position AND r.hash = g.hash)
            """,
            [.byteaArray(answers.map(\.feedHead.hash.rawValue))])
        let stray = Set((0..<result.count).map { result.bytes($0, 0) })
        return Set(answers.filter { stray.contains($0.feedHead.hash.rawValue) }.map(\.hash))
    }
}
