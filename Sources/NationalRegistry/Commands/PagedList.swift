import FederationWire
import Terminal

/// A list that a verb reads page by page, to its end however long it is.
enum PagedList {
    /// The most rows that are asked for at a time, as in the API.
    static let pageRows = 1_000

    /// - Parameters:
    ///   - limit: The most rows in all; `nil` for all.
    ///   - page: Reads at most so many rows behind a cursor; `nil` is the beginning.
    ///   - take: Takes the rows of each page, the first one also where it is empty.
    /// - Returns: Where the list goes on behind the limit; `nil` at its end. As in the API, a last page that is full goes on
    ///   though nothing follows.
    static func read<Row>(
        limit: Int?, page: (_ after: String?, _ limit: Int) async throws -> (rows: [Row], next: String?),
        take: (_ rows: [Row], _ isFirst: Bool) throws -> Void
    ) async throws -> String? {
        var next: String?
        var rest = limit ?? .max
        var isFirst = true
        repeat {
            let found = try await page(next, min(pageRows, rest))
            try take(found.rows, isFirst)
            next = found.next
            rest -= found.rows.count
            isFirst = false
        } while next != nil && rest > 0
        return next
    }
}

extension ListOptions {
    /// Prints a list that is read page by page: CSV as it comes, everything else once all of it is there.
    ///
    /// - Parameters:
    ///   - limit: The most rows; `nil` for all.
    ///   - page: As for ``PagedList/read(limit:page:take:)``.
    func print<Row: Encodable & Sendable>(
        _ listing: Listing<Row>, limit: Int?,
        page: (_ after: String?, _ limit: Int) async throws -> ListDocument<Row>
    ) async throws {
        var rows: [Row] = []
        let next = try await PagedList.read(limit: limit) { after, limit -> (rows: [Row], next: String?) in
            let found = try await page(after, limit)
            return (found.items, found.next)
        } take: { found, isFirst in
            if csv { Output.csv(Array(listing.cells(found).dropFirst(isFirst ? 0 : 1))) } else { rows += found }
        }
        if csv { return }
        try print(rows, listing, json: ListDocument(items: rows, next: next))
    }
}
