import Replication

// What the labelled sets draw. Written out rather than taken from the library, so that one seed gives the same bytes
// under every version of it.
extension SeededGenerator {
    /// A number from 0 up to, not including, `bound`.
    ///
    /// - Precondition: `bound` is above zero.
    mutating func below(_ bound: Int) -> Int { Int(next().multipliedFullWidth(by: UInt64(bound)).high) }

    /// A number of the range.
    mutating func within(_ range: ClosedRange<Int>) -> Int {
        range.lowerBound + below(range.upperBound - range.lowerBound + 1)
    }

    /// One of the elements, of which there is at least one.
    mutating func choose<Element>(_ elements: [Element]) -> Element { elements[below(elements.count)] }

    /// True once in `times`.
    mutating func chance(oneIn times: Int) -> Bool { below(times) == 0 }

    /// An index, as often as its weight says.
    ///
    /// - Returns: `nil` when no weight is above zero.
    mutating func index(weights: [Int]) -> Int? {
        let whole = weights.reduce(0, +)
        guard whole > 0 else { return nil }
        var drawn = below(whole)
        for (index, weight) in weights.enumerated() {
            drawn -= weight
            if drawn < 0 { return index }
        }
        return nil
    }

    /// 32 bytes in hexadecimal.
    mutating func digest() -> String {
        (0..<4).map { _ in
            let text = String(next(), radix: 16)
            return String(repeating: "0", count: 16 - text.utf8.count) + text
        }.joined()
    }
}
