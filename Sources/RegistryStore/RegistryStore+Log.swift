import FederationWire
import PostgresClient
import Replication
import VoucherDomain

extension RegistryStore {
    /// Appends an act to the registry's own log, sealed, inside the caller's transaction.
    static func append(_ act: RegistryAct, _ session: PostgresSession, _ secrets: RegistrySecrets, now: UInt64) throws {
        try append([act], session, secrets, now: now)
    }

    /// Appends acts as one sealed batch, inside the caller's transaction.
    static func append(
        _ acts: [RegistryAct], _ session: PostgresSession, _ secrets: RegistrySecrets, now: UInt64
    ) throws {
        var generator = SystemRandomNumberGenerator()
        let words = acts.map { Word(kind: $0.kind, payload: $0.payload, id: EntryID(using: &generator)) }
        try append(words, session, secrets, now: now)
    }

    /// Appends entries of a history that was given up, each under the id that it always had, inside the caller's
    /// transaction.
    static func append(
        again entries: [Entry], _ session: PostgresSession, _ secrets: RegistrySecrets, now: UInt64
    ) throws {
        let words = entries.map { Word(kind: $0.kind, payload: $0.payload, id: $0.id) }
        try append(words, session, secrets, now: now)
    }

    /// What is to be an entry of the registry's own log.
    private struct Word {
        let kind: EntryKind
        let payload: [UInt8]
        let id: EntryID
    }

    private static func append(
        _ words: [Word], _ session: PostgresSession, _ secrets: RegistrySecrets, now: UInt64
    ) throws {
        let row = try CityRow.lock(.registry, session)
        let registry = try RegistryRow.read(session)
        try registry.requireOpen()
        guard let epoch = row.grantedEpoch else { throw RegistryRefusal(.notInitialised, "the registry has no log") }
        var (head, time) = (row.head, row.time)
        var entries: [Entry] = []
        for word in words {
            time = time.next(now: now)
            let entry = EntryCoding.make(
                EntryDraft(
                    city: .registry, epoch: epoch, sequence: head.sequence + 1, time: time, kind: word.kind,
                    feedHead: registry.feedHead, id: word.id, payload: word.payload,
                    previousHash: head.hash))
            head = entry.head
            entries.append(entry)
        }
        guard !entries.isEmpty else { return }
        let seal = Seal(city: .registry, head: head, watermark: .zero, feedHead: registry.feedHead)
        // The feed says when an act was received, so that it is the same when the act comes back out of it. Of a word by
        // which another entry is decided it does not, and the time of the log counts.
        let isReading = words.contains { $0.kind == .entryRead }
        let batch = StoredBatch(
            city: .registry, entries: entries.map { ($0, nil) }, seal: try seal.signed(by: secrets.signingKey),
            receivedAt: isReading ? time.milliseconds : now)
        try batch.insert(
            session, secrets, head: head, time: time, watermark: .zero, feedHead: registry.feedHead)
    }
}

/// A batch about to be written: entries, batch row, the city's new head, a receipt; and a word to the arbiter.
struct StoredBatch {
    let city: CityCode
    let entries: [(entry: Entry, fault: String?)]
    let seal: SignedBytes
    /// Milliseconds since 1970.
    let receivedAt: UInt64
    /// The receipt that was given before the database was restored; `nil` gives a new one.
    var receipt: SignedBytes?

    /// - Returns: The signed receipt.
    @discardableResult
    func insert(
        _ session: PostgresSession, _ secrets: RegistrySecrets, head: LogHead, time: HybridTime,
        watermark: HybridTime, feedHead: FeedHead
    ) throws -> SignedBytes {
        var generator = SystemRandomNumberGenerator()
        let receipt =
            try receipt
            ?? Receipt(
                id: EntryID(using: &generator).rawValue, city: city, through: head, feedHead: feedHead,
                receivedAt: receivedAt
            ).signed(by: secrets.signingKey)
        if let first = entries.first?.entry {
            try session.insert(
                into: "entry (city_code, sequence, entry_id, kind, hash, bytes, fault)", entries, addEntry)
            try session.queue(
                """
                WITH received AS (
                    INSERT INTO batch (city_code, first_sequence, last_sequence, entry_bytes, seal_body,
                        seal_signature, receipt_body, receipt_signature, received_at_ms)
                    VALUES ($1, $7, $3, $8, $9, $10, $11, $12, $13))
                \(StoredBatch.updateCity)
                RETURNING pg_notify('\(RegistryStore.inboxChannel)', '')
                """,
                cityParameters(head, time, watermark) + [
                    .int8(Int64(first.sequence)), .int8(Int64(entries.reduce(0) { $0 + $1.entry.bytes.count })),
                    .bytea(seal.body), .bytea(seal.signature), .bytea(receipt.body), .bytea(receipt.signature),
                    .int8(Int64(receivedAt)),
                ])
        } else {
            try session.queue(StoredBatch.updateCity, cityParameters(head, time, watermark))
        }
        return receipt
    }

    private static let updateCity = """
        UPDATE city SET log_epoch = $2, log_sequence = $3, log_hash = $4, log_time = $5, watermark = $6
        WHERE city_code = $1
        """

    private func cityParameters(_ head: LogHead, _ time: HybridTime, _ watermark: HybridTime) -> [PostgresParameter] {
        [
            .int4(Int32(city.rawValue)), .bytea(head.epoch?.bytes), .int8(Int64(head.sequence)),
            .bytea(head.hash.rawValue), .int8(Int64(bitPattern: time.rawValue)),
            .int8(Int64(bitPattern: watermark.rawValue)),
        ]
    }

    private func addEntry(_ item: (entry: Entry, fault: String?), to rows: inout CopyRows) {
        rows.row(fields: 7)
        rows.int4(Int32(city.rawValue))
        rows.int8(Int64(item.entry.sequence))
        if item.fault == PushReview.repeatedID { rows.null() } else { rows.bytea(item.entry.id.rawValue) }
        rows.int4(Int32(bitPattern: item.entry.kind.rawValue))
        rows.bytea(item.entry.hash.rawValue)
        rows.bytea(item.entry.bytes)
        if let fault = item.fault { rows.text(fault) } else { rows.null() }
    }
}
