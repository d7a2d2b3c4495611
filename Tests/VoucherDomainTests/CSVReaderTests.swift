import Replication
import TestSupport
import Testing

@testable import VoucherDomain

@Suite("CSV reader")
struct CSVReaderTests {
    @Test(
        "rows and cells are read whatever the quoting and the line breaks",
        arguments: [
            ("", []),
            ("a", [Line(1, "a")]),
            ("a\n", [Line(1, "a")]),
            ("a\r\n", [Line(1, "a")]),
            ("a,b\r\nc,d\r\n", [Line(1, "a", "b"), Line(2, "c", "d")]),
            ("a,b\nc,d", [Line(1, "a", "b"), Line(2, "c", "d")]),
            (",", [Line(1, "", "")]),
            ("a,\n,b\n", [Line(1, "a", ""), Line(2, "", "b")]),
            ("\"\"", [Line(1, "")]),
            ("\"\"\n\"\"\r\n", [Line(1, ""), Line(2, "")]),
            ("\"a,b\",c\n", [Line(1, "a,b", "c")]),
            ("\"say \"\"hi\"\"\",\"\"\"\"\n", [Line(1, "say \"hi\"", "\"")]),
            ("\"a\r\nb\nc\",d\r\ne\n", [Line(1, "a\r\nb\nc", "d"), Line(4, "e")]),
            (" a , \"b\n", [Line(1, fault: "a quote inside an unquoted cell")]),
            ("\"a\r\"\r\nb\n", [Line(1, "a\r"), Line(2, "b")]),
            ("公司,券\r\n", [Line(1, "公司", "券")]),
        ])
    func rows(text: String, expected: [Line]) {
        #expect(Self.lines(of: Self.read(Array(text.utf8))) == expected)
    }

    @Test(
        "blank lines are no rows but count as lines",
        arguments: [
            ("\n", []), ("\r\n\r\n", []), ("\n\na\n\n\nb\n\n", [Line(3, "a"), Line(6, "b")]),
            ("a\r\n\r\nb\r\n", [Line(1, "a"), Line(3, "b")]), ("a\n \nb", [Line(1, "a"), Line(2, " "), Line(3, "b")]),
            ("\r\n\na", [Line(3, "a")]),
        ])
    func blankLines(text: String, expected: [Line]) {
        #expect(Self.lines(of: Self.read(Array(text.utf8))) == expected)
    }

    @Test(
        "a broken row is delivered as broken and reading goes on at the next line",
        arguments: [
            ("a\"b,c\nd\n", [Line(1, fault: "a quote inside an unquoted cell"), Line(2, "d")]),
            ("\"a\"b,c\r\nd\n", [Line(1, fault: "text after the closing quote of a cell"), Line(2, "d")]),
            ("x\n\"a\" ,c\ny", [Line(1, "x"), Line(2, fault: "text after the closing quote of a cell"), Line(3, "y")]),
            ("a\nb,\"open", [Line(1, "a"), Line(2, fault: "the file ends inside a quoted cell")]),
            ("a\n\"open\nmore\n", [Line(1, "a"), Line(2, fault: "the file ends inside a quoted cell")]),
            ("\"", [Line(1, fault: "the file ends inside a quoted cell")]),
            ("a,\"\"\"", [Line(1, fault: "the file ends inside a quoted cell")]),
        ])
    func brokenRows(text: String, expected: [Line]) {
        #expect(Self.lines(of: Self.read(Array(text.utf8))) == expected)
    }

    @Test("the bytes of a byte-order mark are left in the first cell for the caller")
    func byteOrderMark() {
        let rows = Self.read([0xEF, 0xBB, 0xBF] + Array("a,b\n".utf8))

        #expect(rows == [.init(line: 1, cells: [[0xEF, 0xBB, 0xBF, 0x61], [0x62]], fault: nil)])
    }

    @Test("the second bytes of GB18030 are never taken for a separator")
    func twoAndFourByteCharacters() {
        let cell: [UInt8] = [0xB9, 0xAB, 0xCB, 0xBE, 0x81, 0x30, 0x84, 0x36, 0x8E, 0x5C, 0x81, 0x40, 0xFE, 0xFE]

        let rows = Self.read(cell + Array(",\"".utf8) + cell + Array("\"\r\n".utf8))

        #expect(rows == [.init(line: 1, cells: [cell, cell], fault: nil)])
    }

