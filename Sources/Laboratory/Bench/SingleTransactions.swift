import PostgresClient
import RegistryStore
import VoucherDomain

/// What users do today: each claim is one transaction on a central database, which looks for holders of its keys and
/// inserts claim and keys.
struct SingleTransactions {
    let cluster: BenchCluster
    let count: Int

    func run() async throws -> Duration {
        _ = try await cluster.makeStore(database: "single")
        let pool = PostgresPool(url: cluster.url(of: "single"), size: 17, opened: SingleTransactions.prepare)
        let count = count
        let start = ContinuousClock.now
        try await withThrowingTaskGroup(of: Void.self) { group in
            for connection in 0..<17 {
                group.addTask {
                    for number in stride(from: connection, to: count, by: 17) {
                        try await pool.transaction { try SingleTransactions.file(number, $0) }
                    }
                }
            }
            try await group.waitForAll()
        }
        return start.duration(to: .now)
    }

    /// Statements are planned once, here on empty tables: without this they would read all rows for ever.
    static func prepare(_ session: PostgresSession) throws { try session.run(script: "SET enable_seqscan = off") }

    /// One claim, as simply as can be: look, insert, insert.
    static func file(_ number: Int, _ session: PostgresSession) throws {
        let keys = (0..<9).map { Array("key-\($0)-\(number)".utf8) }
        let held = try session.execute(
            "SELECT position FROM claim_key WHERE key = ANY($1) AND live", [.byteaArray(keys)])
        guard held.count == 0 else { throw Sample.Failure(message: "a key is held") }
        try session.execute(
            """
            INSERT INTO claim (position, city_code, sequence, claim_no, state, policy_version, voucher_no,
                enterprise_uscc, provider_uscc, contract_no, claimed_fen, service_from, service_until, reasons,
                filed_at_ms)
            VALUES ($1, 110000, $1, $2, 2, 1, 'V', 'E', 'P', 'C', 300, '2026-03-01', '2026-03-31', '', 0)
            """, [.int8(Int64(number) + 1), .text("C\(number)")])
        try session.execute(
            """
            INSERT INTO claim_key (key, position, live, exclusive, holder, cofunding_group, item, amount_fen, capacity_fen)
            SELECT key, $2, true, false, 'h', '', '', 0, 0 FROM unnest($1::bytea[]) AS key
            """, [.byteaArray(keys), .int8(Int64(number) + 1)])
    }
}
