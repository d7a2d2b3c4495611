import Replication

/// Codes and numbers for labelled sets: valid, and never the same twice.
///
/// Each is made from a serial number, so nothing has to be remembered. Serials are scattered (multiplied in a ring), so
/// that neighbours look nothing like each other: rules on nearly equal numbers find only what a pattern put there.
struct Identifiers {
    private var random: SeededGenerator
    private var serial = 0
    private let codeOffset: UInt64
    private let invoiceOffset: UInt64

    init(seed: UInt64) {
        random = SeededGenerator(seed: seed)
        codeOffset = random.next() % Identifiers.codes
        invoiceOffset = random.next() % Identifiers.invoices
    }

    /// The next serial number, from 1.
    mutating func next() -> Int {
        serial += 1
        return serial
    }

    /// Decimal digits with zeros in front.
    static func padded(_ number: Int, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }

    /// `serial * factor + offset` in the ring of that many; different for different serials where the factor and the
    /// ring have no divisor in common.
    private static func scattered(_ serial: Int, _ factor: UInt64, _ offset: UInt64, over ring: UInt64) -> Int {
        let product = ring.dividingFullWidth(UInt64(serial).multipliedFullWidth(by: factor)).remainder
        return Int((product + offset) % ring)
    }

    // MARK: Unified social credit codes

    /// Two of 31 characters and six digits.
    private static let codes: UInt64 = 31 * 31 * 1_000_000
    private static let outerAlphabet = Array("0123456789ABCDEFGHJKLMNPQRTUWXY".utf8)

    /// A code of GB 32100 with both check characters.
    ///
    /// - Parameter region: Six digits.
    mutating func creditCode(region: String) -> String {
        // 3^18 has no divisor in common with the ring.
        let body = Identifiers.scattered(next(), 387_420_489, codeOffset, over: Identifiers.codes)
        var bytes = Array("91\(region)".utf8)
        bytes.append(Identifiers.outerAlphabet[body / 31_000_000])
        bytes.append(Identifiers.outerAlphabet[body / 1_000_000 % 31])
        bytes += Array(Identifiers.padded(body % 1_000_000, 6).utf8)
        bytes.append(Identifiers.innerCheck(bytes[8...]))
        bytes.append(Identifiers.outerCheck(bytes))
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func innerCheck(_ organisation: ArraySlice<UInt8>) -> UInt8 {
        let sum = zip(organisation, [3, 7, 9, 10, 5, 8, 4, 2]).reduce(0) { sum, pair in
            sum + (pair.0 < 0x41 ? Int(pair.0) - 0x30 : Int(pair.0) - 0x41 + 10) * pair.1
        }
        switch 11 - sum % 11 {
        case 10: return UInt8(ascii: "X")
        case 11: return UInt8(ascii: "0")
        case let value: return UInt8(0x30 + value)
        }
    }

    private static func outerCheck(_ bytes: [UInt8]) -> UInt8 {
        var (sum, weight) = (0, 1)
        for byte in bytes {
            sum += (outerAlphabet.firstIndex(of: byte) ?? 0) * weight
            weight = weight * 3 % 31
        }
        return outerAlphabet[(31 - sum % 31) % 31]
    }

    // MARK: Invoices

    /// The serial part of a fully digital invoice has 15 digits.
    private static let invoices: UInt64 = 1_000_000_000_000_000
    private static let areas = "11 12 13 31 32 33 34 37 41 42 44 51 52 53 94".split(separator: " ").map(String.init)

    /// A fully digital number: two digits of the year, two of the area, the channel, the serial.
    mutating func invoice(year: Int) -> String {
        // No digit of the factor is 0 or 9, so that from one serial to the next every digit changes.
        let body = Identifiers.scattered(next(), 473_826_153_846_217, invoiceOffset, over: Identifiers.invoices)
        let area = random.choose(Identifiers.areas)
        return Identifiers.padded(year % 100, 2) + area + String(random.within(1...5)) + Identifiers.padded(body, 15)
    }

    /// The code of an older invoice: 12 digits, or 10 once in three.
    mutating func paperCode() -> String {
        let body = Identifiers.scattered(next(), 473_826_153_846_217, invoiceOffset, over: Identifiers.invoices)
        let digits = Identifiers.padded(body, 15)
        return random.chance(oneIn: 3) ? String(digits.suffix(10)) : "0" + String(digits.suffix(11))
    }

    /// An older invoice, `code:number`.
    mutating func paperInvoice() -> String {
        let number = Identifiers.padded(next() % 100_000_000, 8)
        return "\(paperCode()):\(number)"
    }

    // MARK: Contracts

    /// A contract number in one of four notations.
    mutating func contract(year: Int) -> String {
        let number = next()
        switch random.below(4) {
        case 0: return "CN\(year)\(Identifiers.padded(number, 6))"
        case 1: return "SL-\(year)-\(Identifiers.padded(number, 5))"
        case 2: return "〔\(year)〕算字第\(number)号"
        default: return "GPU/\(year)/\(Identifiers.padded(number, 5))"
        }
    }

    /// The same contract as another clerk writes it: other brackets, hyphens and letter case.
    static func respelled(_ contract: String) -> String {
        if contract.hasPrefix("CN") { return "cn-\(contract.dropFirst(2))" }
        if contract.hasPrefix("SL-") { return "SL " + contract.dropFirst(3).filter { $0 != "-" } }
        return String(
            contract.map { character in
                switch character {
                case "〔": "("
                case "〕": ")"
                case "/": "－"
                default: character
                }
            })
    }

    /// A bank's receipt number.
    mutating func bankReceipt() -> String { "B" + Identifiers.padded(next(), 14) }
}
