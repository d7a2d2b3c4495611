package import Replication

// What tests draw from a seeded generator; the same seed draws the same on every platform, so a failure replays.
extension SeededGenerator {
    /// A number of the range.
    package mutating func number<T: FixedWidthInteger>(in range: ClosedRange<T>) -> T {
        T.random(in: range, using: &self)
    }

    /// A number from 0 up to, not including, `bound`.
    package mutating func number(below bound: Int) -> Int { number(in: 0...(bound - 1)) }

    package mutating func pick<Element>(_ elements: [Element]) -> Element { elements[number(below: elements.count)] }

    /// True once in `times`.
    package mutating func once(in times: Int) -> Bool { number(below: times) == 0 }

    /// One of the characters, `count` times over.
    package mutating func text(of alphabet: String, count: Int) -> String {
        let characters = Array(alphabet)
        return String((0..<count).map { _ in pick(characters) })
    }
}