    @Test("the chunks in which a file arrives never change its rows", arguments: hostileTexts)
    func everyChunkBoundary(text: String) {
        let bytes = Array(text.utf8)
        let whole = Self.read(bytes)

        #expect(Self.read(bytes, chunk: 1) == whole)
        for boundary in 0...bytes.count {
            #expect(Self.read([bytes[..<boundary], [], bytes[boundary...]]) == whole)
        }
    }

    @Test("random bytes give the same rows in any chunks, in increasing lines", arguments: 0..<100)
    func randomBytes(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let bytes = Array(random.text(of: "\"\",,\n\r\nab算", count: 200).utf8)
        let whole = Self.read(bytes)

        #expect(Self.read(bytes, chunk: random.number(in: 1...7)) == whole)
        #expect(zip(whole, whole.dropFirst()).allSatisfy { $0.line <= $1.line })
    }

    @Test("what is written with quotes is read back", arguments: 0..<50)
    func roundTrip(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let rows = (0..<random.number(in: 1...10)).map { _ in
            (0..<random.number(in: 2...6)).map { _ in
                random.text(of: "a算,\"\r\n;", count: random.number(in: 0...8))
            }
        }
        let text = rows.map { $0.map(Self.quoted).joined(separator: ",") + "\r\n" }.joined()

        let read = Self.read(Array(text.utf8))

        #expect(read.map(\.fault) == rows.map { _ in nil })
        #expect(read.map { $0.cells } == rows.map { $0.map { Array($0.utf8) } })
    }

    @Test("an error of the receiver of rows reaches the caller")
    func throwingReceiver() {
        struct Stop: Error, Equatable {}
        var reader = CSVReader()

        #expect(throws: Stop()) { try reader.read(Array("a\n".utf8)) { _ in throw Stop() } }
    }

    /// Texts with something at every boundary where a chunk could cut: breaks, quotes, characters, faults.
    private static let hostileTexts = [
        "a,b\r\nc,d\r\n", "\"a\"\"b\",\"c\r\nd\"\r\n\r\n\ne", "\u{FEFF}\"x\",公司\r\n\"y", "a\"b\r\n\"c\"d\n\"\"\"\"\n",
        "\r\n\r\n\r\na\r\n\"\r\n\"\r\n", "\"\"\"\"\"\",\"\",\n,,,", "a\rb\rc",
    ]

    private static func quoted(_ text: String) -> String {
        "\"" + text.unicodeScalars.map { $0 == "\"" ? "\"\"" : String($0) }.joined() + "\""
    }

    private static func read(_ bytes: [UInt8], chunk: Int? = nil) -> [CSVReader.Row] {
        let size = max(1, chunk ?? bytes.count)
        return read(stride(from: 0, to: bytes.count, by: size).map { bytes[$0..<min($0 + size, bytes.count)] })
    }

    private static func read(_ chunks: [ArraySlice<UInt8>]) -> [CSVReader.Row] {
        var reader = CSVReader()
        var rows: [CSVReader.Row] = []
        for chunk in chunks { reader.read(chunk) { rows.append($0) } }
        reader.finish { rows.append($0) }
        return rows
    }

    private static func lines(of rows: [CSVReader.Row]) -> [Line] {
        rows.map { row in
            Line(
                line: row.line, cells: row.fault == nil ? row.cells.map { String(decoding: $0, as: UTF8.self) } : [],
                fault: row.fault)
        }
    }

    /// A row as text; the cells of a broken row are not to be trusted and left out.
    struct Line: Equatable, Sendable {
        let line: Int
        let cells: [String]
        let fault: String?

        init(line: Int, cells: [String], fault: String?) {
            self.line = line
            self.cells = cells
            self.fault = fault
        }

        init(_ line: Int, _ cells: String..., fault: String? = nil) {
            self.init(line: line, cells: cells, fault: fault)
        }
    }
}
