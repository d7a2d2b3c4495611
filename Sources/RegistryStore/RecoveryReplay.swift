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

    /// A batch, or a part of one, whose entries were decided one after the other.
    private struct Run {
        let batch: Int64
        let city: Int64
        let first: Int64
        var last: Int64
    }

    // MARK: Beginning

    /// Orders what waits and lets the arbiter go on; with nothing to decide again the recovery is over.
    ///
    /// - Returns: Why it cannot begin, for the operators.
    func begin(now: UInt64) throws -> String? {
        let missing = try session.execute(
            """
            SELECT r.city_code, min(r.sequence), max(r.sequence), count(*) FROM recovery_feed r
            LEFT JOIN entry e ON e.city_code = r.city_code AND e.sequence = r.sequence
            WHERE r.adopted AND e.city_code IS NULL GROUP BY r.city_code ORDER BY r.city_code LIMIT 1
            """)
        if missing.count > 0 {
            return
                "the feed answers \(missing.int(0, 3)) entries of city \(missing.int(0, 0)), \(missing.int(0, 1)) to "
                + "\(missing.int(0, 2)), that nobody has sent back: that city must come back"
        }
        try takeOverFaults()
        try order()
        try noteIncarnations()
        try session.execute(
            """
            UPDATE registry SET recovery_phase = 'replaying', recovery_sender = NULL
            RETURNING pg_notify('\(RegistryStore.inboxChannel)', '')
            """)
        try Recovery.note(session, "recovery: everything is back", "deciding again what was lost", now: now)
        let head = try RegistryRow.read(session).feedHead
        try decided(from: head.position, through: head)
        return nil
    }

    /// An entry was rejected for what the registry knew when it was received: the feed says which, and why.
    private func takeOverFaults() throws {
        let rows = try session.execute(
            """
            SELECT r.position, r.bytes, e.fault, e.bytes FROM recovery_feed r
            JOIN entry e ON e.city_code = r.city_code AND e.sequence = r.sequence
            WHERE r.adopted AND r.city_code <> 0 ORDER BY r.position
            """)
        var faults: [(city: Int32, sequence: Int64, id: [UInt8]?, fault: String?)] = []
        for row in 0..<rows.count {
            let told = try RecoveryReplay.decode(rows.bytes(row, 1))
            let fault = try toldFault(told)
            guard fault != (rows.isNull(row, 2) ? nil : rows.text(row, 2)) else { continue }
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

    private static func decode(_ bytes: [UInt8]) throws -> FeedEntry {
        do { return try FeedCoding.decode(bytes).entry } catch {
            throw PostgresError(code: .unexpectedResult, message: "a damaged row in recovery_feed: \(error.message)")
        }
    }

    private func toldFault(_ told: FeedEntry) throws -> String? {
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

    /// Renumbers the batches that wait: those that the feed answers in its order, the others after them as they were
    /// received. A batch of which the feed answers only parts, or not at one go, is cut.
    private func order() throws {
        let answered = try session.execute(
            """
            SELECT b.batch_id, b.city_code, r.sequence, b.first_sequence, b.last_sequence FROM recovery_feed r
            JOIN batch b ON b.city_code = r.city_code AND r.sequence BETWEEN b.first_sequence AND b.last_sequence
                AND NOT b.folded
            WHERE r.adopted ORDER BY r.position
            """)
        var runs: [Run] = []
        var ends: [Int64: (answered: Int64, last: Int64)] = [:]
        for row in 0..<answered.count {
            let (batch, city, sequence) = (answered.int(row, 0), answered.int(row, 1), answered.int(row, 2))
            ends[batch] = (sequence, answered.int(row, 4))
            if let last = runs.last, last.batch == batch, last.last + 1 == sequence {
                runs[runs.count - 1].last = sequence
            } else {
                runs.append(Run(batch: batch, city: city, first: sequence, last: sequence))
            }
        }
        let others = try session.execute(
            "SELECT batch_id, city_code, first_sequence, last_sequence FROM batch WHERE NOT folded ORDER BY received_at_ms, batch_id"
        )
        for row in 0..<others.count {
            let (batch, city) = (others.int(row, 0), others.int(row, 1))
            let first = ends[batch].map { $0.answered + 1 } ?? others.int(row, 2)
            guard first <= others.int(row, 3) else { continue }
            runs.append(Run(batch: batch, city: city, first: first, last: others.int(row, 3)))
        }
        try renumber(runs)
    }

    private func renumber(_ runs: [Run]) throws {
        guard !runs.isEmpty else { return }
        // Rows are made anew under rising numbers, the last piece of a batch with the batch's own receipt.
        let pieces = Dictionary(grouping: runs, by: \.batch)
        let base = try session.execute("SELECT max(batch_id) FROM batch").int(0, 0)
        let incomplete = runs.filter { run in pieces[run.batch]?.last?.last != run.last }
        let receipts = try receipts(endingAt: incomplete)
        let ids = PostgresParameter.int8Array(Array(pieces.keys))
        try session.queue("CREATE TEMP TABLE waiting_batch (LIKE batch) ON COMMIT DROP")
        try session.queue("INSERT INTO waiting_batch SELECT * FROM batch WHERE batch_id = ANY($1)", [ids])
        try session.queue("DELETE FROM batch WHERE batch_id = ANY($1)", [ids])
        for (index, run) in runs.enumerated() {
            let receipt = receipts[run.last, default: [:]][run.city]
            try session.queue(
                """
                INSERT INTO batch (batch_id, city_code, first_sequence, last_sequence, entry_bytes, seal_body,
                    seal_signature, receipt_body, receipt_signature, received_at_ms)
                SELECT $2, city_code, $3, $4,
                    (SELECT coalesce(sum(octet_length(bytes)), 0) FROM entry e
                        WHERE e.city_code = b.city_code AND sequence BETWEEN $3 AND $4),
                    seal_body, seal_signature, coalesce($5, receipt_body), coalesce($6, receipt_signature),
                    received_at_ms
                FROM waiting_batch b WHERE batch_id = $1
                """,
                [
                    .int8(run.batch), .int8(base + Int64(index) + 1), .int8(run.first), .int8(run.last),
                    .bytea(receipt?.body), .bytea(receipt?.signature),
                ])
        }
        try session.execute("SELECT setval(pg_get_serial_sequence('batch', 'batch_id'), max(batch_id)) FROM batch")
    }

    /// Receipts for the pieces that end before their batch does, by their last sequence and city.
    private func receipts(endingAt runs: [Run]) throws -> [Int64: [Int64: SignedBytes]] {
        var receipts: [Int64: [Int64: SignedBytes]] = [:]
        let feedHead = try RegistryRow.read(session).feedHead
        var generator = SystemRandomNumberGenerator()
        for run in runs {
            let row = try session.execute(
                """
                SELECT e.bytes, b.received_at_ms FROM entry e, batch b
                WHERE e.city_code = $1 AND e.sequence = $2 AND b.batch_id = $3
                """, [.int4(Int32(run.city)), .int8(run.last), .int8(run.batch)])
            let entry: Entry
            do { entry = try EntryCoding.decode(row.bytes(0, 0)) } catch {
                throw PostgresError(code: .unexpectedResult, message: "a damaged row in entry: \(error.message)")
            }
            receipts[run.last, default: [:]][run.city] = try Receipt(
                id: EntryID(using: &generator).rawValue, city: entry.city, through: entry.head, feedHead: feedHead,
                receivedAt: UInt64(row.int(0, 1))
            ).signed(by: secrets.signingKey)
        }
        return receipts
    }

    /// Incarnations that the lost part went through, and the one that begins after it.
    private func noteIncarnations() throws {
        let first = try session.execute(
            """
            SELECT position, bytes FROM recovery_feed WHERE adopted ORDER BY position
            """)
        var current = try RegistryRow.read(session).incarnation
        var end = try RegistryRow.read(session).feedHead.position
        for row in 0..<first.count {
            let told = try RecoveryReplay.decode(first.bytes(row, 1))
            end = told.position
            guard told.incarnation > current else { continue }
            current = told.incarnation
            try note(incarnation: current, from: told.position)
        }
        let next = try session.execute("SELECT recovery_incarnation FROM registry")
        try note(incarnation: UInt32(next.int(0, 0)), from: end + 1)
    }

    private func note(incarnation: UInt32, from position: UInt64) throws {
        try session.queue(
            "INSERT INTO incarnation (number, first_position) VALUES ($1, $2)",
            [.int4(Int32(bitPattern: incarnation)), .int8(Int64(position))])
    }

    // MARK: Deciding

    /// Looks at what the arbiter has just written, in its transaction; ends the recovery when all is decided again.
    ///
    /// - Throws: ``RegistryRefusal`` `.diverged` when the feed is not the one that cities hold.
    func decided(from first: UInt64, through head: FeedHead) throws {
        guard try RegistryRow.read(session).recovery == .replaying else { return }
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
        try session.queue("DELETE FROM recovery_feed")
        try session.queue("DELETE FROM recovery_city")
        try session.queue(
            """
            UPDATE registry SET recovery_phase = NULL, recovery_reason = NULL, recovery_incarnation = NULL,
                recovery_sender = NULL, recovery_sent_at_ms = NULL, recovery_problem = NULL
            """)
        var generator = SystemRandomNumberGenerator()
        let epoch = Epoch(incarnation: incarnation, counter: 1, nonce: generator.next())
        try session.queue("UPDATE city SET granted_epoch = $1 WHERE city_code = 0", [.bytea(epoch.bytes)])
        let absent = standing.int8Array(0, 2).compactMap { CityCode(rawValue: UInt32($0)) }
        try RegistryStore.append(
            .recovered(
                incarnation: incarnation, id: EntryID(using: &generator), reason: standing.text(0, 0), absent: absent),
            session, secrets, now: UInt64(try RecoveryReplay.clock(session)))
    }

    /// The database server's clock, in milliseconds since 1970.
    private static func clock(_ session: PostgresSession) throws -> Int64 {
        try session.execute("SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint").int(0, 0)
    }
}
