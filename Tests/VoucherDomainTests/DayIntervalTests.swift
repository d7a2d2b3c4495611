import Replication
import TestSupport
import Testing

@testable import VoucherDomain

@Suite("Day interval")
struct DayIntervalTests {
    @Test("an interval that is reversed or empty is none", arguments: [(10, 9), (10, 10), (Int32.max, Int32.min)])
    func reversed(from: Int32, until: Int32) {
        #expect(DayInterval(from: .init(rawValue: from), until: .init(rawValue: until)) == nil)
    }

    @Test("the first day belongs to an interval and the last does not")
    func halfOpen() throws {
        let interval = try interval(10, 12)

        #expect((9...13).map { interval.contains(CalendarDate(rawValue: $0)) } == [false, true, true, false, false])
    }

    @Test(
        "intervals overlap only when they share a day",
        arguments: [
            (10, 20, true), (0, 10, false), (20, 30, false), (0, 11, true), (19, 30, true), (12, 13, true),
            (0, 30, true), (0, 5, false),
        ])
    func overlap(from: Int32, until: Int32, expected: Bool) throws {
        let (one, other) = (try interval(10, 20), try interval(from, until))

        #expect(one.overlaps(other) == expected)
        #expect(other.overlaps(one) == expected)
    }

    @Test("overlap and containment agree with counting days", arguments: 0..<20)
    func countingDays(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<50 {
            let (from, otherFrom): (Int32, Int32) = (random.number(in: -8...8), random.number(in: -8...8))
            let one = try interval(from, from + random.number(in: 1...8))
            let other = try interval(otherFrom, otherFrom + random.number(in: 1...8))
            let (days, otherDays) = (Self.days(of: one), Self.days(of: other))

            #expect(one.overlaps(other) == !days.isDisjoint(with: otherDays))
            #expect(one.contains(other) == otherDays.isSubset(of: days))
        }
    }

    private func interval(_ from: Int32, _ until: Int32) throws -> DayInterval {
        try #require(DayInterval(from: .init(rawValue: from), until: .init(rawValue: until)))
    }

    private static func days(of interval: DayInterval) -> Set<Int32> {
        Set(interval.from.rawValue..<interval.until.rawValue)
    }
}
