/// A city by its six-digit GB/T 2260 code; `000000` is the national registry's own log.
package struct CityCode: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The code as a number, 0 to 999,999.
    package let rawValue: UInt32

    package init?(rawValue: UInt32) {
        guard rawValue <= 999_999 else { return nil }
        self.rawValue = rawValue
    }

    /// Reads exactly six digits.
    package init?(_ text: String) {
        guard text.utf8.count == 6, text.isASCIIDigits, let value = UInt32(text) else { return nil }
        self.rawValue = value
    }

    /// The log of the registry's operators.
    package static let registry = CityCode(unchecked: 0)

    private init(unchecked rawValue: UInt32) { self.rawValue = rawValue }

    package static func < (left: CityCode, right: CityCode) -> Bool { left.rawValue < right.rawValue }

    package var description: String {
        let digits = String(rawValue)
        return String(repeating: "0", count: 6 - digits.count) + digits
    }
}
