import FederationHTTP

/// Which page of a list is asked for: `limit` is 1 to 1,000 (50 when left out), `after` the id that it starts after.
struct PageQuery {
    static let parameters = ["after", "limit"]

    let limit: Int
    /// 0 for the first page.
    let after: Int64

    init(_ question: Question) throws {
        limit = try question.limit()
        after = try question.number("after", in: 0...Int64.max) ?? 0
    }

    /// What the next page starts after; `nil` when these are fewer than were asked for.
    func next<View>(after views: [View], by id: KeyPath<View, Int64>) -> String? {
        views.count == limit ? views.last.map { String($0[keyPath: id]) } : nil
    }
}
