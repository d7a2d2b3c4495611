package import VoucherDomain

/// Time as the fold knows it: the registry appends a tick now and then, and nothing else moves the fold's clock.
package struct Tick: Hashable, Sendable {
    /// The registry's clock, in milliseconds since 1970.
    package let wallMilliseconds: Int64
    /// Monotonic time since the tick before it by the same process, in milliseconds, or less: what it adds to the
    /// ``DwellClock``.
    package let intervalMilliseconds: Int64
    /// What cities have sealed since, each once; everything up to these seals is decided.
    package let reports: [CityReport]

    package init(wallMilliseconds: Int64, intervalMilliseconds: Int64 = 0, reports: [CityReport] = []) {
        self.wallMilliseconds = wallMilliseconds
        self.intervalMilliseconds = intervalMilliseconds
        self.reports = reports
    }

    /// A quarter of an hour: what one tick counts at most, in milliseconds.
    package static let maximumInterval: Int64 = 900_000

    /// The day in China.
    package var day: CalendarDate { .inChina(milliseconds: wallMilliseconds) }
}
