#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A wrong clock, which a process can be started with so that what it does then can be looked at.
package enum ClockShift {
    /// Set to whole seconds, which may be negative.
    package static let environmentName = "FEDERATION_CLOCK_SHIFT"

    /// What this process adds to the computer's clock, in milliseconds: 0 in every process that anybody relies on.
    package static let milliseconds: Int64 =
        getenv(environmentName).flatMap { Int64(String(cString: $0)) }.map { $0 * 1_000 } ?? 0
}
