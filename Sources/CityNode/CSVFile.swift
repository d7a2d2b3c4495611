import CityStore
import Foundation
import VoucherDomain

/// A CSV file of the exchanged form, read with flat memory: UTF-8 (with or without BOM) or GB18030, decided once.
struct CSVFile {
    struct Failure: Error { let message: String }

    /// A row: its fields by column, or what is wrong with it.
    enum Row {
        case fields(FormRow)
        case broken(line: Int, message: String)
    }

    let path: String
    private let columns: [String]
    private let isGB18030: Bool

    /// - Parameters:
    ///   - columns: The columns that are known; others are reported and ignored.
    init(path: String, columns: [String]) throws {
        self.path = path
        self.columns = columns
        isGB18030 = try CSVFile.chunks(path) { CSVFile.looksLikeGB18030($0) }
    }

    /// The size in bytes, for progress.
    var size: Int { ((try? FileManager.default.attributesOfItem(atPath: path))?[.size] as? Int) ?? 0 }

    /// Reads the file from its beginning, row by row in order.
    ///
    /// - Parameters:
    ///   - unknown: Called once with the columns that are ignored.
    ///   - body: Called with each row and the bytes read so far.
    func read(unknown: ([String]) -> Void, _ body: (Row, Int) throws -> Void) throws {
        var reader = CSVReader()
        var header: [String]?
        var offset = 0
        func take(_ row: CSVReader.Row) throws {
            guard let names = header else {
                header = try self.header(row, unknown: unknown)
                return
            }
            try body(self.row(row, names), offset)
        }
        try CSVFile.chunks(path) { chunks in
            var isFirst = true
            for chunk in chunks {
                let bytes = isFirst && chunk.starts(with: [0xEF, 0xBB, 0xBF]) ? chunk.dropFirst(3) : chunk[...]
                isFirst = false
                offset += chunk.count
                try reader.read(bytes) { try take($0) }
            }
        }
        try reader.finish { try take($0) }
        if header == nil { throw Failure(message: "\(path) is empty: the first line names the columns") }
    }

    private func header(_ row: CSVReader.Row, unknown: ([String]) -> Void) throws -> [String] {
        if let fault = row.fault { throw Failure(message: "\(path), line \(row.line): \(fault)") }
        let names = try row.cells.map { cell -> String in
            guard let name = decode(cell) else { throw Failure(message: "\(path): the header is neither UTF-8 nor GB18030") }
            return Normaliser.trimmed(name)
        }
        let missing = columns.filter { !names.contains($0) && $0 != "invoice_dates" }
        guard missing.isEmpty else {
            throw Failure(message: "\(path): columns are missing: \(missing.joined(separator: ", "))")
        }
        if Set(names).count != names.count { throw Failure(message: "\(path): a column is named twice") }
        let ignored = names.filter { !columns.contains($0) }
        if !ignored.isEmpty { unknown(ignored) }
        return names
    }

    private func row(_ row: CSVReader.Row, _ names: [String]) -> Row {
        if let fault = row.fault { return .broken(line: row.line, message: fault) }
        guard row.cells.count == names.count else {
            return .broken(line: row.line, message: "\(row.cells.count) cells, the header names \(names.count) columns")
        }
        var fields: [String: String] = [:]
        for (name, cell) in zip(names, row.cells) where columns.contains(name) {
            guard let text = decode(cell) else {
                let encoding = isGB18030 ? "GB18030" : "UTF-8"
                return .broken(line: row.line, message: "\(name): these bytes are no \(encoding)")
            }
            if !text.isEmpty { fields[name] = text }
        }
        return .fields(FormRow(line: row.line, fields: fields))
    }

    private func decode(_ cell: [UInt8]) -> String? {
        if cell.allSatisfy({ $0 < 0x80 }) || !isGB18030 { return String(validating: cell, as: UTF8.self) }
        return GB18030.decode(cell)
    }

    /// Not UTF-8, as far as most of its lines with other characters than ASCII go.
    private static func looksLikeGB18030(_ chunks: AnySequence<[UInt8]>) -> Bool {
        var (valid, broken) = (0, 0)
        var line: [UInt8] = []
        func judge() {
            if line.contains(where: { $0 >= 0x80 }) {
                if String(validating: line, as: UTF8.self) == nil { broken += 1 } else { valid += 1 }
            }
            line = []
        }
        for chunk in chunks {
            for byte in chunk {
                if byte == UInt8(ascii: "\n") || line.count > CSVReader.maximumRowBytes { judge() } else { line.append(byte) }
            }
        }
        judge()
        return broken > valid
    }

    /// Lends the file in pieces of 64 KiB.
    private static func chunks<T>(_ path: String, _ body: (AnySequence<[UInt8]>) throws -> T) throws -> T {
        guard let handle = FileHandle(forReadingAtPath: path) else {
            throw Failure(message: "cannot read \(path): \(String(cString: strerror(errno)))")
        }
        defer { try? handle.close() }
        return try body(
            AnySequence {
                AnyIterator { (try? handle.read(upToCount: 65_536)).flatMap { $0.isEmpty ? nil : Array($0) } }
            })
    }
}

/// GB18030 by the C library's converter.
enum GB18030 {
    /// `nil` when the bytes are not valid.
    static func decode(_ bytes: [UInt8]) -> String? {
        let converter = iconv_open("UTF-8", "GB18030")
        guard converter != iconv_t(bitPattern: -1) else { return nil }
        defer { iconv_close(converter) }
        var input = bytes.map { CChar(bitPattern: $0) }
        var output = [CChar](repeating: 0, count: bytes.count * 4 + 4)
        let capacity = output.count
        let left = input.withUnsafeMutableBufferPointer { source in
            output.withUnsafeMutableBufferPointer { target -> Int? in
                var from = source.baseAddress
                var to = target.baseAddress
                var (fromLeft, toLeft) = (source.count, target.count)
                let result = iconv(converter, &from, &fromLeft, &to, &toLeft)
                return result == Int(bitPattern: UInt.max) || fromLeft > 0 ? nil : toLeft
            }
        }
        guard let left else { return nil }
        return String(validating: output.prefix(capacity - left).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
