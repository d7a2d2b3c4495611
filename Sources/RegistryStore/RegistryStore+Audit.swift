import Arbitration
import FederationWire
import PostgresClient
package import Replication
package import VoucherDomain

extension RegistryStore {
    /// What an audit found: how much it looked at, and every disagreement, by position or by log.
    package struct AuditReport: Hashable, Sendable {
        package var examined = 0
        package var faults: [String] = []
        /// The last feed head that was recomputed or verified.
        package var head = FeedHead.empty

        package init() {}
    }

    /// Folds the whole journal again in memory and compares every feed entry, byte for byte; then every table that follows
    /// from the journal, column by column.
    ///
    /// The reference ledger is built from nothing but the logs; it shares the rule book with the arbiter and
    /// none of its SQL. The tables are also written anew from it, which needs as much space as they have; on a replica, which
    /// lets nobody write, only those are compared that the arbiter decides from.
    ///
    /// - Parameter progress: Called now and then with the position reached.
    package func recompute(progress: @escaping @Sendable (Int) -> Void) async throws -> AuditReport {
        let (secrets, dialect) = (secrets, dialect)
        return try await pool.dedicated().run { session in
            // A replica takes no tables, not even temporary ones.
            let isReplica = try session.execute("SELECT pg_is_in_recovery()").bool(0, 0)
            let replay = isReplica ? nil : try TableReplay(session)
            return try session.transaction(isSnapshot: true) {
                var recomputation = Recomputation(
                    replay, secrets: secrets, registry: try RegistryRow.read(session))
                try RegistryStore.eachFeedRow(session) { row in
                    try recomputation.examine(row, in: dialect, session, progress)
                }
                return try recomputation.finish(session)
            }
        }.get()
    }

    /// A fold of the whole journal under way.
    private struct Recomputation {
        /// `nil` on a replica, and once the tables could not be written again.
        private var replay: TableReplay?
        let registry: RegistryRow
        private var report = AuditReport()
        private var fold = Fold()
        private var composer: FeedComposer
        /// Not yet written again.
        private var decided: [FoldWriter.Decided] = []

        private static let mostFaults = 20

        init(_ replay: TableReplay?, secrets: RegistrySecrets, registry: RegistryRow) {
            self.replay = replay
            self.registry = registry
            composer = FeedComposer(
                head: .empty, incarnations: registry.incarnations, hasher: secrets.hasher,
                detailMaster: secrets.detailMaster, untimedThrough: registry.untimedThrough)
        }

        /// - Returns: Whether to go on.
        mutating func examine(
            _ row: FeedRow, in dialect: Dialect, _ session: PostgresSession, _ progress: (Int) -> Void
        ) throws -> Bool {
            let journaled = try row.journaled(session)
            let journalEntry = journaled.placed(at: Int64(row.position), in: dialect)
            let outcome = fold.apply(journalEntry)
            decided.append(
                FoldWriter.Decided(
                    entry: journaled.answered, act: journaled.act, journalEntry: journalEntry, outcome: outcome,
                    policy: fold.ledger.policy, caps: fold.ledger.capUses(after: outcome)))
            let recomputed = try composer.compose(
                journaled.answered, outcome, by: journaled.act, receivedAt: journalEntry.receivedAt)
            if recomputed.bytes != row.feed {
                report.faults.append(
                    "position \(row.position): the feed differs from what the journal of \(journaled.entry.city) gives")
                // What follows is compared from the recorded entry on, so that each fault is named once.
                guard let hash = Digest(rawValue: row.feedHash) else { return false }
                composer.resume(after: registry.incarnations.head(position: row.position, hash: hash))
            }
            report.examined += 1
            report.head = recomputed.head
            if report.examined.isMultiple(of: 1_000) { progress(report.examined) }
            // Not together with what follows, as the arbiter does.
            if decided.count >= 1_000 || WaitingWork.isClosing(journaled.entry) { try writeAgain(session) }
            return report.faults.count < Recomputation.mostFaults
        }

        /// A journal that was changed may say what no table takes: that is for the auditor to know, with all the rest.
        private mutating func writeAgain(_ session: PostgresSession) throws {
            defer { decided = [] }
            guard let replay else { return }
            do {
                try session.savepoint { try replay.write(FoldWriter(decided, composer: composer)) }
            } catch let error as PostgresError where error.isDataFault {
                self.replay = nil
                report.faults.append(
                    "the tables cannot be written again up to position \(report.head.position): \(error)")
            }
        }

        mutating func finish(_ session: PostgresSession) throws -> AuditReport {
            if report.faults.isEmpty, report.head != registry.feedHead {
                report.faults.append("the feed's end differs from the registry's own record of it")
            }
            guard report.faults.count < Recomputation.mostFaults else { return report }
            let tables = try LedgerLoader(session: session).loadAll(through: Int64(registry.feedHead.position))
            report.faults += tables.differences(
                from: fold.ledger, atMost: Recomputation.mostFaults - report.faults.count)
            try writeAgain(session)
            report.faults += try replay?.differences() ?? []
            if let fault = try KeptTotals.difference(session) { report.faults.append(fault) }
            return report
        }
    }

