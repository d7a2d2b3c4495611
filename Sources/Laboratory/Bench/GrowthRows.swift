import Foundation
import PostgresClient
import RegistryStore
import Terminal

/// What a ``FilledRegistry`` leaves out and ingest looks at: ids of entries, every key of a claim, traces, vouchers.
///
/// All of these are looked up in an order that is none, so the pages that a fresh claim touches lie anywhere in their
/// indexes: in that, and in how many there are, they are like those of claims that were filed. None of them is one that a
/// fresh claim has.
struct GrowthRows {
    let claims: Int

    /// Adds them, unless the cluster's registry has them from an earlier run.
    func complete(_ store: RegistryStore, _ cluster: BenchCluster) async throws {
        let mark = "\(cluster.directory)/grown-\(claims)"
        guard !FileManager.default.fileExists(atPath: mark) else { return }
        Output.note("giving ids to entries")
        try await store.pool.run { try $0.run(script: GrowthRows.ids) }
        for (table, script) in [
            ("claim_key", GrowthRows.keys), ("trace", GrowthRows.traces), ("voucher", GrowthRows.vouchers),
        ] {
            Output.note("adding to \(table)")
            try await store.pool.transaction { session in
                try GrowthRows.withoutIndexes(of: table, session) {
                    try session.run(script: GrowthRows.functions + script)
                }
            }
        }
        Output.note("vacuuming")
        try await GrowthRows.settle(store)
        try Data().write(to: URL(fileURLWithPath: mark))
    }

    /// Vacuums, and counts the rows of tables and indexes; a VACUUM ANALYZE would not count those of indexes.
    static func settle(_ store: RegistryStore) async throws {
        try await store.pool.run { session in
            try session.run(script: "VACUUM")
            try session.run(script: "ANALYZE")
        }
    }

    /// Runs `body` while the table has no indexes, and makes them again: ten million rows in no order are sorted in
    /// minutes, and would be put in their places one by one for hours.
    private static func withoutIndexes(of table: String, _ session: PostgresSession, _ body: () throws -> Void) throws {
        let found = try session.execute(
            """
            SELECT coalesce('ALTER TABLE \(table) DROP CONSTRAINT ' || k.conname, 'DROP INDEX ' || i.relname),
                coalesce('ALTER TABLE \(table) ADD CONSTRAINT ' || k.conname || ' ' || pg_get_constraintdef(k.oid),
                    pg_get_indexdef(i.oid))
            FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
            LEFT JOIN pg_constraint k ON k.conindid = i.oid AND k.contype IN ('p', 'u')
            WHERE x.indrelid = '\(table)'::regclass ORDER BY i.relname
            """)
        let definitions = (0..<found.count).map { (drop: found.text($0, 0), make: found.text($0, 1)) }
        for definition in definitions { try session.run(script: definition.drop) }
        try body()
        try session.run(script: "SET LOCAL maintenance_work_mem = '1GB'")
        for definition in definitions { try session.run(script: definition.make) }
    }

    /// Entries of copies have none. The table is written anew, so that no half of it is left empty.
    private static let ids = """
        ALTER TABLE entry ALTER COLUMN entry_id TYPE bytea USING coalesce(entry_id, uuid_send(gen_random_uuid()))
        """

    /// `scattered` gives each number below 10^14 another one of fourteen digits, `company` each company a code that is
    /// valid for none; `field` is a field of a key.
    private static let functions = """
        CREATE OR REPLACE FUNCTION pg_temp.field(value text) RETURNS bytea LANGUAGE sql STABLE AS $$
            SELECT int2send(octet_length(value)::int2) || convert_to(value, 'UTF8') $$;
        CREATE OR REPLACE FUNCTION pg_temp.scattered(number bigint) RETURNS text LANGUAGE sql STABLE AS $$
            SELECT lpad((number * 6180339887 % 100000000000000)::text, 14, '0') $$;
        CREATE OR REPLACE FUNCTION pg_temp.company(number bigint) RETURNS text LANGUAGE sql STABLE AS $$
            SELECT '91110000' || lpad((number * 61803399 % 100000000)::text, 8, '0') || 'KK' $$;
        CREATE OR REPLACE FUNCTION pg_temp.voucher(number bigint) RETURNS bytea LANGUAGE sql STABLE AS $$
            SELECT '\\x04'::bytea || pg_temp.field((110000 + number % 300)::text)
                || pg_temp.field((110000 + number % 300)::text || '-' || pg_temp.company(number)) $$;

        """

    /// Every copied claim, and the company that files it: four claims each.
    private static let copies = """
        (SELECT position, position / 4 AS company, pg_temp.company(position / 4) AS buyer,
            '9111000000000000' || lpad((position / 4 % 20)::text, 2, '0') AS supplier
        FROM claim WHERE claim_no LIKE '%K%') c
        """

    /// One key of each kind, with the rest of the row as a filed claim has it.
    private static let keys = """
        CREATE TEMP TABLE example ON COMMIT DROP AS
        SELECT DISTINCT ON (get_byte(k.key, 0)) get_byte(k.key, 0) AS kind, k.* FROM claim_key k
        JOIN claim c USING (position) WHERE c.claim_no NOT LIKE '%K%' ORDER BY get_byte(k.key, 0), k.position;
        INSERT INTO claim_key (key, position, live, exclusive, holder, cofunding_group, item, amount_fen, capacity_fen,
            service_from, service_until)
        SELECT v.key, c.position, true, e.exclusive, e.holder, '', e.item, e.amount_fen, e.capacity_fen, e.service_from,
            e.service_until
        FROM \(copies) CROSS JOIN LATERAL (VALUES
            (1, '\\x01'::bytea || pg_temp.field('E:24412' || pg_temp.scattered(position) || 'x')),
            (2, '\\x02'::bytea || pg_temp.field(buyer) || pg_temp.field(supplier)
                || pg_temp.field('2026算字' || position)),
            (3, '\\x03'::bytea || pg_temp.field(buyer) || pg_temp.field(supplier)
                || pg_temp.field('2026算字' || position)),
            (4, pg_temp.voucher(company)),
            (5, '\\x05'::bytea || pg_temp.field(buyer) || pg_temp.field('2026')),
            (6, '\\x06'::bytea || pg_temp.field(buyer) || pg_temp.field(supplier) || pg_temp.field('H20-0')),
            (7, '\\x07'::bytea || pg_temp.field('B' || pg_temp.scattered(position) || 'x')),
            (8, '\\x08'::bytea || pg_temp.field(encode(sha256(int8send(position)), 'hex')))
        ) AS v(kind, key) JOIN example e USING (kind);
        """

    /// As many as a filed claim leaves.
    private static let traces = """
        INSERT INTO trace (key, position)
        SELECT hashint8extended(position, number), position FROM \(copies), generate_series(1, (
            SELECT round(count(*)::numeric / count(DISTINCT position))::int FROM trace)) AS number;
        """

    private static let vouchers = """
        INSERT INTO voucher (key, position, city_code, voucher_no, programme, enterprise_uscc, enterprise_name,
            face_value_fen, valid_from, valid_until)
        SELECT pg_temp.voucher(company), position, 110000 + company % 300,
            (110000 + company % 300) || '-' || buyer, '算力券', buyer, '企业', 100000000, '2026-01-01', '2027-01-01'
        FROM \(copies) WHERE position % 4 = 0;
        """
}
