import Arbitration
import DefaultPolicy
import FederationWire
import PostgresClient
import Replication
import TestSupport
import Testing
import VoucherDomain

@testable import RegistryStore

/// A registry on the database that is leased to the running test.
struct TestRegistry: Sendable {
    let store: RegistryStore

    /// Makes the schema and the registry's first entry.
    init(policy: [UInt8] = DefaultPolicy.document, on pool: PostgresPool = TestDatabase.current.pool) async throws {
        self.init(opening: pool)
        try await store.migrate(policyDocument: policy, now: .noon)
    }

    /// Takes a registry that is there.
    init(opening pool: PostgresPool, dialect: Dialect = .current) {
        store = RegistryStore(pool: pool, secrets: .test, dialect: dialect)
    }

    // MARK: Cities

    /// Enrols a city and lets its node join.
    func join(_ code: CityCode, nonce: [UInt8] = .sixteen(7)) async throws -> TestCity {
        let secret = try await store.enroll(code, name: "城市\(code)", expiresAt: .noon + 1_000, now: .noon)
        let request = JoinRequest(
            city: code, secret: secret, publicKey: SigningKey.of(code).publicKey, processNonce: nonce)
        let answer = try await store.join(request, now: .noon)
        let grant = try Grant(answer.grant, by: SigningKey.registry.publicKey)
        return TestCity(code, key: .of(code), epoch: grant.epoch, nonce: nonce)
    }

    /// Receives a batch as the server does, from the bytes of a request.
    @discardableResult
    func receive(_ batch: PushBatch, from city: CityCode) async throws -> PushAnswer {
        try await store.receive(PushBatch(batch.encoded(as: .protobuf), as: .protobuf), from: city, now: .noon)
    }

    /// An act of the operators.
    func act(_ act: RegistryAct) async throws {
        try await store.pool.transaction { try RegistryStore.append(act, $0, .test, now: .noon) }
    }

    /// The operators' ruling in the only open case, for one claim and against another; decided.
    func rule(for winner: ClaimName, against loser: ClaimName) async throws {
        let conflict = try #require(try await store.cases(.init(isOpen: true), limit: 1).first)
        let ruling = Ruling(
            caseID: conflict.id, kept: [winner], ruledOut: [loser], code: .confirmed, reason: "查明", by: "李")
        try await act(.ruled(ruling))
        try await decide()
    }

    // MARK: Deciding

    /// Lets an arbiter of its own decide all that waits.
    ///
    /// - Parameter batches: The most that one transaction takes.
    /// - Returns: How many entries it decided.
    @discardableResult
    func decide(batches: Int = Arbiter.maximumBatches) async throws -> Int {
        let arbiter = Arbiter(store: store, batches: batches)
        try #require(try await arbiter.acquire())
        var count = 0
        while true {
            let report = try await arbiter.decide()
            count += report.decided
            if !report.more { break }
        }
        await arbiter.release()
        return count
    }

    /// Decides what waits, that many of the received batches in one transaction at a time.
    func decide(batchesAtATime size: Int) async throws {
        let waiting = try await numbers("SELECT batch_id FROM batch WHERE NOT folded ORDER BY batch_id")
        try await run("UPDATE batch SET folded = true")
        for start in stride(from: 0, to: waiting.count, by: min(size, waiting.count)) {
            let ids = waiting[start...].prefix(size).map(String.init).joined(separator: ", ")
            try await run("UPDATE batch SET folded = false WHERE batch_id IN (\(ids))")
            try await decide()
        }
    }

    // MARK: Looking inside

    /// The feed, in order.
    func feed() async throws -> [SealedFeedEntry] {
        try await store.pool.run { session in
            let result = try session.execute("SELECT bytes FROM feed ORDER BY position")
            return try (0..<result.count).map { try FeedCoding.decode(result.bytes($0, 0)) }
        }
    }

    /// The feed's answers to one city's log, in log order.
    func answers(to city: TestCity) async throws -> [SealedFeedEntry] {
        try await feed().filter { $0.entry.city == city.code }.sorted {
            $0.entry.answers.sequence < $1.entry.answers.sequence
        }
    }

    /// A log as it is stored, in order.
    func log(of city: CityCode, after sequence: UInt64 = 0) async throws -> [Entry] {
        try await store.pool.run { session in
            let result = try session.execute(
                "SELECT bytes FROM entry WHERE city_code = $1 AND sequence > $2 ORDER BY sequence",
                [.int4(Int32(city.rawValue)), .int8(Int64(sequence))])
            return try (0..<result.count).map { try EntryCoding.decode(result.bytes($0, 0)) }
        }
    }

    /// The first column of a query, all integers.
    func numbers(_ sql: String) async throws -> [Int64] {
        try await store.pool.run { session in
            let result = try session.execute(sql)
            return (0..<result.count).map { result.int($0, 0) }
        }
    }

    /// That of the recovery under way, or else of the last one.
    func recoveryID() async throws -> [UInt8] {
        try await store.pool.run { try $0.execute("SELECT recovery_id FROM registry").bytes(0, 0) }
    }

    /// The first column of a query, all texts.
    func texts(_ sql: String) async throws -> [String] {
        try await store.pool.run { session in
            let result = try session.execute(sql)
            return (0..<result.count).map { result.text($0, 0) }
        }
    }

    /// Runs a script, as somebody with a database client would.
    func run(_ script: String) async throws { try await store.pool.run { try $0.run(script: script) } }

    /// What the fold has written, table by table, as one digest each.
    func foldedState() async throws -> [String] {
        let tables = [
            "feed", "policy", "voucher", "claim", "claim_key", "finding", "conflict_case", "conflict_case_claim",
            "claim_history", "party_name", "cap_use", "paid_twice", "uncleared_payment",
            "fold_cursor",
        ]
        return try await tables.asyncMap { try await digest(of: $0) }
    }

    /// What the cities and the registry have sent in, and what was granted, as one digest a table.
    func receivedState() async throws -> [String] {
        try await ["city", "entry", "batch", "join_token"].asyncMap { try await digest(of: $0) }
    }

    private func digest(of table: String) async throws -> String {
        try await texts(
            """
            SELECT '\(table): ' || count(*) || ' rows ' || coalesce(md5(string_agg(t::text, E'\\n' ORDER BY t::text)), '')
            FROM \(table) t
            """
        ).joined()
    }
}

extension Sequence {
    /// One after the other.
    fileprivate func asyncMap<T>(_ transform: (Element) async throws -> T) async rethrows -> [T] {
        var values: [T] = []
        for element in self { values.append(try await transform(element)) }
        return values
    }
}
