import Foundation
package import VoucherDomain

/// A CSV file that officers exchange, read with flat memory: UTF-8 (with or without BOM) or GB18030, decided once.
package struct CSVFile {
    package struct Failure: Error { package let message: String }

    package let path: String
    private let columns: [String]
    private let optional: Set<String>
    private let isGB18030: Bool

    /// - Parameters:
    ///   - columns: The columns that are known; others are reported and ignored.
    ///   - optional: Those of them that may be missing.
    package init(path: String, columns: [String], optional: Set<String> = []) throws {
        self.path = path
        self.optional = optional
        self.columns = columns
        let type = (try? FileManager.default.attributesOfItem(atPath: path))?[.type] as? FileAttributeType
        // It is read twice, so that the encoding is known before the first row.
        guard type == nil || type == .typeRegular || type == .typeSymbolicLink else {
            throw Failure(message: "\(path) is no regular file: save it, and import the file")
        }
        isGB18030 = try CSVFile.looksLikeGB18030(Chunks(path))
    }

    /// The size in bytes, for progress.
    package var size: Int { ((try? FileManager.default.attributesOfItem(atPath: path))?[.size] as? Int) ?? 0 }

    /// Reads the file from its beginning, row by row in order.
    ///
    /// - Parameters:
    ///   - unknown: Called once with the columns that are ignored.
    ///   - body: Called with each row, broken ones among them, and the bytes read so far.
    package func read(unknown: ([String]) -> Void, _ body: (FormRow, Int) async throws -> Void) async throws {
        var reader = CSVReader()
        var header: [String]?
        var offset = 0
        let chunks = try Chunks(path)
        var isEnded = false
        while !isEnded {
            var rows: [CSVReader.Row] = []
            if let chunk = try chunks.next() {
                let hasMark = offset == 0 && chunk.starts(with: [0xEF, 0xBB, 0xBF])
                offset += chunk.count
                reader.read(hasMark ? chunk.dropFirst(3) : chunk[...]) { rows.append($0) }
            } else {
                isEnded = true
                reader.finish { rows.append($0) }
            }
            for row in rows {
                if let header {
                    try await body(self.row(row, header), offset)
                } else {
                    header = try self.header(row, unknown: unknown)
                }
            }
        }
        if header == nil { throw Failure(message: "\(path) is empty: the first line names the columns") }
    }

    private func header(_ row: CSVReader.Row, unknown: ([String]) -> Void) throws -> [String] {
        if let fault = row.fault { throw Failure(message: "\(path), line \(row.line): \(fault)") }
        let names = try row.cells.map { cell -> String in
            guard let name = decode(cell) else {
                throw Failure(message: "\(path): the header is neither UTF-8 nor GB18030")
            }
            return Normaliser.trimmed(name)
        }
        let missing = columns.filter { !names.contains($0) && !optional.contains($0) }
        guard missing.isEmpty else {
            throw Failure(message: "\(path): columns are missing: \(missing.joined(separator: ", "))")
        }
        if Set(names).count != names.count { throw Failure(message: "\(path): a column is named twice") }
        let ignored = names.filter { !columns.contains($0) }
        if !ignored.isEmpty { unknown(ignored) }
        return names
    }

    private func row(_ row: CSVReader.Row, _ names: [String]) -> FormRow {
        var fields: [String: String] = [:]
        var problems: [FieldProblem] = []
        if let fault = row.fault {
            problems.append(FieldProblem(column: "row", message: fault))
        } else if row.cells.count != names.count {
            let message = "\(row.cells.count) cells, the header names \(names.count) columns"
            problems.append(FieldProblem(column: "row", message: message))
        }
        for (name, cell) in zip(names, row.cells) where columns.contains(name) {
            if let text = decode(cell) {
                if !text.isEmpty { fields[name] = text }
            } else {
                let encoding = isGB18030 ? "GB18030" : "UTF-8"
                problems.append(FieldProblem(column: name, message: "these bytes are no \(encoding)"))
            }
        }
        return FormRow(line: row.line, fields: fields, problems: problems)
    }

    private func decode(_ cell: [UInt8]) -> String? {
        if cell.allSatisfy({ $0 < 0x80 }) || !isGB18030 { return String(validating: cell, as: UTF8.self) }
        return GB18030.decode(cell)
    }

    /// Not UTF-8, as far as most of its lines with other characters than ASCII go.
    private static func looksLikeGB18030(_ chunks: Chunks) throws -> Bool {
        var (valid, broken) = (0, 0)
        var line: [UInt8] = []
        func judge() {
            if line.contains(where: { $0 >= 0x80 }) {
                if String(validating: line, as: UTF8.self) == nil { broken += 1 } else { valid += 1 }
            }
            line = []
        }
        while let chunk = try chunks.next() {
            for byte in chunk {
                if byte == UInt8(ascii: "\n") || line.count > CSVReader.maximumRowBytes {
                    judge()
                } else {
                    line.append(byte)
                }
            }
        }
        judge()
        return broken > valid
    }
}

/// A file in pieces of 64 KiB; it is closed with its last user.
private final class Chunks {
    private let path: String
    private let handle: FileHandle

    init(_ path: String) throws {
        guard let handle = FileHandle(forReadingAtPath: path) else {
            throw CSVFile.Failure(message: "cannot read \(path): \(String(cString: strerror(errno)))")
        }
        self.path = path
        self.handle = handle
    }

    deinit { try? handle.close() }

    /// - Returns: `nil` at the end.
    func next() throws -> [UInt8]? {
        do {
            return try handle.read(upToCount: 65_536).flatMap { $0.isEmpty ? nil : Array($0) }
        } catch {
            throw CSVFile.Failure(message: "cannot read \(path): \(error.localizedDescription)")
        }
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
