import Terminal
import Testing

/// A terminal of eighty columns.
enum NarrowTerminal {
    static let longName = "新疆维吾尔自治区伊犁哈萨克自治州算力基础设施股份有限公司"

    /// Every line of a table fits, and it has the texts that identify its rows.
    static func expect(_ table: TextTable, has names: [String], sourceLocation: SourceLocation = #_sourceLocation) {
        let text = table.text(within: 80)
        for line in text.split(separator: "\n") {
            #expect(width(line) <= 80, "\(text)", sourceLocation: sourceLocation)
        }
        for name in names { #expect(text.contains(name), "\(text)", sourceLocation: sourceLocation) }
    }

    /// Chinese characters take two columns.
    private static func width(_ line: Substring) -> Int {
        line.unicodeScalars.reduce(0) { $0 + ((0x2E80...0xFF60).contains($1.value) ? 2 : 1) }
    }
}
