/// The size of a page as PostgreSQL plans it.
///
/// Statements are planned once, for any values: of a bound `LIMIT` the planner takes a tenth of all rows, and joins a page of
/// a hundred claims by reading whole tables. So a power of ten stands in the statement's text, around what is bound.
enum PlannedLimit {
    /// A query, in parentheses, whose rows are limited to the value of `place`.
    ///
    /// - Parameters:
    ///   - query: It says its own order.
    ///   - place: Where `limit` is bound, such as `$3`.
    static func query(_ query: String, _ limit: Int, at place: String) -> String {
        "(SELECT * FROM (\(query) LIMIT \(text(limit))) AS planned LIMIT \(place))"
    }

    /// The smallest power of ten that is not below a limit.
    static func text(_ limit: Int) -> String {
        var planned = 10
        while planned < limit, planned < 1_000_000_000 { planned *= 10 }
        return "\(planned)"
    }
}
