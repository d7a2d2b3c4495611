import FederationHTTP
import RegistryStore
import VoucherDomain

/// Figures over all claims, most of which the registry keeps added up: good for some seconds, and fetched by one at a time.
actor FigureCache {
    struct Figures: Sendable {
        let totals: [RegistryStore.StateTotal]
        let days: [RegistryStore.DayTotal]
        let rules: [RegistryStore.RuleTotal]
        let duplicates: RegistryStore.Report
        let openCases: (count: Int, claimed: Money)
        /// Milliseconds since 1970.
        let takenAt: UInt64
    }

    private let desk: QuestionDesk
    private var known: Figures?
    /// Until when they are good: milliseconds since 1970.
    private var goodUntil: UInt64 = 0
    private var adding: Task<Figures, any Error>?

    /// How long figures are good for at least; and ten times as long as it took to fetch them, so that it never takes more
    /// than a tenth of one core.
    private static let milliseconds: UInt64 = 5_000
    /// How many days the chart shows.
    static let days: Int64 = 14

    init(_ desk: QuestionDesk) { self.desk = desk }

    /// A few seconds old; older where adding up takes longer.
    func figures() async throws -> Figures {
        if let known, WallClock.now < goodUntil { return known }
        let task = adding ?? Task { try await self.refresh() }
        adding = task
        // Whoever has older ones shows those, and the next one gets the new ones.
        if let known { return known }
        return try await task.value
    }

    private func refresh() async throws -> Figures {
        defer { adding = nil }
        let begun = WallClock.now
        let fresh = try await desk.ask { try await FigureCache.add($0.store) }
        let now = WallClock.now
        known = fresh
        goodUntil = now + max(FigureCache.milliseconds, 10 * (now - min(begun, now)))
        return fresh
    }

    private static func add(_ store: RegistryStore) async throws -> Figures {
        let now = WallClock.now
        let today = CalendarDate.inChina(milliseconds: Int64(now))
        // The only one that is not kept added up.
        async let openCases = store.openCases()
        return Figures(
            totals: try await store.stateTotals(),
            days: try await store.dayTotals(
                since: CalendarDate(rawValue: today.rawValue - Int32(days) + 1)),
            rules: try await store.ruleTotals(),
            duplicates: try await store.report(.duplicatesByRule, today: today, limit: 10_000),
            openCases: try await openCases, takenAt: now)
    }
}
