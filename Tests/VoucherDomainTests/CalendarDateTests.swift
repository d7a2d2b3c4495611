import Testing

@testable import VoucherDomain

@Suite("Calendar date")
struct CalendarDateTests {
    @Test(
        "a day that exists is read as days since 1970 and written back",
        arguments: [
            ("1970-01-01", 0), ("1969-12-31", -1), ("1970-12-31", 364), ("2000-02-29", 11_016),
            ("2024-02-29", 19_782), ("2026-01-01", 20_454), ("2026-06-02", 20_606), ("1900-01-01", -25_567),
            ("2999-12-31", 376_199),
        ])
    func readAndWritten(text: String, days: Int32) {
        #expect(CalendarDate(text) == CalendarDate(rawValue: days))
        #expect(CalendarDate(rawValue: days).iso8601 == text)
    }

    @Test(
        "a day that does not exist, or another form, is refused",
        arguments: [
            "2026-02-30", "2026-02-29", "1900-02-29", "2100-02-29", "2026-04-31", "2026-13-01", "2026-00-10",
            "2026-01-00", "2026-01-32", "1899-12-31", "3000-01-01", "0000-01-01", "9999-12-31", "2026-1-1",
            "26-01-01", "2026/01/01", "20260101", "2026-01-01T", "2026-01-01 ", " 2026-01-01", "+026-01-01",
            "2026--1-01", "2026-01-0a", "２０２６-01-01", "2026-01-０１", "2026年1月1日", "01-01-2026", "",
            "2026-01-01\u{0}", "2026–01–01", "二〇二六-01-01",
        ])
    func refused(text: String) {
        #expect(CalendarDate(text) == nil)
    }

    @Test("every day from 1900 to 2999 follows the one before it and reads back")
    func everyDay() {
        var expected = CalendarDate("1900-01-01")?.rawValue ?? 0
        var wrong: [String] = []
        for year: Int32 in 1900...2999 {
            for month: Int32 in 1...12 {
                for day: Int32 in 1...31 {
                    guard let date = CalendarDate(year: year, month: month, day: day) else { continue }
                    if date.rawValue != expected || date.year != year { wrong.append(date.iso8601) }
                    if day == 1 || day == 28, CalendarDate(date.iso8601) != date { wrong.append(date.iso8601) }
                    expected += 1
                }
            }
        }

        #expect(wrong == [])
        #expect(CalendarDate(rawValue: expected - 1).iso8601 == "2999-12-31")
    }

    @Test("dates are ordered as their texts are")
    func order() {
        let texts = ["2026-12-31", "2025-01-01", "2026-02-01", "1969-12-31", "2026-01-31"]

        #expect(texts.compactMap(CalendarDate.init(_:)).sorted().map(\.iso8601) == texts.sorted())
    }

    @Test("the farthest days that a peer may state have a text and stop nothing")
    func farthestDays() async {
        await #expect(processExitsWith: .success) {
            for days in [Int32.max, .max - 719_468, .min, .min + 146_096] {
                _ = CalendarDate(rawValue: days).iso8601
                _ = CalendarDate(rawValue: days).year
            }
        }
    }
}
