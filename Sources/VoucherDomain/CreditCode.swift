/// A unified social credit code of China (GB 32100-2015): 18 characters, both check digits verified.
///
/// Department, type, 6-digit region, 9-character organisation code (GB 11714), check. The region is that of
/// the authority at coding time and is never compared with today's city codes.
package struct CreditCode: RawRepresentable, Hashable, Comparable, Sendable {
    /// The canonical 18 characters, upper case.
    package let rawValue: String

    /// Accepts the canonical form only; see ``parse(_:)`` for what people type.
    package init?(rawValue: String) {
        guard case .valid(let code) = CreditCode.verify(Array(rawValue.utf8)) else { return nil }
        self.rawValue = code
    }

    package static func < (left: CreditCode, right: CreditCode) -> Bool {
        left.rawValue.utf8.lexicographicallyPrecedes(right.rawValue.utf8)
    }

    /// Why a text is no credit code.
    package enum Fault: String, Error, Hashable, Sendable {
        case length = "a credit code has 18 characters"
        case alphabet = "a credit code has the characters 0-9 and A-Z without I, O, S, V, Z"
        case type = "the first two characters are no registration department and type"
        case region = "characters 3 to 8 are the region and must be digits"
        case innerCheck = "the organisation code's check character (position 17) does not fit"
        case outerCheck = "the check character (position 18) does not fit"
    }

    /// A code and, when what was typed differed from it, the repair that was made.
    package struct Parsed: Hashable, Sendable {
        package let code: CreditCode
        /// Whether look-alike letters were replaced (O→0, I→1, Z→2, S→5) or width, case and spaces folded.
        package let isRepaired: Bool
    }

    /// Reads what a person typed: folds width, case, spaces and hyphens; then, **only if both checks hold
    /// afterwards**, replaces look-alike letters.
    package static func parse(_ text: String) -> Result<Parsed, Fault> {
        let folded = Normaliser.code(text)
        let bytes = Array(folded.utf8)
        switch verify(bytes) {
        case .valid(let code):
            return .success(Parsed(code: CreditCode(verified: code), isRepaired: !code.utf8.elementsEqual(text.utf8)))
        case .invalid(let fault):
            let lookAlikes = bytes.map(replacingLookAlike)
            guard lookAlikes != bytes, case .valid(let code) = verify(lookAlikes) else { return .failure(fault) }
            return .success(Parsed(code: CreditCode(verified: code), isRepaired: true))
        }
    }

    private init(verified: String) { self.rawValue = verified }

    private enum Verdict { case valid(String), invalid(Fault) }

    /// Values 0–30 of the outer alphabet by byte; 255 marks a character outside it.
    private static let outerValues: [UInt8] = {
        var values = [UInt8](repeating: 255, count: 256)
        for (value, byte) in "0123456789ABCDEFGHJKLMNPQRTUWXY".utf8.enumerated() { values[Int(byte)] = UInt8(value) }
        return values
    }()

    /// 3^(i−1) mod 31 for positions 1–17.
    private static let outerWeights: [Int] = [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28]
    /// GB 11714 weights for positions 9–16.
    private static let innerWeights: [Int] = [3, 7, 9, 10, 5, 8, 4, 2]
    private static let outerAlphabet = Array("0123456789ABCDEFGHJKLMNPQRTUWXY".utf8)

    private static func verify(_ bytes: [UInt8]) -> Verdict {
        guard String(decoding: bytes, as: UTF8.self).unicodeScalars.count == 18 else { return .invalid(.length) }
        guard bytes.count == 18, bytes.allSatisfy({ outerValues[Int($0)] != 255 }) else { return .invalid(.alphabet) }
        guard isKnownType(bytes[0], bytes[1]) else { return .invalid(.type) }
        guard bytes[2..<8].allSatisfy(\.isASCIIDigit) else { return .invalid(.region) }
        guard bytes[16] == innerCheck(bytes[8..<16]) else { return .invalid(.innerCheck) }
        let sum = zip(bytes, outerWeights).reduce(0) { $0 + Int(outerValues[Int($1.0)]) * $1.1 }
        guard bytes[17] == outerAlphabet[(31 - sum % 31) % 31] else { return .invalid(.outerCheck) }
        return .valid(String(decoding: bytes, as: UTF8.self))
    }

    /// Department 1–9, A–H, J–N or Y; type 1–5 or 9 (GB 32100-2015, table 1).
    private static func isKnownType(_ department: UInt8, _ type: UInt8) -> Bool {
        let departments = "123456789ABCDEFGHJKLMNY".utf8
        return departments.contains(department) && "123459".utf8.contains(type)
    }

    /// `11 − Σ mod 11` over 36-letter values; 10 is written `X`, 11 is written `0`.
    private static func innerCheck(_ organisation: ArraySlice<UInt8>) -> UInt8 {
        let sum = zip(organisation, innerWeights).reduce(0) { sum, pair in
            sum + (pair.0.isASCIIDigit ? Int(pair.0) - 0x30 : Int(pair.0) - 0x41 + 10) * pair.1
        }
        switch 11 - sum % 11 {
        case 10: return UInt8(ascii: "X")
        case 11: return UInt8(ascii: "0")
        case let value: return UInt8(0x30 + value)
        }
    }

    private static func replacingLookAlike(_ byte: UInt8) -> UInt8 {
        switch byte {
        case UInt8(ascii: "O"): UInt8(ascii: "0")
        case UInt8(ascii: "I"): UInt8(ascii: "1")
        case UInt8(ascii: "Z"): UInt8(ascii: "2")
        case UInt8(ascii: "S"): UInt8(ascii: "5")
        default: byte
        }
    }
}
