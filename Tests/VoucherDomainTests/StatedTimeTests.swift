import Replication
import TestSupport
import Testing

@testable import VoucherDomain

@Suite("Stated time")
struct StatedTimeTests {
    @Test(
        "a date-time with an offset is read as a moment and written in UTC",
        arguments: [
            ("1970-01-01T00:00:00Z", 0, "1970-01-01T00:00:00.000Z"),
            ("2026-06-02T18:24:46+08:00", 1_780_395_886_000, "2026-06-02T10:24:46.000Z"),
            ("2026-06-02t10:24:46z", 1_780_395_886_000, "2026-06-02T10:24:46.000Z"),
            ("2026-06-02T10:24:46-00:00", 1_780_395_886_000, "2026-06-02T10:24:46.000Z"),
            ("2026-06-02T10:24:46.5Z", 1_780_395_886_500, "2026-06-02T10:24:46.500Z"),
            ("2026-06-02T10:24:46.0459999999Z", 1_780_395_886_045, "2026-06-02T10:24:46.045Z"),
            ("2026-01-01T00:00:00+08:00", 1_767_196_800_000, "2025-12-31T16:00:00.000Z"),
            ("2025-12-31T20:30:00-03:30", 1_767_225_600_000, "2026-01-01T00:00:00.000Z"),
            ("1969-12-31T23:59:59.999Z", -1, "1969-12-31T23:59:59.999Z"),
            ("2016-12-31T23:59:60Z", 1_483_228_799_000, "2016-12-31T23:59:59.000Z"),
        ])
    func readAndWritten(text: String, milliseconds: Int64, utc: String) {
        #expect(StatedTime(text) == StatedTime(rawValue: milliseconds))
        #expect(StatedTime(rawValue: milliseconds).rfc3339 == utc)
    }

    @Test(
        "a time without offset, out of range or in another form is refused",
        arguments: [
            "", "2026-06-02", "2026-06-02T18:24:46", "2026-06-02T18:24:46+08", "2026-06-02T18:24:46+0800",
            "2026-06-02T18:24:46 +08:00", "2026-06-02T24:00:00Z", "2026-06-02T18:60:00Z", "2026-06-02T18:24:61Z",
            "2026-06-02T18:24:46+24:00", "2026-06-02T18:24:46+08:60", "2026-02-30T18:24:46Z", "2026-06-02T18:24:46.Z",
            "2026-06-02T18:24:46,5Z", "2026-06-02T1８:24:46Z", "2026-06-02T18:24Z", "20260602T182446+0800",
            "2026-06-02T18-24-46Z", "2026-06-02T18:24:46Zjunk", "2026-06-02T18:24:46.5", "2026-06-02T-1:24:46Z",
            "2026-06-02T18:24:46.12345678901234567890Z", "2026-06-02X18:24:46Z", "yesterday afternoon, I believe",
            "2026-06-0号T18:24:46Z",
        ])
    func refused(text: String) {
        #expect(StatedTime(text) == nil)
    }

    @Test("every moment reads back from what is written", arguments: 0..<20)
    func roundTrip(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let times = (0..<100).map { _ in
            StatedTime(rawValue: random.number(in: -2_208_988_800_000...32_503_679_999_999))
        }

        #expect(times.map { StatedTime($0.rfc3339) } == times)
    }

    @Test(
        "a moment that an offset moves past the years of a date still reads back",
        arguments: ["1900-01-01T00:00:00+08:00", "2999-12-31T23:59:59-08:00"])
    func roundTripAtTheEnds(text: String) throws {
        if let time = StatedTime(text) {
            #expect(StatedTime(time.rfc3339) == time)
        }
    }

    @Test("times are ordered as moments, whatever their offsets")
    func order() throws {
        let earlier = try #require(StatedTime("2026-06-02T18:24:46+08:00"))
        let later = try #require(StatedTime("2026-06-02T11:00:00Z"))

        #expect(earlier < later)
    }

    @Test("the farthest moments that a peer may state have a text and stop nothing")
    func farthestMoments() async {
        await #expect(processExitsWith: .success) {
            for milliseconds in [Int64.max, .min, .min + 1] {
                _ = StatedTime(rawValue: milliseconds).rfc3339
            }
        }
    }
}
