/// A table of text columns, aligned by display width: Chinese characters take two cells.
///
/// In a terminal that is too narrow texts are cut or go on in further lines; where that is not enough, a list's columns are
/// left out from the last one on. What identifies a row is always there, whole.
package struct TextTable {
    /// A column, and what becomes of it where there is little room.
    package struct Column: Sendable {
        fileprivate enum Fit: Sendable {
            case whole
            /// Cut at its end, with an ellipsis, to no less than so many cells.
            case cut(least: Int)
            /// Goes on in further lines at its spaces. A word that is longer than so many cells may be cut to them.
            case words(least: Int)
        }

        fileprivate let title: String
        fileprivate let fit: Fit
        fileprivate var isRightAligned = false
        /// Whether it identifies the row, and so is never left out.
        fileprivate var isKept = false

        /// What identifies the row.
        package static func name(_ title: String) -> Column { Column(title: title, fit: .whole, isKept: true) }

        /// What says nothing when it is cut: a day, a state, a code.
        package static func whole(_ title: String) -> Column { Column(title: title, fit: .whole) }

        /// A number; never cut, as another one would be read.
        package static func number(_ title: String) -> Column {
            Column(title: title, fit: .whole, isRightAligned: true)
        }

        /// A text that may be cut.
        ///
        /// - Parameter least: The cells that are left of it at least.
        package static func text(_ title: String, least: Int = 12) -> Column {
            Column(title: title, fit: .cut(least: least))
        }

        /// Words, such as the names of claims.
        ///
        /// - Parameters:
        ///   - least: The cells that are left of each at least; without it none is cut.
        ///   - isKept: Whether they identify the row.
        package static func words(_ title: String, least: Int = .max, isKept: Bool = false) -> Column {
            Column(title: title, fit: .words(least: least), isKept: isKept)
        }
    }

    private let columns: [Column]
    private let leavesOut: Bool
    private var rows: [[String]] = []

    /// - Parameter leavesOut: Whether columns may be left out, which the table then says.
    package init(columns: [Column], leavesOut: Bool = false) {
        self.columns = columns
        self.leavesOut = leavesOut
    }

    /// A table of numbers and texts, all of which are shown.
    package init(_ header: [String], rightAligned: Set<Int> = []) {
        self.init(
            columns: header.enumerated().map { index, title in
                rightAligned.contains(index) ? .number(title) : .text(title, least: 8)
            })
    }

    /// Adds a row, a cell for each column. Of control characters, which could move the cursor, a space is left.
    package mutating func add(_ row: [String]) { rows.append(row.map(TextTable.printable)) }

    /// The table as text; where a person watches standard output, no wider than the terminal.
    package var text: String { text(within: Output.terminalWidth) }

    /// - Parameter limit: The most cells of a line; `nil` for all that there is. Only where what may be neither cut nor left out
    ///   takes more are lines longer.
    package func text(within limit: Int?) -> String {
        let (naturals, leasts) = (columns.indices.map(natural), columns.indices.map(least))
        let shown = shown(leasts, within: limit)
        let widths = TextTable.fitted(shown.map { naturals[$0] }, from: shown.map { leasts[$0] }, within: limit)
        let rule = widths.map { String(repeating: "-", count: $0) }.joined(separator: "  ")
        var lines = self.lines(columns.map(\.title), shown, widths) + [rule]
        for row in rows { lines += self.lines(row, shown, widths) }
        let hidden = columns.indices.filter { !shown.contains($0) }.map { columns[$0].title }
        if !hidden.isEmpty {
            let note = "not shown: \(hidden.joined(separator: ", ")) (--wide shows all)"
            lines += TextTable.wrapped(note, to: limit ?? .max)
        }
        return lines.joined(separator: "\n")
    }

    // MARK: Widths

    /// The columns that there is room for.
    private func shown(_ leasts: [Int], within limit: Int?) -> [Int] {
        var shown = Array(columns.indices)
        guard let limit, leavesOut else { return shown }
        while TextTable.total(shown.map { leasts[$0] }) > limit,
            let last = shown.lastIndex(where: { !columns[$0].isKept })
        {
            shown.remove(at: last)
        }
        return shown
    }

    /// How wide a column is with nothing cut.
    private func natural(_ column: Int) -> Int {
        rows.reduce(TextTable.width(columns[column].title)) { max($0, TextTable.width($1[column])) }
    }

    /// How narrow a column can be.
    private func least(_ column: Int) -> Int {
        switch columns[column].fit {
        case .whole: return natural(column)
        case .cut(let least): return min(natural(column), least)
        case .words(let least):
            let longest = rows.reduce(0) { longest, row in
                row[column].split(separator: " ").reduce(longest) { max($0, TextTable.width(String($1))) }
            }
            return max(TextTable.width(columns[column].title), min(longest, least))
        }
    }

    /// Takes cells from the widest column until all fit, as far as they can be narrower.
    private static func fitted(_ widths: [Int], from leasts: [Int], within limit: Int?) -> [Int] {
        var widths = widths
        guard let limit else { return widths }
        while total(widths) > limit {
            let wider = widths.indices.filter { widths[$0] > leasts[$0] }
            guard let widest = wider.max(by: { widths[$0] < widths[$1] }) else { break }
            widths[widest] -= 1
        }
        return widths
    }

    /// With two cells between columns.
    private static func total(_ widths: [Int]) -> Int { widths.reduce(0, +) + 2 * max(0, widths.count - 1) }

    private static func width(_ text: String) -> Int { text.unicodeScalars.reduce(0) { $0 + (isWide($1) ? 2 : 1) } }

    /// By Unicode's East Asian Width, as far as names have such characters.
    private static func isWide(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x1100...0x115F, 0x2E80...0xFF60, 0xFFE0...0xFFE6, 0x20000...0x3FFFD: true
        default: false
        }
    }

    // MARK: Cells

    /// The lines of one row.
    private func lines(_ row: [String], _ shown: [Int], _ widths: [Int]) -> [String] {
        let cells = zip(shown, widths).map { column, width in pieces(row[column], columns[column].fit, width) }
        let height = cells.reduce(1) { max($0, $1.count) }
        return (0..<height).map { line in
            shown.indices.map { place in
                let text = line < cells[place].count ? cells[place][line] : ""
                return TextTable.pad(text, to: widths[place], isRight: columns[shown[place]].isRightAligned)
            }.joined(separator: "  ").replacing(/\s+$/, with: "")
        }
    }

    private func pieces(_ text: String, _ fit: Column.Fit, _ width: Int) -> [String] {
        switch fit {
        case .whole: [text]
        case .cut: [TextTable.cut(text, to: width)]
        case .words: TextTable.wrapped(text, to: width)
        }
    }

    private static func cut(_ text: String, to limit: Int) -> String {
        guard width(text) > limit else { return text }
        var (kept, used) = ("", 0)
        for character in text {
            let size = width(String(character))
            guard used + size < limit else { break }
            kept.append(character)
            used += size
        }
        return kept + "…"
    }

    private static func wrapped(_ text: String, to limit: Int) -> [String] {
        guard width(text) > limit else { return [text] }
        var (lines, line) = ([String](), "")
        for word in text.split(separator: " ").map({ cut(String($0), to: limit) }) {
            if line.isEmpty {
                line = word
            } else if width(line) + 1 + width(word) <= limit {
                line += " \(word)"
            } else {
                lines.append(line)
                line = word
            }
        }
        return lines + [line]
    }

    private static func pad(_ text: String, to width: Int, isRight: Bool) -> String {
        let space = String(repeating: " ", count: max(0, width - TextTable.width(text)))
        return isRight ? space + text : text + space
    }

    private static func printable(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: isControl) else { return text }
        let space: Unicode.Scalar = " "
        return String(String.UnicodeScalarView(text.unicodeScalars.map { isControl($0) ? space : $0 }))
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value)
    }
}
