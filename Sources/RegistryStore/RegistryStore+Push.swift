import Failpoints
package import FederationWire
import PostgresClient
package import Replication
package import VoucherDomain

extension RegistryStore {
    /// Receives a sealed batch: reviews it against the city's head under its row lock and commits what is new.
    ///
    /// When this returns, every accepted entry is durable and the receipt says so. The same batch again changes
    /// nothing and is answered `already known`.
    ///
    /// - Throws: ``PushReview/Fault`` when the batch is refused as a whole.
    package func receive(_ batch: PushBatch, from city: CityCode, now: UInt64) async throws -> PushAnswer {
        let secrets = secrets
        let answer = try await pool.transaction { session in
            let row = try CityRow.ask(city, isLocking: true, session)
            let hashes = try RegistryStore.askHashes(batch, city, session)
            let ids = try RegistryStore.askIDs(batch, session)
            let registry = try RegistryRow.ask(session).get()
            try registry.requireOpen()
            guard let standing = try row.get()?.standing else {
                throw RegistryRefusal(.unknownCity, "city \(city) has not joined")
            }
            let (known, used) = try (hashes.get(), ids.get())
            let stray = try Recovery.strayAnswers(batch.entries, session)
            let accepted = try PushReview.review(
                batch, standing: standing, incarnation: registry.incarnation, knownHash: { known[$0] },
                isKnownID: used.contains, isStray: { stray.contains($0.hash) }, now: now
            ).get()
            Failpoint.reach(.batchReviewed)
            if batch.entries.isEmpty { try RegistryStore.queueReport(batch, city, session, now: now) }
            if accepted.appended.isEmpty, accepted.watermark == standing.watermark,
                let receipt = try RegistryStore.receipt(at: standing.head, city, session)
            {
                return PushAnswer(
                    answers: accepted.answers, firstSequence: batch.entries.first?.sequence ?? 0, receipt: receipt)
            }
            let stored = StoredBatch(city: city, entries: accepted.appended, seal: batch.signedSeal, receivedAt: now)
            let receipt = try stored.insert(
                session, secrets, head: accepted.head, time: accepted.time, watermark: accepted.watermark,
                feedHead: registry.feedHead)
            Failpoint.reach(.batchUncommitted)
            return PushAnswer(
                answers: accepted.answers, firstSequence: batch.entries.first?.sequence ?? 0, receipt: receipt)
        }
        Failpoint.reach(.batchCommitted)
        return answer
    }

    /// Keeps the seal of an idle city: what it has promised and applied is repeated in the next tick.
    private static func queueReport(
        _ batch: PushBatch, _ city: CityCode, _ session: PostgresSession, now: UInt64
    ) throws {
        try session.queue(
            """
            INSERT INTO city_report (city_code, log_sequence, seal_body, seal_signature, received_at_ms)
            VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (city_code) DO UPDATE SET log_sequence = $2, seal_body = $3, seal_signature = $4,
                received_at_ms = $5
            """,
            [
                .int4(Int32(city.rawValue)), .int8(Int64(clamping: batch.seal.head.sequence)),
                .bytea(batch.signedSeal.body), .bytea(batch.signedSeal.signature), .int8(Int64(now)),
            ])
    }

    /// The receipt that was given for the batch that ends at a head: the same push again gets the same receipt.
    private static func receipt(
        at head: LogHead, _ city: CityCode, _ session: PostgresSession
    ) throws -> SignedBytes? {
        let result = try session.execute(
            "SELECT receipt_body, receipt_signature FROM batch WHERE city_code = $1 AND last_sequence = $2",
            [.int4(Int32(city.rawValue)), .int8(Int64(head.sequence))])
        return result.count == 1 ? SignedBytes(body: result.bytes(0, 0), signature: result.bytes(0, 1)) : nil
    }

    /// Queues reading the hashes that the registry has at the batch's sequences.
    static func askHashes(
        _ batch: PushBatch, _ city: CityCode, _ session: PostgresSession
    ) throws -> PendingAnswer<[UInt64: Digest]> {
        let first = batch.entries.first?.sequence ?? 0
        return try session.ask(
            "SELECT sequence, hash FROM entry WHERE city_code = $1 AND sequence BETWEEN $2 AND $3",
            [
                .int4(Int32(city.rawValue)), .int8(Int64(clamping: first)),
                .int8(Int64(clamping: first.addingReportingOverflow(UInt64(batch.entries.count)).partialValue)),
            ]
        ) { result in
            var hashes: [UInt64: Digest] = [:]
            for row in 0..<result.count {
                hashes[UInt64(result.int(row, 0))] = Digest(rawValue: result.bytes(row, 1))
            }
            return hashes
        }
    }

    /// Queues reading which of the batch's entry ids are in use, by whichever entry.
    static func askIDs(
        _ batch: PushBatch, _ session: PostgresSession
    ) throws -> PendingAnswer<Set<EntryID>> {
        try session.ask(
            // Looked up one by one: the planner would rather read the whole table for the hundreds of ids of a batch.
            """
            SELECT e.entry_id FROM unnest($1::bytea[]) AS wanted(id)
            CROSS JOIN LATERAL (SELECT entry_id FROM entry WHERE entry_id = wanted.id OFFSET 0) AS e
            """, [.byteaArray(batch.entries.map(\.id.rawValue))]
        ) { result in Set((0..<result.count).compactMap { EntryID(rawValue: result.bytes($0, 0)) }) }
    }
}
