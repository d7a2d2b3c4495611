import Arbitration
import FederationWire
import PostgresClient
import Replication
import VoucherDomain

/// The deciding half of a recovery: what came back is put into the order in which it was decided, and the arbiter decides
/// it again; each feed entry must be the one that cities hold, byte for byte.
struct RecoveryReplay {
    let session: PostgresSession
    let secrets: RegistrySecrets

    /// A batch, or a part of one, whose entries were received at one time and decided one after the other.
    private struct Run {
        let batch: Int64
        let city: Int64
        let first: Int64
        var last: Int64
        /// In milliseconds since 1970, as the feed says, or else the receipt.
        let receivedAt: Int64
    }

    // MARK: Beginning

    /// Orders what waits and lets the arbiter go on; with nothing to decide again the recovery is over.
    ///
    /// - Returns: Why it cannot begin, for the operators.
    func begin(now: UInt64) throws -> String? {
        let missing = try session.execute(
            """
            SELECT r.city_code, min(r.sequence), max(r.sequence), count(*) FROM recovery_feed r
            LEFT JOIN entry e ON e.city_code = r.city_code AND e.sequence = r.sequence AND e.hash = r.answers_hash
            WHERE r.adopted AND e.city_code IS NULL GROUP BY r.city_code ORDER BY r.city_code LIMIT 1
            """)
        if missing.count > 0 {
            return
                "the feed answers \(missing.int(0, 3)) entries of city \(missing.int(0, 0)), \(missing.int(0, 1)) to "
                + "\(missing.int(0, 2)), that nobody has sent back, or others in their place: that city must come back with its "
                + "own log; if it is 0, restore the backup once more"
        }
        try takeOverFaults()
        try rejectStrayAnswers()
        try order()
        try noteIncarnations()
        let isBehind = try session.execute(
            """
            UPDATE registry SET recovery_phase = CASE WHEN tables_behind THEN 'rewinding' ELSE 'replaying' END,
                recovery_sender = NULL
            RETURNING tables_behind, pg_notify('\(RegistryStore.inboxChannel)', '')
            """
        ).bool(0, 0)
        try Recovery.note(session, "recovery: everything is back", "deciding again what was lost", now: now)
        // The arbiter makes the tables anew first.
        if isBehind { return nil }
        let head = try RegistryRow.read(session).feedHead
        try decided(from: head.position + 1, through: head)
        return nil
    }

    /// An entry was rejected for what the registry knew when it was received: the feed says which, and why.
    private func takeOverFaults() throws {
        let rows = try session.execute(
            """
            SELECT r.bytes, e.fault FROM recovery_feed r
            JOIN entry e ON e.city_code = r.city_code AND e.sequence = r.sequence
            WHERE r.adopted AND r.city_code <> 0 AND (r.decision = $1 OR e.fault IS NOT NULL)
            """, [.int4(Int32(Outcome.Decision.invalid.rawValue))])
        var faults: [(city: Int32, sequence: Int64, id: [UInt8]?, fault: String?)] = []
        for row in 0..<rows.count {
            let told = try RecoveryReplay.decode(rows.bytes(row, 0))
            let fault = toldFault(told)
            guard fault != (rows.isNull(row, 1) ? nil : rows.text(row, 1)) else { continue }
            let id = fault == PushReview.repeatedID ? nil : told.entryID.rawValue
            faults.append((Int32(told.city.rawValue), Int64(told.answers.sequence), id, fault))
        }
        // An id is given up before another entry takes it.
        for item in faults.sorted(by: { ($0.id == nil ? 0 : 1) < ($1.id == nil ? 0 : 1) }) {
            try session.queue(
                "UPDATE entry SET fault = $3, entry_id = $4 WHERE city_code = $1 AND sequence = $2",
                [.int4(item.city), .int8(item.sequence), .text(item.fault), .bytea(item.id)])
        }
    }

    static func decode(_ bytes: [UInt8]) throws -> FeedEntry {
        do { return try FeedCoding.decode(bytes).entry } catch {
            throw PostgresError(code: .unexpectedResult, message: "a damaged row of the feed: \(error.message)")
        }
    }

    private func toldFault(_ told: FeedEntry) -> String? {
        guard told.decision == .invalid, !told.detail.isEmpty else { return nil }
        let cipher = DetailCipher(key: DetailCipher.cityKey(master: secrets.detailMaster, city: told.city))
        guard let text = cipher.open(told.detail, position: told.position),
            let detail = try? ReasonCoding.decode(text)
        else { return nil }
        // The fold finds faults of its own; it will find them again.
        let known = PushReview.faults.union([Arbiter.poisonFault])
        return detail.reasons.lazy.compactMap { reason -> String? in
            if case .faultyEntry(let fault) = reason.finding { fault } else { nil }
        }.first(where: known.contains)
    }

