import Arbitration
import FederationWire
import PostgresClient
import Replication
import VoucherDomain

/// Writes what a folded batch changed in payments, and in what they wait for.
struct PaymentWriter {
    private let decided: [FoldWriter.Decided]
    /// As the batch leaves them, by the positions of their claims.
    private let payments: [Payment]
    /// Claims whose payment ended with them, by position, where it was but requested; and those of them that this batch
    /// has requested before, whatever the table says of an earlier try.
    private let removed: [Int64]
    private let requested: [Int64]
    /// Claims whose authorisation ended, and what newly authorised ones hold.
    private let ended: [Int64]
    private let authorized: [(position: Int64, keys: [AuthorizedKey])]

    init(_ decided: [FoldWriter.Decided]) {
        self.decided = decided
        var payments: [Int64: Payment?] = [:]
        var requested: Set<Int64> = []
        var ended: Set<Int64> = []
        var authorized: [Int64: [AuthorizedKey]] = [:]
        for effect in decided.flatMap(\.outcome.effects) {
            guard effect.payment != nil || !effect.state.isLive else { continue }
            // A request ends with its claim; what was authorised once is kept.
            if effect.payment == nil, let known = payments[effect.position], let known {
                guard known.stage == .requested else { continue }
                requested.insert(effect.position)
            }
            payments[effect.position] = .some(effect.payment)
            if effect.payment?.stage == .failed || effect.payment?.stage == .reversed {
                ended.insert(effect.position)
                authorized[effect.position] = nil
            } else if !effect.authorized.isEmpty {
                authorized[effect.position] = effect.authorized
            }
        }
        self.payments = payments.values.compactMap(\.self).sorted { $0.position < $1.position }
        removed = payments.filter { $0.value == nil }.keys.sorted()
        self.requested = requested.sorted()
        self.ended = ended.sorted()
        self.authorized = authorized.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    func write(_ session: PostgresSession) throws {
        for item in decided { try queueStandings(item, session) }
        if !removed.isEmpty {
            try session.queue(
                "DELETE FROM payment WHERE claim_position = ANY($1) AND (stage = 1 OR claim_position = ANY($2))",
                [.int8Array(removed), .int8Array(requested)])
        }
        for payment in payments { try queue(payment, session) }
        if !ended.isEmpty { try queueEnds(session) }
        for (position, keys) in authorized {
            for key in keys { try queue(key, of: position, session) }
        }
    }

    // MARK: What payments wait for

    private func queueStandings(_ item: FoldWriter.Decided, _ session: PostgresSession) throws {
        if let reading = item.journalEntry.reading {
            try session.queue(
                "UPDATE member SET unsupported_since_ms = $2 WHERE city_code = $1",
                [.int4(Int32(item.entry.city.rawValue)), .int8(reading.unreadSince)])
        }
        switch item.journalEntry.content {
        case .membership(let city, let change): try queue(change, of: city, item, session)
        case .ticked(let tick): try queue(tick, at: item.position, session)
        case .invoiceReversed(let letter) where item.outcome.decision == .noted:
            for name in letter.invoice.names { try queue(letter, under: .invoice(name), item, session) }
            try PaymentWriter.queueApplied(item.outcome, session)
        case .unsupported:
            try session.queue(
                """
                UPDATE member SET unsupported_since_ms = $2 WHERE city_code = $1 AND unsupported_since_ms IS NULL
                """, [.int4(Int32(item.entry.city.rawValue)), .int8(item.journalEntry.writtenAt)])
        default: break
        }
    }

    /// Another amount than before replaces what was told.
    private func queue(
        _ letter: RedLetter, under key: Key, _ item: FoldWriter.Decided, _ session: PostgresSession
    ) throws {
        let number = PostgresParameter.text(letter.number.primary.canonical)
        let amount = PostgresParameter.int8(letter.amount.rawValue)
        try session.queue(
            "DELETE FROM red_letter WHERE key = $1 AND number = $2 AND amount_fen <> $3",
            [.bytea(key.bytes), number, amount])
        try session.queue(
            """
            INSERT INTO red_letter (key, number, city_code, position, amount_fen) VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (key, number, city_code) DO NOTHING
            """,
            [.bytea(key.bytes), number, .int4(Int32(item.entry.city.rawValue)), .int8(item.position), amount])
    }

    private static func queueApplied(_ outcome: Outcome, _ session: PostgresSession) throws {
        for (key, numbers) in outcome.appliedLetters.sorted(by: { $0.key < $1.key }) {
            try session.queue(
                "UPDATE red_letter SET applied = true WHERE key = $1 AND number = ANY($2)",
                [.bytea(key.bytes), .textArray(numbers.sorted())])
        }
    }

    /// Marks the letters that were applied before there was such a column, by folding the whole journal.
    ///
    /// - Parameter progress: Called with every position.
    static func fillApplied(
        _ session: PostgresSession, _ dialect: Dialect, _ progress: (Int64) -> Void = { _ in }
    ) throws {
        guard try session.execute("SELECT 1 FROM red_letter LIMIT 1").count > 0 else { return }
        try RegistryStore.eachOutcome(session, dialect, progress) { _, outcome in try queueApplied(outcome, session) }
        try session.flush()
    }

    private func queue(
        _ change: Member.Change, of city: CityCode, _ item: FoldWriter.Decided, _ session: PostgresSession
    ) throws {
        let code = PostgresParameter.int4(Int32(city.rawValue))
        switch change {
        case .joined:
            try session.queue(
                """
                INSERT INTO member (city_code, active, watermark_ms, feed_position) VALUES ($1, true, $2, 0)
                ON CONFLICT (city_code) DO UPDATE SET active = true
                """, [code, .int8(item.journalEntry.receivedAt)])
        case .suspended, .reinstated:
            try session.queue(
                "UPDATE member SET active = $2 WHERE city_code = $1", [code, .bool(change == .reinstated)])
        }
    }

    private func queue(_ tick: Tick, at position: Int64, _ session: PostgresSession) throws {
        try session.queue(
            """
            INSERT INTO tick (position, elapsed_ms)
            SELECT $1, $2 + coalesce((SELECT elapsed_ms FROM tick ORDER BY position DESC LIMIT 1), 0)
            """, [.int8(position), .int8(min(max(0, tick.intervalMilliseconds), Tick.maximumInterval))])
        try session.queue(
            """
            UPDATE policy SET from_position = $1 WHERE from_position IS NULL AND from_date <= $2::text::date
            """, [.int8(position + 1), .text(tick.day.iso8601)])
        guard !tick.reports.isEmpty else { return }
        try session.queue(
            """
            UPDATE member AS m SET watermark_ms = greatest(m.watermark_ms, r.watermark),
                feed_position = greatest(m.feed_position, r.feed)
            FROM unnest($1::int4[], $2::int8[], $3::int8[]) AS r(city, watermark, feed) WHERE m.city_code = r.city
            """,
            [
                .int4Array(tick.reports.map { Int32($0.city.rawValue) }), .int8Array(tick.reports.map(\.watermark)),
                .int8Array(tick.reports.map(\.feedPosition)),
            ])
    }

    // MARK: Payments

    private func queue(_ payment: Payment, _ session: PostgresSession) throws {
        let given = payment.authorization
        try session.queue(
            """
            INSERT INTO payment (claim_position, city_code, claim_no, requested_position, stage, authorized_position,
                reference, amount_fen, witness_cities, bank_transaction, refunded_fen, refunds, clawback_fen, generation,
                barred_by, frozen_by)
            VALUES ($1, $2, $3, $4, $5::int4, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
            ON CONFLICT (claim_position) DO UPDATE SET requested_position = $4, stage = $5::int4,
                authorized_position = $6, reference = $7, amount_fen = $8, witness_cities = $9, bank_transaction = $10,
                refunded_fen = $11, refunds = $12, clawback_fen = $13, generation = $14, barred_by = $15,
                frozen_by = $16
            """,
            [
                .int8(payment.position), .int4(Int32(payment.claim.city.rawValue)), .text(payment.claim.number),
                .int8(payment.requestedAt), .int4(Int32(payment.stage.rawValue)), .int8(given?.position),
                .bytea(given?.reference.rawValue), .int8(given?.amount.rawValue), .int8(given?.witnesses),
                .text(payment.transaction), .int8(payment.refunded.rawValue),
                .text(payment.refunds.joined(separator: "\n")), .int8(payment.clawback.rawValue),
                .int4(Int32(bitPattern: payment.generation)), .text(payment.barredBy.sorted().joined(separator: " ")),
                .text(payment.frozenBy.sorted().joined(separator: " ")),
            ])
    }

    private func queueEnds(_ session: PostgresSession) throws {
        try session.queue(
            """
            WITH gone AS (DELETE FROM authorized_key WHERE position = ANY($1) RETURNING key, amount_fen)
            UPDATE authorized_sum AS s SET total_fen = s.total_fen - g.amount
            FROM (SELECT key, sum(amount_fen)::bigint AS amount FROM gone GROUP BY key) AS g WHERE s.key = g.key
            """, [.int8Array(ended)])
    }

    /// A claim that may stand beside others under a key counts as the holder that they are there already.
    private func queue(_ key: AuthorizedKey, of position: Int64, _ session: PostgresSession) throws {
        try session.queue(
            """
            INSERT INTO authorized_key (key, position, holder, service, amount_fen, guarded)
            SELECT $1, $2, coalesce((
                    SELECT holder FROM authorized_key WHERE key = $1 AND position = ANY($4) ORDER BY position LIMIT 1),
                $3), CASE WHEN $5 IS NULL THEN NULL ELSE daterange($5::text::date, $6::text::date) END, $7, $8
            """,
            [
                .bytea(key.key.bytes), .int8(position), .bytea(key.holder), .int8Array(key.companions),
                .text(key.interval?.from.iso8601), .text(key.interval?.until.iso8601), .int8(key.amount),
                .bool(key.isGuarded),
            ])
        guard key.capacity > 0 else { return }
        try session.queue(
            """
            INSERT INTO authorized_sum AS s (key, total_fen, capacity_fen) VALUES ($1, $2, $3)
            ON CONFLICT (key) DO UPDATE
            SET total_fen = s.total_fen + $2, capacity_fen = greatest(s.capacity_fen, $3)
            """, [.bytea(key.key.bytes), .int8(key.amount), .int8(key.capacity)])
    }

    // MARK: What the database refuses

    /// The keys with which claims cannot be authorised, by the position of the act that would authorise them.
    ///
    /// When none is taken already, claims of this batch stand against each other: the last of them waits.
    func keysRefused(_ session: PostgresSession) throws -> [Int64: Set<Key>] {
        var refused: [Int64: Set<Key>] = [:]
        for item in decided {
            for key in item.outcome.effects.flatMap(\.authorized) where try isTaken(key, session) {
                refused[item.position, default: []].insert(key.key)
            }
        }
        if refused.isEmpty, let last = decided.last(where: { $0.outcome.effects.contains { !$0.authorized.isEmpty } }) {
            let keys = last.outcome.effects.last { !$0.authorized.isEmpty }?.authorized ?? []
            refused[last.position] = Set(keys.map(\.key))
        }
        return refused
    }

    private func isTaken(_ key: AuthorizedKey, _ session: PostgresSession) throws -> Bool {
        let result = try session.execute(
            """
            SELECT EXISTS (
                SELECT 1 FROM authorized_key
                WHERE key = $1 AND position <> ALL($2) AND holder <> $3 AND guarded AND $8
                    AND (service IS NULL OR service && daterange($4::text::date, $5::text::date)))
                OR EXISTS (
                    SELECT 1 FROM authorized_sum
                    WHERE key = $1 AND $7 > 0 AND total_fen + $6 > greatest(capacity_fen, $7))
            """,
            [
                .bytea(key.key.bytes), .int8Array(key.companions), .bytea(key.holder),
                .text(key.interval?.from.iso8601), .text(key.interval?.until.iso8601), .int8(key.amount),
                .int8(key.capacity), .bool(key.isGuarded),
            ])
        return result.bool(0, 0)
    }
}
