import Replication

/// A wall clock, which may be wrong.
struct SimulatedClock: Hashable {
    /// How far it is off, in milliseconds.
    private var skew: Int64 = 0
    /// What it shows for as long as it stands still.
    private var frozenAt: UInt64?

    /// The wall clock at virtual time 0, milliseconds since 1970: in the year 2026.
    static let start: UInt64 = 1_780_000_000_000

    /// What it shows, in milliseconds since 1970, at a virtual time.
    func now(_ time: UInt64) -> UInt64 { frozenAt ?? UInt64(clamping: Int64(SimulatedClock.start + time) + skew) }

    /// Sets the clock right.
    mutating func mend() { self = SimulatedClock() }

    /// Sets the clock wrong: a little, at the edge of what requests may be off, by years, back, or standing still.
    mutating func upset(_ random: inout SeededGenerator, at time: UInt64) {
        frozenAt = nil
        switch random.number(in: 0...6) {
        case 0: skew = random.number(in: -600_000...600_000)
        case 1: skew = random.number(in: -250_000...250_000)
        case 2: skew = random.pick([-1, 1]) * random.number(in: 299_000...302_000)
        case 3: skew = 20 * 365 * 86_400_000
        case 4: skew = -3_600_000
        case 5: frozenAt = now(time)
        default: skew = 0
        }
    }
}
