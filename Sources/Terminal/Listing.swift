/// What a verb lists: a table for people and CSV for programs, from the same rows.
package struct Listing<Row> {
    /// What stands in one column.
    package struct Column {
        fileprivate let name: String?
        fileprivate let shown: TextTable.Column?
        fileprivate let cell: (Row) -> String

        /// - Parameters:
        ///   - name: What CSV calls it, as the API does; `nil` where only the table has it.
        ///   - shown: The table's column; `nil` where only CSV has it.
        ///   - cell: What stands in it; empty where there is nothing to tell.
        package init(_ name: String? = nil, shown: TextTable.Column? = nil, _ cell: @escaping (Row) -> String) {
            self.name = name
            self.shown = shown
            self.cell = cell
        }
    }

    private let columns: [Column]

    /// - Parameter columns: In the table's order: where there is little room the last ones are left out first.
    package init(_ columns: [Column]) { self.columns = columns }

    /// The rows as cells of CSV, behind a header.
    package func cells(_ rows: [Row]) -> [[String]] {
        let named = columns.filter { $0.name != nil }
        return [named.compactMap(\.name)] + rows.map { row in named.map { $0.cell(row) } }
    }

    /// The rows as a table, whose columns may be left out where they do not fit.
    package func table(_ rows: [Row]) -> TextTable {
        let told = columns.filter { $0.shown != nil }
        var table = TextTable(columns: told.compactMap(\.shown), leavesOut: true)
        for row in rows { table.add(told.map { $0.cell(row) }) }
        return table
    }
}
