package import Replication

/// One seed split into independent streams, one a subsystem: what one of them draws never moves another.
package struct RandomStreams: Sendable {
    package let seed: UInt64

    package init(seed: UInt64) { self.seed = seed }

    /// The stream of that name: the same name and seed give the same stream on every platform.
    package func stream(_ name: String) -> SeededGenerator {
        // FNV-1a over the name; one step of the generator then parts neighbouring seeds.
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        var first = SeededGenerator(seed: seed ^ hash)
        return SeededGenerator(seed: first.next())
    }
}

extension SeededGenerator {
    /// A number of the range.
    mutating func number<Number: FixedWidthInteger>(in range: ClosedRange<Number>) -> Number {
        Number.random(in: range, using: &self)
    }

    /// One of the elements.
    ///
    /// - Precondition: There is one.
    mutating func pick<Element>(_ elements: [Element]) -> Element { elements[number(in: 0...(elements.count - 1))] }

    /// True with that probability, from 0 to 1.
    mutating func chance(_ probability: Double) -> Bool { Double.random(in: 0..<1, using: &self) < probability }

    /// That many random bytes.
    mutating func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8.random(in: 0...255, using: &self) } }
}
