import Replication
import TestSupport
import Testing

@testable import VoucherDomain

@Suite("Contract number")
struct ContractNumberTests {
    @Test(
        "spellings of one number are compared in one form",
        arguments: [
            ("CN2026000037", "CN2026000037"),
            ("cn2026000037", "CN2026000037"),
            ("SL-2026-00014", "SL202600014"),
            ("GPU/2026/04702", "GPU202604702"),
            ("〔2026〕算字第5272号", "2026算字5272"),
            ("（2026）算字第５２７２号", "2026算字5272"),
            ("[2026]算字 第5272号", "2026算字5272"),
            ("【2026】算字第 5272 号", "2026算字5272"),
            ("ＣＮ２０２６－００１", "CN2026001"),
            ("a–b—c_d/e f.g(h)i[j]k#l", "ABCDEFGHIJKL"),
            ("№ 17", "NO17"),
            ("007", "007"),
            ("\u{FEFF}HT\u{00AD}2026\u{00A0}1\u{3000}", "HT20261"),
        ])
    func normalised(typed: String, expected: String) throws {
        let number = try #require(ContractNumber(typed))

        #expect(number.rawValue == expected)
        #expect(ContractNumber(rawValue: expected) == number)
    }

    @Test(
        "a text of which nothing would be left is no number",
        arguments: ["", " ", "-", "第号", "（）〔〕[]#", "\u{3000}", "—— / ..", "第  号", "_"])
    func nothingLeft(text: String) {
        #expect(ContractNumber(text) == nil)
    }

    @Test("at most 64 characters may be left, counted after normalising")
    func length() {
        let longest = String(repeating: "A", count: 64)

        #expect(ContractNumber(longest)?.rawValue == longest)
        #expect(ContractNumber(longest.map { "\($0)-" }.joined())?.rawValue == longest)
        #expect(ContractNumber(longest + "B") == nil)
        #expect(ContractNumber(String(repeating: "㏂", count: 64)) == nil)
    }

    @Test(
        "only the canonical form is accepted as a raw value",
        arguments: ["cn1", "CN-1", "第1号", "ＣＮ1", "CN 1", "", String(repeating: "A", count: 65)])
    func rawValue(text: String) {
        #expect(ContractNumber(rawValue: text) == nil)
    }

    @Test(
        "leading zeros are kept, and the number without them is known beside it",
        arguments: [
            ("007", "7"), ("0A0", "A0"), ("000-120", "120"), ("0", nil), ("000", "0"), ("7", nil), ("700", nil),
            ("A007", nil),
        ])
    func leadingZeros(typed: String, stripped: String?) throws {
        let number = try #require(ContractNumber(typed))

        #expect(number.withoutLeadingZeros == stripped)
    }

    @Test("numbers that differ in a letter, a digit or a leading zero stay different")
    func differences() {
        let texts = ["CN2026001", "CN2026002", "CM2026001", "CN202601", "0CN2026001", "2026算字1", "2026数字1"]

        #expect(Set(texts.compactMap(ContractNumber.init(_:))).count == texts.count)
    }

    @Test("separators put anywhere never change the number", arguments: 0..<50)
    func separatorsAnywhere(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let plain = random.text(of: "0123456789ABCXYZ算字", count: random.number(in: 1...64))
        var typed = ""
        for character in plain {
            typed += random.text(of: "-–—_/ .()（）〔〕[]#第号", count: random.number(in: 0...2))
            typed.append(character)
        }

        #expect(ContractNumber(typed.lowercased()) == ContractNumber(plain))
        #expect(ContractNumber(typed)?.rawValue == plain)
    }
}
