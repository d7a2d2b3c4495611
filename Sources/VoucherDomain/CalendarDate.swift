/// A day of the proleptic Gregorian calendar without a time zone, as days since 1970-01-01.
package struct CalendarDate: RawRepresentable, Hashable, Comparable, Sendable {
    /// Days since 1970-01-01, which is 0.
    package let rawValue: Int32

    package init(rawValue: Int32) { self.rawValue = rawValue }

    package static func < (left: CalendarDate, right: CalendarDate) -> Bool { left.rawValue < right.rawValue }

    /// Reads `YYYY-MM-DD` (ISO 8601) of a day that exists, years 1900 to 2999.
    package init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count == 10, bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-") else { return nil }
        guard let year = Int32(digits: bytes[0..<4]), let month = Int32(digits: bytes[5..<7]),
            let day = Int32(digits: bytes[8..<10]), (1900...2999).contains(year)
        else { return nil }
        self.init(year: year, month: month, day: day)
    }

    /// The day, or `nil` when there is none with that number in that month.
    package init?(year: Int32, month: Int32, day: Int32) {
        guard (1...12).contains(month), day >= 1, day <= CalendarDate.days(inMonth: month, of: year) else { return nil }
        self.rawValue = CalendarDate.daysSinceEpoch(year: year, month: month, day: day)
    }

    /// The calendar year.
    package var year: Int32 { components.year }

    /// `YYYY-MM-DD`.
    package var iso8601: String {
        let (year, month, day) = components
        func padded(_ number: Int32, to width: Int) -> String {
            let digits = String(number)
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
        return "\(padded(year, to: 4))-\(padded(month, to: 2))-\(padded(day, to: 2))"
    }

    /// Howard Hinnant's `civil_from_days`: eras of 400 years that begin on 1 March.
    private var components: (year: Int32, month: Int32, day: Int32) {
        // In 64 bits: a raw value from outside may be anything.
        let shifted = Int64(rawValue) + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (Int32(yearOfEra + era * 400 + (month <= 2 ? 1 : 0)), Int32(month), Int32(day))
    }

    private static func daysSinceEpoch(year: Int32, month: Int32, day: Int32) -> Int32 {
        let shifted = month <= 2 ? year - 1 : year
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    private static func days(inMonth month: Int32, of year: Int32) -> Int32 {
        switch month {
        case 2: (year.isMultiple(of: 4) && !year.isMultiple(of: 100)) || year.isMultiple(of: 400) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }
}

/// A half-open interval of days: `from` is in it, `until` is not.
package struct DayInterval: Hashable, Sendable {
    package let from: CalendarDate
    package let until: CalendarDate

    /// - Returns: `nil` unless `from` is before `until`.
    package init?(from: CalendarDate, until: CalendarDate) {
        guard from < until else { return nil }
        self.from = from
        self.until = until
    }

    package func overlaps(_ other: DayInterval) -> Bool { from < other.until && other.from < until }
    package func contains(_ other: DayInterval) -> Bool { from <= other.from && other.until <= until }
    package func contains(_ date: CalendarDate) -> Bool { from <= date && date < until }
}

/// A moment as the officer stated it, in milliseconds since 1970 UTC. Evidence, never a clock.
package struct StatedTime: RawRepresentable, Hashable, Comparable, Sendable {
    package let rawValue: Int64

    package init(rawValue: Int64) { self.rawValue = rawValue }

    package static func < (left: StatedTime, right: StatedTime) -> Bool { left.rawValue < right.rawValue }

    /// Reads an RFC 3339 date-time with offset, such as `2026-06-02T18:24:46+08:00`, of the years 1900 to 2999 in UTC; a
    /// fraction is cut to milliseconds.
    package init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard (20...35).contains(bytes.count), let date = CalendarDate(String(decoding: bytes[0..<10], as: UTF8.self)),
            bytes[10] == UInt8(ascii: "T") || bytes[10] == UInt8(ascii: "t"),
            let time = StatedTime.secondsOfDay(bytes[11..<19])
        else { return nil }
        var index = 19
        var milliseconds: Int64 = 0
        if bytes[index] == UInt8(ascii: ".") {
            let digits = bytes[(index + 1)...].prefix { $0.isASCIIDigit }
            guard !digits.isEmpty else { return nil }
            for place in 0..<3 {
                let digit = place < digits.count ? Int64(digits[digits.startIndex + place] - 0x30) : 0
                milliseconds = milliseconds * 10 + digit
            }
            index += 1 + digits.count
        }
        guard let offset = StatedTime.offsetSeconds(bytes[index...]) else { return nil }
        self.rawValue = (Int64(date.rawValue) * 86_400 + time - offset) * 1_000 + milliseconds
        guard (1900...2999).contains(CalendarDate(rawValue: Int32(clamping: utcDay)).year) else { return nil }
    }

    /// Days since 1970-01-01 in UTC.
    private var utcDay: Int64 { rawValue / 86_400_000 - (rawValue % 86_400_000 < 0 ? 1 : 0) }

    /// The same moment in RFC 3339, UTC, to the millisecond.
    package var rfc3339: String {
        let remainder = rawValue % 86_400_000
        let rest = remainder < 0 ? remainder + 86_400_000 : remainder
        func padded(_ number: Int64, _ width: Int) -> String {
            let digits = String(number)
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
        let (hour, minute, second) = (rest / 3_600_000, rest / 60_000 % 60, rest / 1_000 % 60)
        let date = CalendarDate(rawValue: Int32(clamping: utcDay)).iso8601
        return "\(date)T\(padded(hour, 2)):\(padded(minute, 2)):\(padded(second, 2)).\(padded(rest % 1_000, 3))Z"
    }

    private static func secondsOfDay(_ bytes: ArraySlice<UInt8>) -> Int64? {
        let start = bytes.startIndex
        guard bytes[start + 2] == UInt8(ascii: ":"), bytes[start + 5] == UInt8(ascii: ":"),
            let hour = Int32(digits: bytes[start..<start + 2]), hour < 24,
            let minute = Int32(digits: bytes[start + 3..<start + 5]), minute < 60,
            let second = Int32(digits: bytes[start + 6..<start + 8]), second < 61
        else { return nil }
        return Int64(hour) * 3_600 + Int64(minute) * 60 + Int64(min(second, 59))
    }

    private static func offsetSeconds(_ bytes: ArraySlice<UInt8>) -> Int64? {
        let text = Array(bytes)
        if text == [UInt8(ascii: "Z")] || text == [UInt8(ascii: "z")] { return 0 }
        guard text.count == 6, text[3] == UInt8(ascii: ":"), let hours = Int32(digits: text[1..<3]), hours < 24,
            let minutes = Int32(digits: text[4..<6]), minutes < 60
        else { return nil }
        let seconds = Int64(hours) * 3_600 + Int64(minutes) * 60
        switch text[0] {
        case UInt8(ascii: "+"): return seconds
        case UInt8(ascii: "-"): return -seconds
        default: return nil
        }
    }
}

extension Int32 {
    /// The number that a run of ASCII digits spells, or `nil`.
    fileprivate init?(digits: ArraySlice<UInt8>) {
        guard !digits.isEmpty, digits.allSatisfy(\.isASCIIDigit) else { return nil }
        self = digits.reduce(0) { $0 * 10 + Int32($1 - 0x30) }
    }
}

extension CalendarDate {
    /// The day in China, eight hours ahead of UTC all year.
    package static func inChina(milliseconds: Int64) -> CalendarDate {
        let (sum, overflow) = milliseconds.addingReportingOverflow(8 * 3_600_000)
        let shifted = overflow ? .max : sum
        return CalendarDate(rawValue: Int32(clamping: shifted / 86_400_000 - (shifted % 86_400_000 < 0 ? 1 : 0)))
    }

    /// When the day begins in China, milliseconds since 1970.
    package var startInChina: Int64 { Int64(rawValue) * 86_400_000 - 8 * 3_600_000 }
}
