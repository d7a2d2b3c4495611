import Terminal
import Testing

@Suite("Tables in a terminal")
struct TextTableTests {
    private func table() -> TextTable {
        var table = TextTable(["claim", "yuan", "enterprise"], rightAligned: [1])
        table.add(["110000/110000-C0000004", "1234567.00", "银达深智能科技有限公司"])
        return table
    }

    /// Chinese characters take two columns.
    private func width(_ line: Substring) -> Int {
        line.unicodeScalars.reduce(0) {
            $0 + ((0x2E80...0xFF60).contains($1.value) || (0x20000...0x3FFFD).contains($1.value) ? 2 : 1)
        }
    }

    @Test("no line is wider than the terminal, and no number is cut", arguments: [40, 50, 57, 58, 200])
    func fits(limit: Int) {
        let text = table().text(within: limit)
        #expect(text.split(separator: "\n").allSatisfy { width($0) <= limit }, "\(text)")
        #expect(text.contains("1234567.00"))
        #expect(text.contains("…") == (limit < 58), "\(text)")
    }

    @Test("what is not a terminal gets everything")
    func whole() { #expect(table().text(within: nil).contains("银达深智能科技有限公司")) }

    /// A list whose rows are known by the first column and the claims.
    private func list(_ claims: String) -> TextTable {
        var table = TextTable(
            columns: [
                .name("case"), .text("enterprise"), .words("claims", isKept: true), .number("yuan"), .whole("day"),
            ], leavesOut: true)
        table.add(["K7M2P-Q", "银达深智能科技𠮷有限公司", claims, "1234567.00", "2026-07-01"])
        return table
    }

    private static let limits: [(limit: Int, shown: [String], hidden: [String])] = [
        (90, ["银达深智能科技𠮷有限公司", "1234567.00", "2026-07-01"], []), (70, ["1234567.00", "2026-07-01"], []),
        (60, ["1234567.00"], ["day"]), (48, [], ["yuan", "day"]), (36, [], ["enterprise", "yuan", "day"]),
    ]

    @Test(
        "the last columns are left out first, what identifies a row stays whole, and the table says what is missing",
        arguments: limits)
    func leavesOut(limit: Int, shown: [String], hidden: [String]) {
        let claims = ["110000/110000-C0000004", "310000/310000-C0006556"]
        let text = list(claims.joined(separator: " ")).text(within: limit)
        #expect(text.split(separator: "\n").allSatisfy { width($0) <= limit }, "\(text)")
        for name in ["K7M2P-Q"] + claims + shown { #expect(text.contains(name), "\(text)") }
        let note = hidden.isEmpty ? nil : "not shown: \(hidden.joined(separator: ", ")) (--wide shows all)"
        let told = text.replacing("\n", with: " ")
        #expect(told.contains("not shown") == (note != nil), "\(text)")
        if let note { #expect(told.contains(note), "\(text)") }
    }

    @Test("words that do not fit go on in lines below, each row beside its own")
    func furtherLines() {
        #expect(
            list("110000/A-1 310000/B-7 440300/C-9").text(within: 45)
                == """
                case     enterprise    claims            yuan
                -------  ------------  ----------  ----------
                K7M2P-Q  银达深智能…   110000/A-1  1234567.00
                                       310000/B-7
                                       440300/C-9
                not shown: day (--wide shows all)
                """)
    }

    @Test("what would move the cursor becomes a space")
    func controls() {
        var table = TextTable(["actor"])
        table.add(["a\u{1B}[2Jb\nc\u{9B}d"])
        #expect(table.text(within: nil).hasSuffix("\na [2Jb c d"))
    }
}
