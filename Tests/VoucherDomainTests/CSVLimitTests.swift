import Testing

@testable import VoucherDomain

@Suite("CSV limits")
struct CSVLimitTests {
    private static let tooLong = "a row of more than 1 MiB"
    private static let tooMany = "more than 256 cells in a row"

    @Test("a row of 1 MiB is read")
    func longestRow() {
        let cell = [UInt8](repeating: UInt8(ascii: "x"), count: 1 << 20)

        #expect(Self.read(cell + Array("\r\nb\n".utf8)) == [Self.row(1, [cell]), Self.row(2, [[0x62]])])
    }

    @Test("a row of one byte more is refused and the next row is read")
    func tooLongRow() {
        let rows = Self.read([UInt8](repeating: UInt8(ascii: "x"), count: 1 << 20 + 1) + Array("\nb\n".utf8))

        #expect(rows.map(\.fault) == [Self.tooLong, nil])
        #expect(rows.last == Self.row(2, [[0x62]]))
    }

    @Test("a quote that is never closed is given up after 1 MiB and the next line is read")
    func openQuote() {
        let open = Array("\"".utf8) + [UInt8](repeating: UInt8(ascii: "x"), count: 1 << 20)

        let rows = Self.read(open + Array("\nb\n".utf8))

        #expect(rows.map(\.fault) == [Self.tooLong, nil])
        #expect(rows.last == Self.row(2, [[0x62]]))
    }

    @Test("a row of nothing but quotes is held to 1 MiB as well")
    func quotesOnly() {
        let quotes = [UInt8](repeating: UInt8(ascii: "\""), count: 1 << 20 + 2)

        let rows = Self.read(quotes + Array("\nb\n".utf8))

        #expect(rows.map(\.fault) == [Self.tooLong, nil])
        #expect(rows.last == Self.row(2, [[0x62]]))
    }

    @Test("commas that pass 1 MiB break a row as letters do")
    func commasAtTheEnd() {
        let rows = Self.read([UInt8](repeating: UInt8(ascii: "x"), count: 1 << 20) + Array(",,\nb\n".utf8))

        #expect(rows.map(\.fault) == [Self.tooLong, nil])
    }

    @Test(
        "a row has at most 256 cells, with a line break after it or not",
        arguments: [(255, nil), (256, nil), (257, tooMany), (258, tooMany), (5_000, tooMany)], ["", "\n", "\r\n"])
    func cells(row: (count: Int, fault: String?), end: String) {
        let text = Array(repeating: "", count: row.count).joined(separator: ",") + end

        let rows = Self.read(Array(text.utf8))

        #expect(rows.map(\.fault) == [row.fault])
        if row.fault == nil { #expect(rows.map(\.cells.count) == [row.count]) }
    }

    private static func row(_ line: Int, _ cells: [[UInt8]]) -> CSVReader.Row {
        CSVReader.Row(line: line, cells: cells, fault: nil)
    }

    private static func read(_ bytes: [UInt8]) -> [CSVReader.Row] {
        var reader = CSVReader()
        var rows: [CSVReader.Row] = []
        reader.read(bytes) { rows.append($0) }
        reader.finish { rows.append($0) }
        return rows
    }
}
