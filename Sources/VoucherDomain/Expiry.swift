/// The moment by which a key or a certificate is to have been replaced, and how near that is.
///
/// Of a city's key it is a duty and no switch: past it the key works as before, and everybody whom it concerns is shown
/// so. A key that a calendar refused would stop the claims of a whole city, and make every payment of the nation wait its
/// dwell for that city; whom to shut out is for the operators to say (`city suspend`).
package struct Expiry: RawRepresentable, Hashable, Sendable {
    /// Milliseconds since 1970.
    package let rawValue: UInt64

    package init(rawValue: UInt64) { self.rawValue = rawValue }

    /// How near it is.
    package enum Stage: String, Hashable, Sendable, CaseIterable {
        /// More than ``Expiry/notice`` is left.
        case current
        /// It is time to act.
        case ending
        /// It is past.
        case over
    }

    /// How long before it people are warned, in milliseconds: sixty days, so that a new key or certificate can take its way
    /// through an office.
    package static let notice: UInt64 = 60 * 86_400_000

    package func stage(now: UInt64) -> Stage {
        guard now < rawValue else { return .over }
        return rawValue - now > Expiry.notice ? .current : .ending
    }

    /// The seconds that are left; below zero once it is past.
    package func secondsLeft(now: UInt64) -> Double {
        now < rawValue ? Double(rawValue - now) / 1_000 : -Double(now - rawValue) / 1_000
    }

    /// The day in China that it falls on.
    package var day: CalendarDate { .inChina(milliseconds: Int64(clamping: rawValue)) }

    /// RFC 3339, UTC.
    package var rfc3339: String { StatedTime(rawValue: Int64(clamping: rawValue)).rfc3339 }
}
