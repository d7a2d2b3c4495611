import CityStore

/// Every row of every table of a store.
package struct StoreState: Hashable, Sendable {
    private let tables: [String: [String]]

    /// How much of a row is shown: its numbers come first.
    private static let shownCharacters = 120

    init(_ store: CityStore) throws {
        tables = try Dictionary(uniqueKeysWithValues: CityStore.tables.map { ($0, try store.dump($0)) })
    }

    /// The first table that differs, with the beginning of the first row of each side that the other has not.
    func difference(from other: StoreState) -> String? {
        for table in CityStore.tables {
            let (mine, theirs) = (tables[table] ?? [], other.tables[table] ?? [])
            guard mine != theirs else { continue }
            let extra = mine.first { !theirs.contains($0) }?.prefix(StoreState.shownCharacters) ?? "none"
            let missing = theirs.first { !mine.contains($0) }?.prefix(StoreState.shownCharacters) ?? "none"
            return "\(table) has \(mine.count) rows, not \(theirs.count); not expected: \(extra); missing: \(missing)"
        }
        return nil
    }

    /// The published keys that the index has, as hash and position.
    var keys: Set<String> {
        Set((tables["key_index"] ?? []).map { $0.split(separator: " ").prefix(2).joined(separator: " ") })
    }
}
