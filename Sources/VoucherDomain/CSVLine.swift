/// Rows of a CSV file as programs write them (RFC 4180).
package enum CSVLine {
    /// One row, ended by CRLF. A cell with a comma, a quote or a line break is quoted.
    package static func encode(_ cells: [String]) -> String {
        cells.map(quoted).joined(separator: ",") + "\r\n"
    }

    /// The cell as text to a spreadsheet: what would be read as a formula has an apostrophe in front.
    package static func harmless(_ cell: String) -> String {
        guard let first = cell.utf8.first, "=+-@\t\r".utf8.contains(first) else { return cell }
        return "'" + cell
    }

    /// What stands in front of a file that Excel is to read as UTF-8.
    package static let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]

    private static func quoted(_ cell: String) -> String {
        // By bytes: CR LF is one character.
        let isPlain = !cell.utf8.contains { "\",\r\n".utf8.contains($0) }
        return isPlain ? cell : "\"\(cell.replacing("\"", with: "\"\""))\""
    }
}
