/// An amount of money in fen (1/100 yuan), never a floating-point number.
///
/// Outside the system money is a decimal string in yuan with exactly two places; inside it is this integer.
/// Every sum is checked: an overflow is an error of the caller's data, not a trap.
package struct Money: RawRepresentable, Hashable, Comparable, Sendable {
    /// The amount in fen.
    package let rawValue: Int64

    package init(rawValue: Int64) { self.rawValue = rawValue }

    package static let zero = Money(rawValue: 0)

    /// The largest amount one field may state: ten billion yuan (10^12 fen), far above any contract and far
    /// enough below 2^63 that nine million of them can be added.
    package static let maximum = Money(rawValue: 1_000_000_000_000)

    package static func < (left: Money, right: Money) -> Bool { left.rawValue < right.rawValue }

    /// Reads yuan with exactly two decimals, such as `52443.40`. No sign, no grouping, no spaces.
    ///
    /// - Returns: `nil` when the text has another form or exceeds ``maximum``.
    package init?(yuan text: String) {
        let bytes = Array(text.utf8)
        guard (4...16).contains(bytes.count), bytes[bytes.count - 3] == UInt8(ascii: ".") else { return nil }
        var fen: Int64 = 0
        for (index, byte) in bytes.enumerated() where index != bytes.count - 3 {
            guard byte.isASCIIDigit else { return nil }
            fen = fen * 10 + Int64(byte - UInt8(ascii: "0"))
        }
        guard fen <= Money.maximum.rawValue else { return nil }
        self.rawValue = fen
    }

    /// Yuan with two decimals, `-` first when negative.
    package var yuan: String {
        let magnitude = rawValue.magnitude
        let fraction = magnitude % 100
        return "\(rawValue < 0 ? "-" : "")\(magnitude / 100).\(fraction < 10 ? "0" : "")\(fraction)"
    }

    /// The sum, or `nil` on overflow.
    package func adding(_ other: Money) -> Money? {
        let (sum, overflow) = rawValue.addingReportingOverflow(other.rawValue)
        return overflow ? nil : Money(rawValue: sum)
    }

    /// `self * numerator / denominator`, rounded towards zero, through a 128-bit product.
    ///
    /// - Precondition: `denominator` is positive and the quotient fits 64 bits, as for any share of an amount.
    package func scaled(by numerator: Int64, over denominator: Int64) -> Money {
        precondition(denominator > 0, "a share needs a positive denominator, got \(denominator)")
        let product = rawValue.multipliedFullWidth(by: numerator)
        return Money(rawValue: denominator.dividingFullWidth(product).quotient)
    }
}

extension [Money] {
    /// The sum of all, or `nil` on overflow.
    package var total: Money? {
        var sum = Money.zero
        for amount in self {
            guard let next = sum.adding(amount) else { return nil }
            sum = next
        }
        return sum
    }

    /// Splits `amount` in proportion to these amounts; the parts add up to `amount` exactly.
    ///
    /// Each part is rounded down; the fen left over go to the first parts, one each, so the result depends on
    /// order alone. An empty or all-zero list gets zeros.
    package func apportioning(_ amount: Money) -> [Money] {
        guard let whole = total, whole > .zero else { return map { _ in .zero } }
        var parts = map { amount.scaled(by: $0.rawValue, over: whole.rawValue).rawValue }
        var left = amount.rawValue - parts.reduce(0, +)
        for index in parts.indices where left > 0 {
            parts[index] += 1
            left -= 1
        }
        return parts.map(Money.init(rawValue:))
    }
}
