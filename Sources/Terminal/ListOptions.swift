import ArgumentParser

/// How a verb prints what it lists.
package struct ListOptions: ParsableArguments {
    @Flag(help: "Print JSON.") package var json = false
    @Flag(help: "Print CSV, which may have more columns than the table.") package var csv = false
    @Flag(help: "Print the whole table, however wide the terminal is.") package var wide = false

    package init() {}

    package func validate() throws {
        guard [json, csv, wide].filter({ $0 }).count <= 1 else {
            throw ValidationError("--json, --csv and --wide exclude each other")
        }
    }

    /// Prints rows as CSV, or as a table; no wider than the terminal where there is one.
    package func print<Row>(_ rows: [Row], _ listing: Listing<Row>) {
        if csv { return Output.csv(listing.cells(rows)) }
        Output.line(listing.table(rows).text(within: wide ? nil : Output.terminalWidth))
    }

    /// Prints `document` as JSON, or its rows as CSV or as a table.
    package func print<Row>(_ rows: [Row], _ listing: Listing<Row>, json document: some Encodable) throws {
        if json { return try Output.json(document) }
        print(rows, listing)
    }
}
