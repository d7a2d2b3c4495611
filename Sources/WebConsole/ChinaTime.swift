package import VoucherDomain

/// Times and money as people in China read them (UTC+8).
package enum ChinaTime {
    /// Such as `2026-06-12 08:50:26`.
    ///
    /// - Parameter milliseconds: Since 1970.
    package static func text(_ milliseconds: Int64) -> String {
        let day = CalendarDate.inChina(milliseconds: milliseconds)
        let second = (milliseconds - day.startInChina) / 1_000
        return day.iso8601 + " "
            + [second / 3_600, second / 60 % 60, second % 60].map { ($0 < 10 ? "0" : "") + "\($0)" }
            .joined(separator: ":")
    }
}

extension Int {
    /// With a comma between thousands.
    package var grouped: String {
        var digits = String(magnitude)
        var groups: [String] = []
        while digits.count > 3 {
            groups.insert(String(digits.suffix(3)), at: 0)
            digits.removeLast(3)
        }
        return (self < 0 ? "-" : "") + ([digits] + groups).joined(separator: ",")
    }
}

extension Money {
    /// Yuan with a comma between thousands.
    package var grouped: String { Int(rawValue / 100).grouped + yuan.suffix(3) }
}
