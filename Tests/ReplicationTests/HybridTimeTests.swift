import Testing

@testable import Replication

@Suite("Hybrid time")
struct HybridTimeTests {
    @Test("a clock that is ahead of the last reading is taken as it is, with counter 0")
    func followsTheClock() {
        let last = HybridTime(milliseconds: 1_000, counter: 9)

        #expect(last.next(now: 1_001) == HybridTime(milliseconds: 1_001))
    }

    @Test("a clock that stands still or runs backwards only moves the counter", arguments: [0, 1, 999, 1_000])
    func clockDoesNotRise(now: UInt64) {
        let last = HybridTime(milliseconds: 1_000, counter: 9)

        #expect(last.next(now: now) == HybridTime(milliseconds: 1_000, counter: 10))
    }

    @Test("a full counter carries into the milliseconds")
    func carries() {
        let last = HybridTime(milliseconds: 1_000, counter: .max)

        #expect(last.next(now: 0) == HybridTime(milliseconds: 1_001, counter: 0))
    }

    @Test("the milliseconds are clamped to 48 bits and never reach the counter")
    func clamped() {
        let last = (UInt64(1) << 48) - 1

        #expect(HybridTime(milliseconds: .max, counter: 5) == HybridTime(milliseconds: last, counter: 5))
        #expect(HybridTime(milliseconds: .max).milliseconds == last)
        #expect(HybridTime.zero.next(now: .max) == HybridTime(milliseconds: last))
    }

    @Test("the last reading of all stays where it is")
    func saturates() {
        let last = HybridTime(rawValue: .max)

        #expect(last.next(now: 0) == last)
        #expect(last.next(now: .max) == last)
    }

    @Test("readings strictly rise whatever the clock does", arguments: UInt64(0)..<8)
    func strictlyRises(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var readings = [HybridTime(milliseconds: 1_700_000_000_000)]
        for _ in 0..<2_000 {
            let drift = UInt64.random(in: 0...1_200_000, using: &generator)
            readings.append(readings[readings.count - 1].next(now: 1_700_000_000_000 - 600_000 + drift))
        }

        #expect(zip(readings, readings.dropFirst()).allSatisfy { $0 < $1 })
    }

    @Test("a reading is compared by milliseconds first, then by counter")
    func order() {
        let times = [
            HybridTime(milliseconds: 1, counter: 2), HybridTime(milliseconds: 1, counter: .max),
            HybridTime(milliseconds: 2, counter: 0),
        ]

        #expect(times.reversed().sorted() == times)
        #expect(times.map(\.milliseconds) == [1, 1, 2])
    }
}