    struct FeedRow {
        let position: UInt64
        let feed: [UInt8]
        let feedHash: [UInt8]
        let entry: [UInt8]
        let fault: String?
        let receivedAt: Int64
        let isUnread: Bool

        /// The entry that is answered there. Whichever build answered `unsupported` could not read it; this one may.
        func journaled(_ session: PostgresSession) throws -> JournaledEntry {
            var journaled = JournaledEntry(
                entry: try EntryCoding.decode(entry), receivedAt: receivedAt, fault: fault)
            journaled.isUnread = isUnread
            return try JournaledEntry.completed([journaled], isReplay: false, session)[0]
        }

        /// As the fold sees it.
        func journalEntry(in dialect: Dialect, _ session: PostgresSession) throws -> JournalEntry {
            try journaled(session).placed(at: Int64(position), in: dialect)
        }
    }

    /// Reads the journal in order, a thousand rows at a time, until `body` returns false.
    static func eachFeedRow(_ session: PostgresSession, _ body: (FeedRow) throws -> Bool) throws {
        var position: Int64 = 0
        while true {
            let result = try session.execute(
                """
                SELECT f.position, f.bytes, f.hash, e.bytes, e.fault, b.received_at_ms, f.decision
                FROM feed f JOIN entry e ON e.city_code = f.city_code AND e.sequence = f.sequence
                CROSS JOIN LATERAL (
                    SELECT received_at_ms FROM batch b
                    WHERE b.city_code = e.city_code AND b.last_sequence >= e.sequence
                    ORDER BY b.last_sequence LIMIT 1) AS b
                WHERE f.position > $1 ORDER BY f.position LIMIT 1000
                """, [.int8(position)])
            guard result.count > 0 else { return }
            for row in 0..<result.count {
                position = result.int(row, 0)
                let isWanted = try body(
                    FeedRow(
                        position: UInt64(position), feed: result.bytes(row, 1), feedHash: result.bytes(row, 2),
                        entry: result.bytes(row, 3), fault: result.isNull(row, 4) ? nil : result.text(row, 4),
                        receivedAt: result.int(row, 5),
                        isUnread: result.int(row, 6) == Int64(Outcome.Decision.unsupported.rawValue)))
                if !isWanted { return }
            }
        }
    }

    /// Folds the whole journal in order, and gives each entry with what became of it to `body`.
    ///
    /// - Parameter progress: Called with every position.
    static func eachOutcome(
        _ session: PostgresSession, _ dialect: Dialect, _ progress: (Int64) -> Void,
        _ body: (JournalEntry, Outcome) throws -> Void
    ) throws {
        var fold = Fold()
        try eachFeedRow(session) { row in
            let entry = try row.journalEntry(in: dialect, session)
            try body(entry, fold.apply(entry))
            progress(entry.position)
            return true
        }
    }

    /// Verifies every stored byte: each log's chain and seals under its city's key, and the feed's chain.
    ///
    /// A city that changed its key is verified under the key that the registry's log names for that time.
    package func verify(progress: @escaping @Sendable (Int) -> Void) async throws -> AuditReport {
        try await pool.run { session in
            try session.transaction(isSnapshot: true) {
                var report = AuditReport()
                try ChainAudit(session: session, progress: progress).run(into: &report)
                try RegistryStore.verifyFeed(session, &report)
                try RegistryStore.verifyFolded(session, &report)
                return report
            }
        }
    }

    /// Every key that a city has had; the registry's own under its code.
    package func publicKeys() async throws -> [CityCode: [PublicKey]] {
        try await pool.run { try RegistryStore.keyHistory($0) }
    }

    /// Every key that a city has had, from the registry's log.
    static func keyHistory(_ session: PostgresSession) throws -> [CityCode: [PublicKey]] {
        var keys: [CityCode: [PublicKey]] = [:]
        let own = try session.execute("SELECT signing_key FROM registry")
        if own.count == 1, let key = PublicKey(bytes: own.bytes(0, 0)) { keys[.registry] = [key] }
        let result = try session.execute(
            "SELECT bytes FROM entry WHERE city_code = 0 AND kind = $1 ORDER BY sequence",
            [.int4(Int32(EntryKind.cityJoined.rawValue))])
        for row in 0..<result.count {
            guard let entry = try? EntryCoding.decode(result.bytes(row, 0)),
                let (city, key) = PayloadCoding.joined(entry.payload)
            else { continue }
            keys[city, default: []].append(key)
        }
        return keys
    }

