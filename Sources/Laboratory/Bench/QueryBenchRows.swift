import Arbitration
import PostgresClient
import RegistryStore
import Replication
import Terminal
import VoucherDomain

/// The copies of decided claims that fill a ``FilledRegistry``, and what reports read besides.
struct QueryBenchRows {
    /// How many times as many claims there are in the end.
    let copies: Int
    /// How many companies the copies are of.
    let enterprises: Int
    let store: RegistryStore

    /// Over how long the claims were received.
    private static let years: Int64 = 5

    /// Copies that one statement makes.
    private static let copiesAtATime = 50

    func fill() async throws {
        var random = SeededGenerator(seed: 3)
        let codes = (0..<enterprises).map { _ in ClaimGenerator.makeCode(&random).rawValue }
        try await store.pool.run { session in
            try session.run(script: "CREATE TABLE bench_code (n serial PRIMARY KEY, code text COLLATE \"C\")")
            try session.execute("INSERT INTO bench_code (code) SELECT * FROM unnest($1::text[])", [.textArray(codes)])
            try session.run(script: QueryBenchRows.names)
        }
        let progress = ProgressBar("copies", total: copies)
        for first in stride(from: 1, to: copies, by: QueryBenchRows.copiesAtATime) {
            let last = min(first + QueryBenchRows.copiesAtATime, copies) - 1
            let step = QueryBenchRows.years * 365 * 86_400_000 / Int64(copies)
            let statements = QueryBenchRows.statements(enterprises: enterprises, step: step)
            try await store.pool.transaction { session in
                for statement in statements {
                    try session.execute(statement, [.int4(Int32(first)), .int4(Int32(last))])
                }
            }
            progress.show(last)
        }
        progress.finish()
        Output.note("adding up")
        try await store.addUpAgain()
        Output.note("analysing")
        try await store.pool.run { session in
            try session.run(script: "UPDATE registry SET feed_position = (SELECT max(position) FROM feed)")
            try session.run(script: "VACUUM ANALYZE")
        }
    }

    /// Adds what reports read: a payment for every tenth claim, and vouchers and years that are used far enough to be kept,
    /// a quarter as many vouchers as claims and five years of each company.
    static func fillReports(claims: Int, _ store: RegistryStore) async throws {
        Output.note("making payments, vouchers and years")
        try await store.pool.transaction { session in
            for statement in reportStatements(vouchers: claims / 4) { try session.run(script: statement) }
        }
        try await store.pool.run { try $0.run(script: "VACUUM ANALYZE") }
    }

    private static func reportStatements(vouchers: Int) -> [String] {
        [
            """
            INSERT INTO payment (claim_position, city_code, claim_no, requested_position, stage, authorized_position,
                reference, amount_fen, witness_cities, bank_transaction, refunded_fen, refunds, clawback_fen, generation,
                barred_by)
            SELECT position, city_code, claim_no, position, 5, position + 1, substr(sha256(int8send(position)), 1, 16),
                claimed_fen, 1, 'T' || position, 0, '', 0, 0, ''
            FROM claim WHERE position % 10 = 5
            """,
            """
            INSERT INTO cap_use (key, claims, used_fen, capacity_fen)
            SELECT '\\x04'::bytea || int2send(6::int2) || convert_to((110000 + n % 17)::text, 'UTF8')
                || int2send(length(n::text)::int2) || convert_to(n::text, 'UTF8'),
                4, 50000000 + n * 7919::bigint % 50000001, 100000000
            FROM generate_series(1, \(vouchers)) n ON CONFLICT DO NOTHING
            """,
            """
            INSERT INTO cap_use (key, claims, used_fen, capacity_fen)
            SELECT '\\x05'::bytea || int2send(18::int2) || convert_to(code, 'UTF8')
                || int2send(4::int2) || convert_to(y::text, 'UTF8'),
                4, 100000000 + (n * 7919::bigint + y * 104729) % 900000001, 1000000000
            FROM bench_code, generate_series(2022, 2026) y ON CONFLICT DO NOTHING
            """,
        ]
    }

    /// What is written in the tables of the claim at a position.
    static func written(
        _ position: Int64, _ store: RegistryStore
    ) async throws -> (enterprise: String, contract: String, invoice: Key, name: String) {
        try await store.pool.run { session in
            let result = try session.execute(
                """
                SELECT c.enterprise_uscc, c.contract_no, k.key, coalesce(n.name, '企业')
                FROM claim c JOIN claim_key k ON k.position = c.position AND get_byte(k.key, 0) = 1
                LEFT JOIN party_name n ON n.uscc = c.enterprise_uscc
                WHERE c.position = $1 LIMIT 1
                """, [.int8(position)])
            return (result.text(0, 0), result.text(0, 1), Key(bytes: result.bytes(0, 2)), result.text(0, 3))
        }
    }

