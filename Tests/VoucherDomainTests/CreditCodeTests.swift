import Replication
import TestSupport
import Testing

@testable import VoucherDomain

@Suite("Credit code")
struct CreditCodeTests {
    @Test("a code whose two check digits hold is read as it stands", arguments: SampleCodes.valid)
    func validCode(text: String) throws {
        let code = try #require(CreditCode(rawValue: text))

        #expect(CreditCode.parse(text) == .success(.init(code: code, isRepaired: false)))
        #expect(code.rawValue == text)
    }

    @Test(
        "a refused code is refused for the first thing that does not hold",
        arguments: [
            ("91110000600037341N", CreditCode.Fault.outerCheck),
            ("362322198709086409", .type),
            ("111111111111111111", .innerCheck),
            ("12345", .length),
            ("", .length),
            ("91110000600037341L1", .length),
            ("9111000060003734L", .length),
            ("91110000600037341V", .alphabet),
            ("9111000060003734?L", .alphabet),
            ("9111000060003734号L", .alphabet),
            ("01110000600037341L", .type),
            ("96110000600037341L", .type),
            ("911100A0600037341L", .region),
            ("91110000600037342L", .innerCheck),
            ("9111000060003734XL", .innerCheck),
        ])
    func refusedCode(text: String, fault: CreditCode.Fault) {
        #expect(CreditCode.parse(text) == .failure(fault))
        #expect(CreditCode(rawValue: text) == nil)
    }

    @Test(
        "what was typed with another width, case, spacing or look-alike letters is repaired, and said to be",
        arguments: [
            "９１１１００００６０００３７３４１ｌ", "9111OOOO6OOO37341L", "91110000600037341l", " 91110000600037341L",
            "9111 0000 6000 3734 1L", "91110000-60003734-1L", "9III0000600037341L", "911100006000 3734IL",
            "９１１１ＯＯＯＯ６ＯＯＯ３７３４Ｉｌ", "\u{FEFF}91110000600037341L", "91110000\u{2013}60003734\u{2212}1L",
        ])
    func repairedCode(typed: String) throws {
        let code = try #require(CreditCode(rawValue: "91110000600037341L"))

        #expect(CreditCode.parse(typed) == .success(.init(code: code, isRepaired: true)))
        #expect(CreditCode(rawValue: typed) == nil)
    }

    @Test("a character that merely looks equal to a letter of the code counts as a repair")
    func canonicallyEquivalentCharacter() throws {
        let code = try #require(CreditCode(rawValue: "91120000KK781825XD"))

        let parsed = CreditCode.parse("91120000\u{212A}K781825XD")  // KELVIN SIGN

        #expect(parsed == .success(.init(code: code, isRepaired: true)))
    }

    @Test(
        "look-alike letters are not replaced when a check would still fail",
        arguments: ["9111OOOO6OOO37341N", "9111OOOO6OOO3734IX", "9111SOOO6OOO37341L"])
    func unrepairableLookAlikes(typed: String) {
        #expect(CreditCode.parse(typed) == .failure(.alphabet))
    }

    @Test("every error in a single character is caught", arguments: SampleCodes.all(seed: 1))
    func singleCharacterErrors(text: String) {
        let letters = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ".utf8)
        var accepted: [String] = []
        for position in 0..<18 {
            var bytes = Array(text.utf8)
            for letter in letters where letter != Array(text.utf8)[position] {
                bytes[position] = letter
                let wrong = String(decoding: bytes, as: UTF8.self)
                if CreditCode(rawValue: wrong) != nil { accepted.append(wrong) }
                if case .success(let parsed) = CreditCode.parse(wrong), parsed.code.rawValue != text {
                    accepted.append(wrong)
                }
            }
        }

        #expect(accepted == [])
    }

    @Test("every swap of neighbours that differ is caught", arguments: SampleCodes.all(seed: 2))
    func adjacentSwaps(text: String) {
        var accepted: [String] = []
        for position in 0..<17 {
            var bytes = Array(text.utf8)
            bytes.swapAt(position, position + 1)
            let swapped = String(decoding: bytes, as: UTF8.self)
            if swapped != text, case .success = CreditCode.parse(swapped) { accepted.append(swapped) }
        }

        #expect(accepted == [])
    }

    @Test("both checks together let about one random code in a thousand through")
    func randomCodes() {
        var random = SeededGenerator(seed: 3)
        let passed = (0..<20_000).filter { _ in
            CreditCode(rawValue: "91110000" + random.text(of: SampleCodes.alphabet, count: 10)) != nil
        }

        #expect((5...45).contains(passed.count))
    }

    @Test("codes are ordered by their bytes")
    func order() throws {
        let codes = try SampleCodes.valid.map { try #require(CreditCode(rawValue: $0)) }

        #expect(codes.sorted().map(\.rawValue) == SampleCodes.valid.sorted())
    }
}

/// Codes of the rule book and codes made here, with check digits computed from the standard's formula.
enum SampleCodes {
    static let alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"

    static let valid = [
        "91110000600037341L", "9144030071526726XG", "91620100719023721L", "121200004013590816",
        "911522010783762860", "91340600MA2PBP2120", "92340604MA2PENA300", "91620105L015101280",
        "9115220107837941X1", "91340600MA2PBM9HXD", "N2330100MF1234567X",
    ]

    /// The codes of the rule book and twenty made ones.
    static func all(seed: UInt64) -> [String] {
        var random = SeededGenerator(seed: seed)
        return valid + (0..<20).map { _ in made(with: &random) }
    }

    static func made(with random: inout SeededGenerator) -> String {
        let head = "91" + random.text(of: "0123456789", count: 6)
        let organisation = random.text(of: alphabet, count: 8)
        let first17 = head + organisation + String(innerCheck(organisation))
        return first17 + String(outerCheck(first17))
    }

    private static func innerCheck(_ organisation: String) -> Character {
        let values = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")
        let sum = zip(organisation, [3, 7, 9, 10, 5, 8, 4, 2]).reduce(0) { sum, pair in
            sum + (values.firstIndex(of: pair.0) ?? 0) * pair.1
        }
        return Array("0X987654321")[sum % 11]
    }

    private static func outerCheck(_ first17: String) -> Character {
        let values = Array(alphabet)
        var (sum, weight) = (0, 1)
        for character in first17 {
            sum += (values.firstIndex(of: character) ?? 0) * weight
            weight = weight * 3 % 31
        }
        return values[(31 - sum % 31) % 31]
    }
}
