import Foundation
import Testing

@Suite("The page on several PostgreSQL servers")
struct CitusPageTests {
    /// Where the page puts a table.
    private enum Place: Equatable {
        case distributed(by: String)
        case reference
        case local
    }

    /// Something in the schema that is unique.
    private struct UniqueKey {
        let name: String
        let table: String
        /// As it stands in the schema, between its parentheses.
        let columns: String

        /// Whether rows that it compares lie on one server when the table is cut by the column.
        func contains(_ column: String) -> Bool {
            let parts = columns.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
            return parts.contains { $0 == column || $0 == "\"\(column)\"" || $0 == "\(column) WITH =" }
        }
    }

    private static func text(_ path: String) throws -> String {
        try String(contentsOf: SourceTree.root.appendingPathComponent(path), encoding: .utf8)
    }

    private let page: String
    private let schema: String

    init() throws {
        page = try Self.text("deploy/citus.md")
        schema = try Self.text("Schemas/registry/registry_current.sql")
    }

    private var tables: Set<String> { Set(schema.matches(of: /CREATE TABLE (\w+)/).map { String($0.1) }) }

    private var places: [String: Place] {
        var places: [String: Place] = [:]
        for row in page.matches(of: /\| `(\w+)` \| (?:distributed by `(\w+)`|(reference)|local) \|/) {
            let whole = row.3 == nil ? Place.local : .reference
            places[String(row.1)] = row.2.map { Place.distributed(by: String($0)) } ?? whole
        }
        return places
    }

    private var uniqueKeys: [UniqueKey] {
        let constraints = schema.matches(of: /CREATE TABLE (\w+) \([^;]*;/).flatMap { table -> [UniqueKey] in
            String(table.0).matches(
                of: /CONSTRAINT (\w+) (?:PRIMARY KEY|UNIQUE|EXCLUDE USING gist) \(([^)]*)\)/
            ).map { UniqueKey(name: String($0.1), table: String(table.1), columns: String($0.2)) }
        }
        let indexes = schema.matches(of: /CREATE UNIQUE INDEX (\w+) ON public\.(\w+) USING btree \(([^)]*)\)/)
        return constraints + indexes.map { UniqueKey(name: String($0.1), table: String($0.2), columns: String($0.3)) }
    }

    /// The keys that the page says are to change.
    private var changing: Set<String> {
        Set(page.matches(of: /\| `(\w+)` \| UNIQUE/).map { String($0.1) })
    }

    @Test("it puts every table of the schema somewhere, and no other one")
    func everyTable() {
        #expect(tables.count >= 40)
        #expect(Set(places.keys) == tables)
    }

    @Test("every unique key of a distributed table contains the column that cuts it, or is said to change")
    func keys() {
        let spread = uniqueKeys.filter { key in
            guard case .distributed(let column) = places[key.table] else { return false }
            return !key.contains(column)
        }

        #expect(uniqueKeys.count >= 45)
        #expect(Set(spread.map(\.name)) == changing)
        #expect(changing == ["entry_id_once", "claim_number_once", "payment_reference_once"])
    }

    @Test("foreign keys stay among tables that are whole in the same way")
    func foreignKeys() {
        let keys = schema.matches(of: /ALTER TABLE (\w+) ADD CONSTRAINT \w+ FOREIGN KEY \(\w+\) REFERENCES (\w+)/)

        #expect(keys.count >= 6)
        for key in keys {
            let place = places[String(key.1)]
            #expect(place == places[String(key.2)], "\(key.0)")
            #expect(place == .local || place == .reference, "\(key.0)")
        }
    }

    @Test("the commands are those of the table")
    func commands() {
        var commands: [String: Place] = [:]
        for call in page.matches(of: /create_reference_table\('(\w+)'\)/) { commands[String(call.1)] = .reference }
        for call in page.matches(of: /create_distributed_table\('(\w+)', '(\w+)'/) {
            commands[String(call.1)] = .distributed(by: String(call.2))
        }

        #expect(commands.filter { tables.contains($0.key) } == places.filter { $0.value != .local })
    }
}
