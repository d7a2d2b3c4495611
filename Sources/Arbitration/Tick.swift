package import VoucherDomain

/// Time as the fold knows it: the registry appends a tick now and then, and nothing else moves the fold's clock.
package struct Tick: Hashable, Sendable {
    /// The registry's clock, in milliseconds since 1970.
    package let wallMilliseconds: Int64

    package init(wallMilliseconds: Int64) { self.wallMilliseconds = wallMilliseconds }

    /// The day in China.
    package var day: CalendarDate { .inChina(milliseconds: wallMilliseconds) }
}
