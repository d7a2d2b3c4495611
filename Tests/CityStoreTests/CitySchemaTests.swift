import Foundation
import GRDB
import TestSupport
import Testing

@testable import CityStore

@Suite("City schema")
struct CitySchemaTests {
    private static let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Schemas/city/city_current.sql")

    /// What the migrations lead to, as SQLite remembers it.
    private func current() throws -> String {
        let directory = try TemporaryDirectory()
        let store = try CityStore(directory: directory.path)
        let statements = try store.pool.read { database in
            try String.fetchAll(
                database,
                sql: """
                    SELECT sql FROM sqlite_schema
                    WHERE sql IS NOT NULL AND name NOT GLOB 'sqlite_*' AND name NOT GLOB 'grdb_*'
                    ORDER BY type DESC, name
                    """)
        }
        try store.close()
        return statements.joined(separator: ";\n\n") + ";\n"
    }

    @Test("the schema file is what the migrations lead to; with WRITE_SCHEMA set it is written")
    func schemaFile() throws {
        let current = try current()
        if ProcessInfo.processInfo.environment["WRITE_SCHEMA"] != nil {
            try Data(current.utf8).write(to: Self.file)
        }

        #expect(try String(contentsOf: Self.file, encoding: .utf8) == current)
    }

    @Test("every table is strict")
    func strict() throws {
        let node = try TestNode()
        let loose = try node.rows(
            """
            SELECT name FROM pragma_table_list
            WHERE schema = 'main' AND type = 'table' AND NOT strict AND name NOT GLOB 'sqlite_*'
                AND name NOT GLOB 'grdb_*'
            """)

        #expect(loose == [])
    }
}