    /// Answers to cases of a branch that was given up are rejected where the feed does not answer them already.
    private func rejectStrayAnswers() throws {
        let rows = try session.execute(
            """
            SELECT e.bytes FROM batch b
            JOIN entry e ON e.city_code = b.city_code AND e.sequence BETWEEN b.first_sequence AND b.last_sequence
            WHERE NOT b.folded AND e.kind = $1 AND e.fault IS NULL AND EXISTS (SELECT FROM given_up_feed)
                AND NOT EXISTS (
                    SELECT FROM recovery_feed r
                    WHERE r.adopted AND r.city_code = e.city_code AND r.sequence = e.sequence)
            """, [.int4(Int32(EntryKind.caseAnswered.rawValue))])
        let answers = try (0..<rows.count).map { try Recovery.entry(rows.bytes($0, 0)) }
        let stray = try Recovery.strayAnswers(answers, session)
        let rejected = answers.filter { stray.contains($0.hash) }
        for entry in rejected {
            try session.queue(
                "UPDATE entry SET fault = $3 WHERE city_code = $1 AND sequence = $2",
                [.int4(Int32(entry.city.rawValue)), .int8(Int64(entry.sequence)), .text(PushReview.strayAnswer)])
        }
        for city in Set(rejected.map(\.city)).sorted() { try unbindClock(of: city) }
    }

    /// The clock of a rejected entry binds nothing after it: that of the last one which is not rejected does.
    private func unbindClock(of city: CityCode) throws {
        let code = PostgresParameter.int4(Int32(city.rawValue))
        let last = try session.execute(
            "SELECT bytes FROM entry WHERE city_code = $1 AND fault IS NULL ORDER BY sequence DESC LIMIT 1", [code])
        let time = last.count == 1 ? try Recovery.entry(last.bytes(0, 0)).time : .zero
        try session.queue(
            "UPDATE city SET log_time = $2 WHERE city_code = $1", [code, .int8(Int64(bitPattern: time.rawValue))])
    }

    /// Renumbers the batches that wait: those that the feed answers in its order, the others after them as they were
    /// received, but each log in its own order whatever the clocks of two servers said. A batch of which the feed answers
    /// only parts, or not at one go, is cut.
    private func order() throws {
        let answered = try session.execute(
            """
            SELECT b.batch_id, r.city_code, r.sequence, coalesce(r.received_at_ms, b.received_at_ms) FROM recovery_feed r
            CROSS JOIN LATERAL (
                SELECT batch_id, folded, received_at_ms FROM batch b
                WHERE b.city_code = r.city_code AND b.last_sequence >= r.sequence
                ORDER BY b.last_sequence LIMIT 1) AS b
            WHERE r.adopted AND NOT b.folded ORDER BY r.position
            """)
        var runs: [Run] = []
        /// The last entry of each batch that the feed answers.
        var ends: [Int64: Int64] = [:]
        for row in 0..<answered.count {
            let (batch, city, sequence) = (answered.int(row, 0), answered.int(row, 1), answered.int(row, 2))
            let receivedAt = answered.int(row, 3)
            ends[batch] = sequence
            // A city whose answer was lost may have got one receipt for what was received at two times.
            if let last = runs.last, last.batch == batch, last.last + 1 == sequence, last.receivedAt == receivedAt {
                runs[runs.count - 1].last = sequence
            } else {
                runs.append(Run(batch: batch, city: city, first: sequence, last: sequence, receivedAt: receivedAt))
            }
        }
        let others = try session.execute(
            """
            SELECT batch_id, city_code, first_sequence, last_sequence, received_at_ms FROM batch
            WHERE NOT folded ORDER BY max(received_at_ms) OVER (PARTITION BY city_code ORDER BY first_sequence),
                city_code, first_sequence
            """)
        for row in 0..<others.count {
            let (batch, city) = (others.int(row, 0), others.int(row, 1))
            let first = ends[batch].map { $0 + 1 } ?? others.int(row, 2)
            guard first <= others.int(row, 3) else { continue }
            runs.append(
                Run(batch: batch, city: city, first: first, last: others.int(row, 3), receivedAt: others.int(row, 4)))
        }
        try renumber(runs)
    }

    private func renumber(_ runs: [Run]) throws {
        guard !runs.isEmpty else { return }
        // Rows are made anew under rising numbers, the last piece of a batch with the batch's own receipt.
        let ends = runs.reduce(into: [Int64: Int64]()) { ends, run in ends[run.batch] = run.last }
        let base = try session.execute("SELECT max(batch_id) FROM batch").int(0, 0)
        let ids = PostgresParameter.int8Array(Array(ends.keys))
        try session.queue("CREATE TEMP TABLE waiting_batch (LIKE batch) ON COMMIT DROP")
        try session.queue("INSERT INTO waiting_batch SELECT * FROM batch WHERE batch_id = ANY($1)", [ids])
        try session.queue("DELETE FROM batch WHERE batch_id = ANY($1)", [ids])
        for (index, run) in runs.enumerated() {
            let receipt = run.last == ends[run.batch] ? nil : try receipt(endingAt: run)
            try session.queue(
                """
                INSERT INTO batch (batch_id, city_code, first_sequence, last_sequence, entry_bytes, seal_body,
                    seal_signature, receipt_body, receipt_signature, received_at_ms)
                SELECT $2, city_code, $3, $4,
                    (SELECT coalesce(sum(octet_length(bytes)), 0) FROM entry e
                        WHERE e.city_code = b.city_code AND sequence BETWEEN $3 AND $4),
                    seal_body, seal_signature, coalesce($5, receipt_body), coalesce($6, receipt_signature), $7
                FROM waiting_batch b WHERE batch_id = $1
                """,
                [
                    .int8(run.batch), .int8(base + Int64(index) + 1), .int8(run.first), .int8(run.last),
                    .bytea(receipt?.body), .bytea(receipt?.signature), .int8(run.receivedAt),
                ])
        }
        try session.execute("SELECT setval(pg_get_serial_sequence('batch', 'batch_id'), max(batch_id)) FROM batch")
    }

