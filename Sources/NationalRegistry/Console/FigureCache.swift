import FederationHTTP
import RegistryStore
import VoucherDomain

/// Figures over all claims, which take time to add up: kept for some seconds, and added up by one at a time.
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

    private let store: RegistryStore
    private var known: Figures?
    private var adding: Task<Figures, any Error>?

    /// How long figures are good for: long enough that adding them up costs little, short enough to be watched.
    private static let milliseconds: UInt64 = 5_000
    /// How many days the chart shows.
    static let days: Int64 = 14

    init(store: RegistryStore) { self.store = store }

    /// At most a few seconds old; as old as the last ones where adding up takes longer.
    func figures() async throws -> Figures {
        if let known, WallClock.now - min(known.takenAt, WallClock.now) < FigureCache.milliseconds { return known }
        let task = adding ?? Task { try await FigureCache.add(store) }
        if adding == nil { adding = task }
        // Whoever has older ones shows those, and the next one gets the new ones.
        if let known {
            Task {
                let fresh = try? await task.value
                self.take(fresh)
            }
            return known
        }
        do {
            let fresh = try await task.value
            take(fresh)
            return fresh
        } catch {
            adding = nil
            throw error
        }
    }

    private func take(_ fresh: Figures?) {
        known = fresh ?? known
        adding = nil
    }

    private static func add(_ store: RegistryStore) async throws -> Figures {
        let now = WallClock.now
        let today = CalendarDate(inChina: Int64(now))
        return Figures(
            totals: try await store.stateTotals(),
            days: try await store.dayTotals(
                since: CalendarDate(rawValue: today.rawValue - Int32(days) + 1).startInChina),
            rules: try await store.ruleTotals(),
            duplicates: try await store.report(.duplicatesByRule, today: today, limit: 10_000),
            openCases: try await store.openCases(), takenAt: now)
    }
}
