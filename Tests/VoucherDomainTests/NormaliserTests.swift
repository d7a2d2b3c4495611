import Replication
import TestSupport
import Testing

@testable import VoucherDomain

@Suite("Normaliser")
struct NormaliserTests {
    @Test(
        "compatibility forms are folded to ASCII upper case, other characters are kept",
        arguments: [
            ("", ""),
            ("abcXYZ019", "ABCXYZ019"),
            ("ａｂｃＸＹＺ０１９", "ABCXYZ019"),
            ("（２０２６）", "(2026)"),
            ("①②⑳", "1220"),
            ("№", "NO"),
            ("Ⅻ ⅻ", "XII XII"),
            ("𝟗𝓐𝔷", "9AZ"),
            ("x²", "X2"),
            ("\u{212A}", "K"),
            ("㎏", "KG"),
            ("a\u{3000}b", "A B"),
            ("算力券 第1号", "算力券 第1号"),
            ("é ß ñ", "é ß ñ"),
            ("🧾", "🧾"),
            ("a\u{0}b", "A\u{0}B"),
        ])
    func folded(text: String, expected: String) {
        #expect(Array(Normaliser.folded(text).unicodeScalars) == Array(expected.unicodeScalars))
    }

    @Test(
        "a code has no white space and no hyphens of any kind",
        arguments: [
            ("ab-12 34", "AB1234"), ("ａ－１", "A1"), ("a\u{AD}b\u{2010}c\u{2013}d\u{2014}e\u{2212}f", "ABCDEF"),
            ("\u{FEFF}b0\u{200B}0\t1\r\n", "B001"), ("—", ""), ("a_b/c", "A_B/C"), ("\u{2060}\u{00A0}x", "X"),
        ])
    func code(text: String, expected: String) {
        #expect(Normaliser.code(text) == expected)
    }

    @Test(
        "white space is cut from both ends only",
        arguments: [
            ("  a b  ", "a b"), ("\u{3000}公司\u{3000}", "公司"), ("\t\r\n", ""), ("", ""), ("\u{FEFF}x", "x"),
            ("x\u{200B}", "x"), ("a", "a"), ("- a -", "- a -"),
        ])
    func trimmed(text: String, expected: String) {
        #expect(Normaliser.trimmed(text) == expected)
    }

    @Test("every entry of the table folds to upper-case ASCII and folds to itself again")
    func everyEntry() {
        let wrong = Self.entries.filter { entry in
            let folded = Normaliser.folded(String(entry.scalar))
            return folded != entry.ascii.uppercased() || Normaliser.folded(folded) != folded
        }

        #expect(wrong.map(\.scalar) == [])
    }

    @Test("folding and coding twice is the same as once", arguments: 0..<50)
    func idempotent(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var scalars = String.UnicodeScalarView()
        for _ in 0..<40 {
            let entry = Self.entries[random.number(in: 0...(Self.entries.count - 1))].scalar
            let any = Unicode.Scalar(random.number(in: UInt32(0)...0xFFFF)) ?? "算"
            scalars.append(random.number(in: 0...1) == 0 ? entry : any)
        }
        let text = String(scalars)

        #expect(Normaliser.folded(Normaliser.folded(text)).utf8.elementsEqual(Normaliser.folded(text).utf8))
        #expect(Normaliser.code(Normaliser.code(text)).utf8.elementsEqual(Normaliser.code(text).utf8))
        #expect(Normaliser.trimmed(Normaliser.trimmed(text)).utf8.elementsEqual(Normaliser.trimmed(text).utf8))
    }

    @Test("the table's runs are in order, apart from each other and printable")
    func runs() {
        let runs = CompatibilityTable.runs
        let overlapping = zip(runs, runs.dropFirst()).filter { $0.0.last >= $0.1.first }
        let unprintable = runs.filter { $0.ascii < 0x20 || UInt32($0.ascii) + ($0.last - $0.first) > 0x7E }

        #expect(overlapping.isEmpty)
        #expect(unprintable.isEmpty)
        #expect(Set(Self.entries.map(\.scalar)).count == Self.entries.count)
    }

    @Test("version 1 of the table never changes")
    func fingerprint() {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325  // FNV-1a
        for entry in Self.entries.sorted(by: { $0.scalar < $1.scalar }) {
            for byte in "\(entry.scalar.value)=\(entry.ascii);".utf8 {
                hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3
            }
        }

        #expect(Normaliser.version == 1)
        #expect(Self.entries.count == 1_403)
        #expect(hash == 0x60F2_7057_3773_F5EA)
    }

    /// Every code point of the table with the text it stands for.
    private static let entries: [(scalar: Unicode.Scalar, ascii: String)] = {
        var entries: [(scalar: Unicode.Scalar, ascii: String)] = []
        for run in CompatibilityTable.runs {
            for value in run.first...run.last {
                guard let scalar = Unicode.Scalar(value) else { continue }
                entries.append((scalar, String(Unicode.Scalar(run.ascii + UInt8(value - run.first)))))
            }
        }
        for sequence in CompatibilityTable.sequences {
            guard let scalar = Unicode.Scalar(sequence.scalar) else { continue }
            entries.append((scalar, sequence.ascii.description))
        }
        return entries
    }()
}