    /// A receipt for a piece that ends before its batch does.
    private func receipt(endingAt run: Run) throws -> SignedBytes {
        let row = try session.execute(
            "SELECT bytes FROM entry WHERE city_code = $1 AND sequence = $2", [.int4(Int32(run.city)), .int8(run.last)])
        let entry = try Recovery.entry(row.bytes(0, 0))
        var generator = SystemRandomNumberGenerator()
        return try Receipt(
            id: EntryID(using: &generator).rawValue, city: entry.city, through: entry.head,
            feedHead: try RegistryRow.read(session).feedHead, receivedAt: UInt64(run.receivedAt)
        ).signed(by: secrets.signingKey)
    }

    /// Incarnations that the lost part went through, and the one that begins after it.
    private func noteIncarnations() throws {
        try session.queue(
            """
            INSERT INTO incarnation (number, first_position)
            SELECT incarnation, min(position) FROM recovery_feed
            WHERE adopted AND incarnation > (SELECT max(number) FROM incarnation) GROUP BY incarnation
            """)
        try session.queue(
            """
            INSERT INTO incarnation (number, first_position)
            SELECT recovery_incarnation, 1 + greatest(feed_position,
                (SELECT coalesce(max(position), 0) FROM recovery_feed WHERE adopted))
            FROM registry
            """)
    }

    // MARK: Deciding

    /// Looks at what the arbiter of a replaying registry has just written, in its transaction; ends the recovery when all is decided again.
    ///
    /// - Throws: ``RegistryRefusal`` `.diverged` when the feed is not the one that cities hold.
    func decided(from first: UInt64, through head: FeedHead) throws {
        let differing = try session.execute(
            """
            SELECT min(r.position) FROM recovery_feed r JOIN feed f USING (position)
            WHERE r.adopted AND r.position BETWEEN $1 AND $2 AND f.hash <> r.hash HAVING count(*) > 0
            """, [.int8(Int64(first)), .int8(Int64(head.position))])
        if differing.count > 0 {
            throw RegistryRefusal(
                .diverged,
                "what cities hold at feed position \(differing.int(0, 0)) is not what the logs give: nothing is decided. "
                    + "Report this with the output of national-registry status")
        }
        let rest = try session.execute(
            "SELECT 1 FROM recovery_feed WHERE adopted AND position > $1 LIMIT 1", [.int8(Int64(head.position))])
        if rest.count == 0 { try end() }
    }

    private func end() throws {
        let standing = try session.execute(
            """
            SELECT recovery_reason, recovery_incarnation,
                ARRAY(SELECT city_code::bigint FROM recovery_city WHERE absence_reason IS NOT NULL ORDER BY city_code)
            FROM registry
            """)
        let incarnation = UInt32(standing.int(0, 1))
        let now = UInt64(try RecoveryReplay.clock(session))
        let rejoined = try Recovery.takeOverKeysShown(session, now: now)
        try session.queue("DELETE FROM recovery_feed")
        try session.queue("DELETE FROM recovery_city")
        try session.queue(
            """
            UPDATE registry SET recovery_phase = NULL, recovery_reason = NULL, recovery_incarnation = NULL,
                recovery_sender = NULL, recovery_sent_at_ms = NULL, recovery_problem = NULL, recovery_common = NULL
            """)
        var generator = SystemRandomNumberGenerator()
        let epoch = Epoch(incarnation: incarnation, counter: 1, nonce: generator.next())
        try session.queue("UPDATE city SET granted_epoch = $1 WHERE city_code = 0", [.bytea(epoch.bytes)])
        let absent = standing.int8Array(0, 2).compactMap { CityCode(rawValue: UInt32($0)) }
        let recovered = RegistryAct.recovered(
            incarnation: incarnation, id: EntryID(using: &generator), reason: standing.text(0, 0), absent: absent)
        let stood = try CityRow.lock(.registry, session).head.sequence
        try RegistryStore.append([recovered] + rejoined, session, secrets, now: now)
        let recovery = Recovery(session: session, secrets: secrets, city: .registry, now: now)
        try recovery.tellFoundPayments(decidedOnly: false)
        try recovery.appendActsAgain(behind: stood)
    }

    /// The database server's clock, in milliseconds since 1970.
    private static func clock(_ session: PostgresSession) throws -> Int64 {
        try session.execute("SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint").int(0, 0)
    }
}
