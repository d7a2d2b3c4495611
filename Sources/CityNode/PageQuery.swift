import FederationHTTP
import Hummingbird

/// Which page of a list a query asks for: `limit` is 1 to 1,000 (100 when left out), `after` the id that it starts after.
struct PageQuery {
    let limit: Int
    let after: Int64

    init(_ request: Request) throws {
        limit = Int(try request.number("limit", default: 100, in: 1...1_000))
        after = try request.number("after", default: 0, in: 0...Int64.max)
    }

    /// What the next page starts after; `nil` when these are fewer than were asked for.
    func next<View>(after views: [View], by id: KeyPath<View, Int64>) -> String? {
        views.count == limit ? views.last.map { String($0[keyPath: id]) } : nil
    }
}
