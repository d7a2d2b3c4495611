/// Short ids that two officers can read to each other on the telephone.
package enum SpokenID {
    /// Thirty symbols without look-alikes (no 0 O 1 I L U).
    private static let alphabet = Array("23456789ABCDEFGHJKMNPQRSTVWXYZ".utf8)

    /// The id of the case opened at a position: its digits in base 30, at least five, and a check symbol that
    /// changes with nearly every wrong symbol or swap of neighbours. Written `K7M2P-Q`.
    package static func make(position: Int64) -> String {
        precondition(position > 0, "positions start at 1, got \(position)")
        var digits: [Int] = []
        var rest = position
        while rest > 0 || digits.count < 5 {
            digits.insert(Int(rest % 30), at: 0)
            rest /= 30
        }
        let symbols = digits.map { alphabet[$0] }
        return String(decoding: symbols + [UInt8(ascii: "-"), alphabet[check(digits)]], as: UTF8.self)
    }

    /// Σ weight·digit mod 31 by position from the right, weights 2, 3, 4 …; 30 is folded onto 0.
    private static func check(_ digits: [Int]) -> Int {
        let sum = digits.reversed().enumerated().reduce(0) { $0 + ($1.offset + 2) * $1.element }
        return sum % 31 % 30
    }
}
