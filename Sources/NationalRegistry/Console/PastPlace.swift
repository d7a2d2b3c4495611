import FederationHTTP
import HTTPTypes
import Hummingbird
import RegistryStore
import VoucherDomain
import WebConsole

/// A past that a page is of: up to a position, or with what was received by the end of a day.
struct PastPlace {
    let position: Int64
    /// In China; `nil` where a position was asked for.
    var day: CalendarDate?
    /// Whether all is in it that was received by the end of the day: the day is over, and all of it is decided.
    var isWhole = true
}

extension ConsoleRoutes {
    /// Which past is asked for, `nil` for now; and the question with a position in the place of a day, so that what the page
    /// leads to is of the very same past while more is received on that day.
    ///
    /// - Throws: ``Problem`` for what is neither, for a day that is still to come, and for a position that the feed has not.
    func placed(_ question: Question) async throws -> (past: PastPlace?, question: Question) {
        guard let text = question.text("as_of") else { return (nil, question) }
        let asked: PastPlace? =
            if let day = CalendarDate(text) { try await place(of: day) } else {
                Int64(text).map { PastPlace(position: $0) }
            }
        guard let past = asked, past.position >= 0 else {
            throw Problem(
                .badRequest, "query", "as_of: expected a position of the feed, or a day such as 2026-07-01")
        }
        _ = try await queries.head(past.position)
        var values = question.values
        values["as_of"] = "\(past.position)"
        return (past, try Question(values, known: Array(values.keys)))
    }

    private func place(of day: CalendarDate) async throws -> PastPlace {
        let now = Int64(WallClock.now)
        guard day <= CalendarDate.inChina(milliseconds: now) else {
            throw Problem(.badRequest, "query", "as_of: the day \(day.iso8601) is still to come")
        }
        let end = CalendarDate(rawValue: day.rawValue + 1).startInChina
        let place = try await store.feedPlace(before: end)
        // Where a replica ends, the primary may have more of that day.
        if place.isEnd { try queries.expect(.max) }
        return PastPlace(position: place.position, day: day, isWhole: end <= now && !place.isAwaited)
    }

    /// Renders a page that may be of the past, and then says of which: its template has the template `past` in it.
    func pastPage(
        _ template: String, title: String, _ frame: ConsolePages.Frame, _ past: PastPlace?, _ values: [String: Any]
    ) throws -> Response {
        var values = values
        values["is_past"] = past != nil
        values["as_of"] = past.map { number(Int($0.position)) } ?? ""
        values["has_day"] = past?.day != nil
        values["day"] = past?.day?.iso8601 ?? ""
        values["is_whole"] = past?.isWhole ?? true
        return try pages.page(template, title: title, frame, values)
    }
}
