/// A streaming reader of RFC 4180 text, byte by byte, that holds one row at a time.
///
/// Feed it chunks of any size with ``read(_:row:)`` and end with ``finish(row:)``. CRLF, LF and a missing last
/// line break are read; quotes may enclose commas, line breaks and doubled quotes. Bytes are not decoded here:
/// no byte of UTF-8 or GB18030 beyond the first 64 code points is mistaken for a comma, quote or line break.
/// A broken row is delivered as broken and reading goes on at the next line.
package struct CSVReader: Sendable {
    /// One row: its cells as bytes, or what is wrong with it.
    package struct Row: Hashable, Sendable {
        /// Number of the row's first line in the file, the header's being 1.
        package let line: Int
        package let cells: [[UInt8]]
        /// Set when the row breaks the grammar or a limit; its cells are then not to be trusted.
        package let fault: String?
    }

    /// The most bytes one row may have: 1 MiB.
    package static let maximumRowBytes = 1 << 20
    /// The most cells one row may have.
    package static let maximumCells = 256

    private enum State { case startOfCell, unquoted, quoted, quoteInQuoted, skipping }

    private var state = State.startOfCell
    private var line = 1
    private var rowLine = 1
    private var cells: [[UInt8]] = []
    private var cell: [UInt8] = []
    private var rowBytes = 0
    private var fault: String?
    private var previousWasCarriageReturn = false

    package init() {}

    /// Reads one chunk and calls `row` for each row that it completes, in order.
    package mutating func read(_ chunk: some Sequence<UInt8>, row: (Row) throws -> Void) rethrows {
        for byte in chunk { try read(byte, row: row) }
    }

    /// Ends the file: a last row without a line break is delivered, an open quote is its fault.
    package mutating func finish(row: (Row) throws -> Void) rethrows {
        if state == .quoted { fail("the file ends inside a quoted cell") }
        guard rowBytes > 0 || fault != nil else { return }
        try endRow(row)
    }

    private mutating func read(_ byte: UInt8, row: (Row) throws -> Void) rethrows {
        let followsCarriageReturn = previousWasCarriageReturn
        previousWasCarriageReturn = byte == UInt8(ascii: "\r")
        if byte == UInt8(ascii: "\n") { line += 1 }
        if state == .quoted, byte != UInt8(ascii: "\"") {
            append(byte)
            return
        }
        switch byte {
        case UInt8(ascii: "\n"):
            if followsCarriageReturn, rowBytes == 0, cells.isEmpty, fault == nil {
                rowLine = line
            } else {
                try endRow(row)
            }
        case UInt8(ascii: "\r"):
            try endRow(row)
        case UInt8(ascii: ","):
            countByte()
            if state != .skipping { endCell() }
        case UInt8(ascii: "\""):
            readQuote()
        default:
            if state == .quoteInQuoted { fail("text after the closing quote of a cell") }
            if state == .startOfCell { state = .unquoted }
            append(byte)
        }
    }

    private mutating func readQuote() {
        countByte()
        switch state {
        case .startOfCell: state = .quoted
        case .quoted: state = .quoteInQuoted
        case .quoteInQuoted:
            cell.append(UInt8(ascii: "\""))
            state = .quoted
        case .unquoted: fail("a quote inside an unquoted cell")
        case .skipping: break
        }
    }

    private mutating func countByte() {
        rowBytes += 1
        if rowBytes > CSVReader.maximumRowBytes { fail("a row of more than 1 MiB") }
    }

    private mutating func append(_ byte: UInt8) {
        countByte()
        if state != .skipping { cell.append(byte) }
    }

    private mutating func endCell() {
        cells.append(cell)
        cell = []
        state = .startOfCell
        if cells.count > CSVReader.maximumCells { fail("more than \(CSVReader.maximumCells) cells in a row") }
    }

    private mutating func fail(_ message: String) {
        if fault == nil { fault = message }
        state = .skipping
        cell = []
    }

    private mutating func endRow(_ deliver: (Row) throws -> Void) rethrows {
        let isBlank = cells.isEmpty && cell.isEmpty && fault == nil && rowBytes == 0
        if !isBlank {
            if fault == nil { endCell() }
            try deliver(Row(line: rowLine, cells: cells, fault: fault))
        }
        cells = []
        cell = []
        fault = nil
        rowBytes = 0
        state = .startOfCell
        rowLine = line
    }
}
