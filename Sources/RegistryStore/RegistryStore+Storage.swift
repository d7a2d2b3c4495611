import PostgresClient

extension RegistryStore {
    /// What a table or an index of the schema takes on disk.
    package struct Relation: Hashable, Sendable {
        package let purpose: RelationPurpose
        /// The table that it is, or that it is an index of.
        package let table: String
        package let isIndex: Bool
        /// With what belongs to it: long values stored apart, and the maps of free space and of visibility.
        package let bytes: Int64
        /// How many rows or places it has, as the last VACUUM or ANALYZE counted them.
        package let rows: Int64

        package var name: String { purpose.name }
    }

    /// Every table and index of the schema with its size, in the order of the catalogue.
    package func relations() async throws -> [Relation] {
        try await pool.run { session in
            let result = try session.execute(
                """
                SELECT c.relname, coalesce(t.relname, c.relname), c.relkind = 'i', pg_table_size(c.oid),
                    greatest(c.reltuples, 0)::bigint
                FROM pg_class c LEFT JOIN pg_index x ON x.indexrelid = c.oid LEFT JOIN pg_class t ON t.oid = x.indrelid
                WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'i')
                """)
            var rows: [String: Int] = [:]
            for row in 0..<result.count { rows[result.text(row, 0)] = row }
            return RelationPurpose.catalogue.compactMap { purpose in
                rows[purpose.name].map { row in
                    Relation(
                        purpose: purpose, table: result.text(row, 1), isIndex: result.bool(row, 2),
                        bytes: result.int(row, 3), rows: result.int(row, 4))
                }
            }
        }
    }
}
