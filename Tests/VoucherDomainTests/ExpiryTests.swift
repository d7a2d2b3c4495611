import Testing
import VoucherDomain

@Suite("Expiry")
struct ExpiryTests {
    private static let sixtyDays: UInt64 = 60 * 86_400_000
    private static let end: UInt64 = 1_780_000_000_000

    @Test(
        "there is a warning from sixty days before, and another word from the moment on",
        arguments: [
            (0, .current), (end - sixtyDays - 1, .current), (end - sixtyDays, .ending), (end - 1, .ending),
            (end, .over), (end + 1, .over), (.max, .over),
        ] as [(UInt64, Expiry.Stage)])
    func stages(now: UInt64, stage: Expiry.Stage) {
        #expect(Expiry(rawValue: Self.end).stage(now: now) == stage)
    }

    @Test("what is left counts down to zero and below it")
    func left() {
        let expiry = Expiry(rawValue: Self.end)

        #expect(expiry.secondsLeft(now: Self.end - 1_500) == 1.5)
        #expect(expiry.secondsLeft(now: Self.end) == 0)
        #expect(expiry.secondsLeft(now: Self.end + Self.sixtyDays) == -60 * 86_400)
    }

    @Test("it falls on a day in China, and is said in UTC")
    func day() {
        // 2026-06-11 16:30 in UTC, half past midnight of the 12th in China.
        let expiry = Expiry(rawValue: 1_781_195_400_000)

        #expect(expiry.day.iso8601 == "2026-06-12")
        #expect(expiry.rfc3339 == "2026-06-11T16:30:00.000Z")
    }

    @Test("a moment that no calendar has is far away, and no fault", arguments: [UInt64(Int64.max), .max])
    func farAway(milliseconds: UInt64) {
        let expiry = Expiry(rawValue: milliseconds)

        #expect(expiry.stage(now: Self.end) == .current)
        #expect(expiry.day > CalendarDate.inChina(milliseconds: Int64(Self.end)))
        #expect(!expiry.rfc3339.isEmpty)
    }
}
