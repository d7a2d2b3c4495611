import PostgresClient
import TestSupport
import Testing

@testable import RegistryStore

@Suite("Storage", .registryDatabase)
struct StorageTests {
    /// What the schema has, without the record of migrations.
    private static let relations = """
        SELECT relname FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'i') AND relname NOT LIKE 'schema_migration%'
        ORDER BY relname COLLATE "C"
        """

    @Test("every table and every index of the schema says what it is for, and nothing else does")
    func purposes() async throws {
        let registry = try await TestRegistry()

        #expect(try await registry.texts(Self.relations) == RelationPurpose.catalogue.map(\.name).sorted())
        #expect(RelationPurpose.catalogue.filter { $0.text.isEmpty } == [])
    }

    @Test("what is scattered is an index, and those of entry ids, traces, keys and bank references are scattered")
    func scattered() async throws {
        let registry = try await TestRegistry()
        let relations = try await registry.store.relations()

        #expect(relations.filter { $0.purpose.isScattered && !$0.isIndex } == [])
        let random: Set = ["entry_id_once", "trace_pkey", "claim_key_lookup", "payment_reference_once"]
        #expect(random.isSubset(of: Set(relations.filter(\.purpose.isScattered).map(\.name))))
    }

    @Test("sizes are those of the disk, and of every relation")
    func sizes() async throws {
        let registry = try await TestRegistry()
        let relations = try await registry.store.relations()
        let whole = try await registry.numbers(
            """
            SELECT sum(pg_total_relation_size(oid))::bigint FROM pg_class
            WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname <> 'schema_migration'
            """)

        #expect([relations.reduce(0) { $0 + $1.bytes }] == whole)
        #expect(relations.filter { !$0.isIndex && $0.name != $0.table } == [])
        #expect(relations.first { $0.name == "feed_pkey" }?.table == "feed")
    }

    @Test("tables that only grow are frozen as they fill, and rows that every batch changes have room beside them")
    func settings() async throws {
        let registry = try await TestRegistry()
        func tables(with setting: String) async throws -> Set<String> {
            Set(
                try await registry.texts(
                    "SELECT relname FROM pg_class WHERE relkind = 'r' AND '\(setting)' = ANY(reloptions)"))
        }

        let frozen = try await tables(with: "autovacuum_freeze_min_age=0")
        #expect(frozen.isSuperset(of: ["entry", "feed", "claim_key", "trace", "finding", "claim_history"]))
        #expect(frozen.isDisjoint(with: ["claim", "payment", "batch"]))
        #expect(
            try await tables(with: "fillfactor=50")
                == [
                    "registry", "city", "city_contact", "city_report", "fold_cursor", "fold_watch", "member",
                    "claim_total", "received_day", "rule_total", "rule_pair_total", "price_class",
                ])
    }

    @Test("rows that every batch changes are changed in their place, so that no index grows by it")
    func changedInPlace() async throws {
        let registry = try await TestRegistry()
        let (changed, inPlace) = try await registry.store.pool.transaction { session in
            try session.execute(
                "INSERT INTO claim_total SELECT 110000, day, 2, 1, 1 FROM generate_series(1, 1000) AS day")
            try session.execute("UPDATE claim_total SET claims = claims + 1")
            let counted = try session.execute(
                """
                SELECT pg_stat_get_xact_tuples_updated(oid), pg_stat_get_xact_tuples_hot_updated(oid)
                FROM pg_class WHERE oid = 'claim_total'::regclass
                """)
            return (counted.int(0, 0), counted.int(0, 1))
        }

        #expect(changed == 1_000)
        #expect(inPlace == changed)
    }
}