    /// Seven characters from six thousand, and what all such companies are called.
    private static let names = """
        INSERT INTO party_name SELECT code, (SELECT string_agg(chr(19968 + ((n * 7919::bigint + i * 104729 + n / 7 * i) % 6000)::integer), '')
            FROM generate_series(1, 7) i) || '科技有限公司', 1 FROM bench_code
        """

    /// What the `k`-th copy of a claim claims, in fen.
    private static let claimed = "100 + (position * 31 + k * 977) % 100000000"

    /// The first `$1` to the `$2`-th copy of what was decided, a tenth of it refused because of a claim of the next city.
    ///
    /// - Parameter step: How much later each copy was received than the one before, in milliseconds.
    private static func statements(enterprises: Int, step: Int64) -> [String] {
        [
            "CREATE TEMP TABLE IF NOT EXISTS base AS SELECT c.*, e.bytes AS entry_bytes, e.hash AS entry_hash, "
                + "(SELECT max(position) FROM feed) AS span FROM claim c JOIN entry e USING (city_code, sequence) WHERE $1 > 0 AND $2 > 0",
            """
            INSERT INTO entry (city_code, sequence, kind, hash, bytes)
            SELECT city_code, sequence + k * 100000::bigint, 2, entry_hash, entry_bytes FROM base, generate_series($1, $2) k
            """,
            """
            INSERT INTO batch (city_code, first_sequence, last_sequence, entry_bytes, seal_body, seal_signature, receipt_body,
                receipt_signature, received_at_ms, folded)
            SELECT DISTINCT ON (b.city_code, k) b.city_code, 1 + k * 100000::bigint, (k + 1) * 100000::bigint, 1, seal_body,
                seal_signature, receipt_body, receipt_signature, received_at_ms, true
            FROM batch b, generate_series($1, $2) k WHERE b.city_code > 0 AND b.last_sequence < 100000
            """,
            """
            INSERT INTO feed (position, city_code, sequence, decision, hash, bytes)
            SELECT position + k * span, city_code, sequence + k * 100000::bigint,
                CASE WHEN (position + k) % 10 = 0 THEN 3 ELSE 2 END, entry_hash, '\\x00'
            FROM base, generate_series($1, $2) k
            """,
            """
            INSERT INTO claim (position, city_code, sequence, claim_no, state, policy_version, voucher_no, enterprise_uscc,
                provider_uscc, contract_no, claimed_fen, service_from, service_until, reasons, received_at_ms, filed_at_ms)
            SELECT position + k * span, city_code, sequence + k * 100000::bigint, claim_no || 'K' || k,
                CASE WHEN (position + k) % 10 = 0 THEN 3 ELSE 2 END, policy_version, voucher_no || 'K' || k,
                (SELECT code FROM bench_code WHERE n = 1 + (position + k * span) * 7919 % \(enterprises)), provider_uscc,
                contract_no || k, \(claimed), service_from, service_until, reasons,
                received_at_ms + k * \(step)::bigint, filed_at_ms
            FROM base, generate_series($1, $2) k
            """,
            """
            INSERT INTO claim_key (key, position, live, exclusive, holder, cofunding_group, item, amount_fen, capacity_fen)
            SELECT '\\x01'::bytea || int2send(22::int2) || convert_to('E:' || lpad((position + k * span)::text, 20, '0'), 'UTF8'),
                position + k * span, true, true, int8send(position + k * span), '', '', 0, 0
            FROM base, generate_series($1, $2) k
            """,
            """
            INSERT INTO finding (position, city_code, rule, outcome, key, blocking_city, blocking_claim_no)
            SELECT position + k * span, city_code, 'invoice-once', 'block',
                '\\x01'::bytea || int8send(position + k * span), 110000 + (city_code - 110000 + 1) % 17, claim_no
            FROM base, generate_series($1, $2) k WHERE (position + k) % 10 = 0
            """,
            """
            INSERT INTO claim_history (claim_position, position, state)
            SELECT position + k * span, position + k * span + 1, 6 FROM base, generate_series($1, $2) k
            WHERE (position + k) % 100 = 1
            """,
            """
            INSERT INTO conflict_case (case_id, position, rules, state)
            SELECT 'B' || (position + k * span), position + k * span, '{evidence-once}', 'open'
            FROM base, generate_series($1, $2) k WHERE (position + k) % 1000 = 2
            """,
            """
            INSERT INTO conflict_case_claim (case_id, city_code, claim_no, claimed_fen)
            SELECT 'B' || (position + k * span), city_code, claim_no || 'K' || k, \(claimed)
            FROM base, generate_series($1, $2) k WHERE (position + k) % 1000 = 2
            """,
        ]
    }
}
