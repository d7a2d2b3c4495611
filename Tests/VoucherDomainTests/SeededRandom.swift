/// SplitMix64: the same numbers for the same seed on every platform, so a failing property replays exactly.
struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { self.state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// A number of the range.
    mutating func number<T: FixedWidthInteger>(in range: ClosedRange<T>) -> T { T.random(in: range, using: &self) }

    /// One of the characters, `count` times over.
    mutating func text(of alphabet: String, count: Int) -> String {
        let characters = Array(alphabet)
        return String((0..<count).map { _ in characters[number(in: 0...(characters.count - 1))] })
    }
}
