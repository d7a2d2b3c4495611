extension UInt8 {
    /// Whether the byte is `0`–`9`.
    package var isASCIIDigit: Bool { self >= 0x30 && self <= 0x39 }

    /// Whether the byte is `A`–`Z`.
    package var isASCIIUppercase: Bool { self >= 0x41 && self <= 0x5A }

    /// The value of a hexadecimal digit of either case, or `nil`.
    package var hexadecimalValue: UInt8? {
        switch self {
        case 0x30...0x39: self - 0x30
        case 0x41...0x46: self - 0x41 + 10
        case 0x61...0x66: self - 0x61 + 10
        default: nil
        }
    }
}

extension StringProtocol {
    /// Whether the text is non-empty and all `0`–`9`.
    package var isASCIIDigits: Bool { !isEmpty && utf8.allSatisfy(\.isASCIIDigit) }
}

extension Sequence<UInt8> {
    /// The bytes in lower-case hexadecimal.
    package var hexadecimal: String {
        func digit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 + value : 0x61 - 10 + value }
        var text: [UInt8] = []
        text.reserveCapacity(2 * underestimatedCount)
        for byte in self {
            text.append(digit(byte >> 4))
            text.append(digit(byte & 15))
        }
        return String(decoding: text, as: UTF8.self)
    }
}

extension [UInt8] {
    /// The bytes that a hexadecimal text of either case names, or `nil` when it is not one.
    package init?(hexadecimal text: String) {
        let digits = Array(text.utf8)
        guard digits.count.isMultiple(of: 2) else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(digits.count / 2)
        for index in stride(from: 0, to: digits.count, by: 2) {
            guard let high = digits[index].hexadecimalValue, let low = digits[index + 1].hexadecimalValue else {
                return nil
            }
            bytes.append(high << 4 | low)
        }
        self = bytes
    }
}
