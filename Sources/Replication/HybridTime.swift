import SeededBugs

/// A hybrid logical clock reading: 48 bits of milliseconds since 1970 and a 16-bit counter.
///
/// Strictly rising within a log, close to the wall clock when that is right. It is evidence of when something
/// was filed and never decides who wins.
package struct HybridTime: RawRepresentable, Hashable, Comparable, Sendable {
    /// `milliseconds << 16 | counter`.
    package let rawValue: UInt64

    package init(rawValue: UInt64) { self.rawValue = rawValue }

    package init(milliseconds: UInt64, counter: UInt16 = 0) {
        self.rawValue = min(milliseconds, 1 << 48 - 1) << 16 | UInt64(counter)
    }

    package static let zero = HybridTime(rawValue: 0)

    package var milliseconds: UInt64 { rawValue >> 16 }

    package static func < (left: HybridTime, right: HybridTime) -> Bool { left.rawValue < right.rawValue }

    /// The next reading after this one when the wall clock says `now`.
    ///
    /// A clock that stands still or runs backwards only moves the counter, which carries into the milliseconds.
    package func next(now milliseconds: UInt64) -> HybridTime {
        let wall = HybridTime(milliseconds: milliseconds)
        if wall > self || SeededBug.clockFollowsWall.isActive { return wall }
        return HybridTime(rawValue: rawValue == .max ? .max : rawValue + 1)
    }
}
