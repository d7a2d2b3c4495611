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
        line.unicodeScalars.reduce(0) { $0 + ((0x2E80...0xFF60).contains($1.value) ? 2 : 1) }
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
}