    /// Every entry of a batch that counts as folded must have been answered.
    private static func verifyFolded(_ session: PostgresSession, _ report: inout AuditReport) throws {
        let result = try session.execute(
            """
            SELECT b.city_code, b.folded, coalesce(f.answered, 0)
            FROM (SELECT city_code, sum(last_sequence - first_sequence + 1)::bigint AS folded
                FROM batch WHERE folded GROUP BY city_code) b
            LEFT JOIN (SELECT city_code, count(*) AS answered FROM feed GROUP BY city_code) f USING (city_code)
            WHERE b.folded <> coalesce(f.answered, 0) ORDER BY 1
            """)
        for row in 0..<result.count {
            guard let city = CityCode(rawValue: UInt32(result.int(row, 0))) else { continue }
            report.faults.append(
                "log \(city): \(result.int(row, 1)) entries count as decided, \(result.int(row, 2)) are answered in the feed"
            )
        }
    }

    private static func verifyFeed(_ session: PostgresSession, _ report: inout AuditReport) throws {
        var head = FeedHead.empty
        var faults: [String] = []
        var examined = 0
        try eachFeedRow(session) { row in
            examined += 1
            guard let sealed = try? FeedCoding.decode(row.feed), sealed.hash.rawValue == row.feedHash,
                sealed.entry.position == head.position + 1, sealed.entry.previousHash == head.hash
            else {
                faults.append("feed position \(row.position): bytes, hash or link are damaged")
                return false
            }
            head = sealed.head
            return true
        }
        report.examined += examined
        report.faults += faults
        let registry = try RegistryRow.read(session)
        if faults.isEmpty, head != registry.feedHead {
            report.faults.append(
                "the feed ends at \(head.position), the registry's record says \(registry.feedHead.position)")
        }
        report.head = head
    }
}

/// Follows every city's log from its first entry.
private struct ChainAudit {
    let session: PostgresSession
    let progress: @Sendable (Int) -> Void

    func run(into report: inout RegistryStore.AuditReport) throws {
        let keys = try RegistryStore.keyHistory(session)
        let cities = try session.execute("SELECT city_code, log_sequence, log_hash FROM city ORDER BY city_code")
        for row in 0..<cities.count {
            guard let city = CityCode(rawValue: UInt32(cities.int(row, 0))) else { continue }
            do {
                let head = try follow(city, keys: keys[city] ?? [], &report)
                if head.sequence != UInt64(cities.int(row, 1)) || head.hash.rawValue != cities.bytes(row, 2) {
                    report.faults.append("log \(city) ends at \(head.sequence), the city's row says otherwise")
                }
            } catch let fault as AuditFault {
                report.faults.append("log \(city): \(fault.message)")
            }
        }
    }

    private struct AuditFault: Error { let message: String }

    private func follow(
        _ city: CityCode, keys: [PublicKey], _ report: inout RegistryStore.AuditReport
    ) throws -> LogHead {
        var chain = Chain(city: city, head: .empty, time: .zero)
        /// What the seal of a batch names that a recovery has cut into pieces: a later piece ends there.
        var sealed: LogHead?
        let code = PostgresParameter.int4(Int32(city.rawValue))
        while true {
            let batch = try session.execute(
                """
                SELECT last_sequence, seal_body, seal_signature FROM batch
                WHERE city_code = $1 AND last_sequence > $2 ORDER BY last_sequence LIMIT 1
                """, [code, .int8(Int64(chain.head.sequence))])
            guard batch.count == 1 else {
                if let sealed { throw AuditFault(message: "it ends before entry \(sealed.sequence), which is sealed") }
                return chain.head
            }
            let entries = try session.execute(
                "SELECT sequence, bytes, hash FROM entry WHERE city_code = $1 AND sequence > $2 AND sequence <= $3 ORDER BY sequence",
                [code, .int8(Int64(chain.head.sequence)), .int8(batch.int(0, 0))])
            for row in 0..<entries.count {
                let sequence = entries.int(row, 0)
                guard let entry = try? EntryCoding.decode(entries.bytes(row, 1)),
                    entry.hash.rawValue == entries.bytes(row, 2)
                else { throw AuditFault(message: "entry \(sequence): its bytes do not give its hash") }
                do { try chain.append(entry) } catch { throw AuditFault(message: error.message) }
                report.examined += 1
                if report.examined.isMultiple(of: 1_000) { progress(report.examined) }
            }
            guard chain.head.sequence == UInt64(batch.int(0, 0)) else {
                throw AuditFault(message: "entry \(chain.head.sequence + 1) is missing")
            }
            let seal = SignedBytes(body: batch.bytes(0, 1), signature: batch.bytes(0, 2))
            guard keys.contains(where: { seal.isValid(.seal, by: $0) }), let body = try? Seal(seal),
                body.city == city, sealed == nil || sealed == body.head,
                body.head == chain.head || body.head.sequence > chain.head.sequence
            else { throw AuditFault(message: "the seal at entry \(batch.int(0, 0)) is not valid") }
            sealed = body.head == chain.head ? nil : body.head
        }
    }
}
