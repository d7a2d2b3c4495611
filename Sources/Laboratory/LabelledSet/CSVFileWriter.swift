import Foundation

/// Writes one CSV file from its first row to its last, holding a buffer of it.
///
/// Lines end in CRLF, as RFC 4180 has it. Cells are written as they are: nothing that a labelled set holds has a comma,
/// a quote or a line break in it.
final class CSVFileWriter {
    /// What is gathered before it goes to the disk: 64 KiB, at 17 cities with two files each 2 MiB in all.
    private static let bufferBytes = 1 << 16

    private let path: String
    private let file: FileHandle
    private var buffer: [UInt8] = []

    /// Makes the file, which must not be there yet, with its header.
    init(_ path: String, _ header: [String]) throws {
        self.path = path
        guard FileManager.default.createFile(atPath: path, contents: nil), let file = FileHandle(forWritingAtPath: path)
        else { throw Sample.Failure(message: "cannot write \(path): \(String(cString: strerror(errno)))") }
        self.file = file
        buffer.reserveCapacity(CSVFileWriter.bufferBytes + 4_096)
        try row(header)
    }

    func row(_ cells: [String]) throws {
        for (index, cell) in cells.enumerated() {
            if index > 0 { buffer.append(UInt8(ascii: ",")) }
            buffer.append(contentsOf: cell.utf8)
        }
        buffer.append(UInt8(ascii: "\r"))
        buffer.append(UInt8(ascii: "\n"))
        if buffer.count >= CSVFileWriter.bufferBytes { try flush() }
    }

    /// Writes what is left and closes the file.
    func finish() throws {
        try flush()
        try file.close()
    }

    private func flush() throws {
        do {
            try file.write(contentsOf: Data(buffer))
        } catch {
            throw Sample.Failure(message: "cannot write \(path): is the disk full?")
        }
        buffer.removeAll(keepingCapacity: true)
    }
}
