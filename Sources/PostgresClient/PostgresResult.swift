import CLibPQ

/// The rows of one answer, in binary format. Owns libpq's memory and frees it when it goes out of scope.
package struct PostgresResult: ~Copyable {
    private let handle: OpaquePointer

    init(_ handle: OpaquePointer) { self.handle = handle }

    deinit { PQclear(handle) }

    /// How many rows came back.
    package var count: Int { Int(PQntuples(handle)) }

    /// How many rows a command without answer rows changed.
    package var affected: Int { Int(String(cString: PQcmdTuples(handle))) ?? 0 }

    package func isNull(_ row: Int, _ column: Int) -> Bool { PQgetisnull(handle, Int32(row), Int32(column)) == 1 }

    /// A `smallint`, `integer` or `bigint`; NULL reads as 0.
    package func int(_ row: Int, _ column: Int) -> Int64 {
        let field = field(row, column)
        precondition([0, 2, 4, 8].contains(field.count), "column \(column) is no integer (\(field.count) bytes)")
        let magnitude = field.reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        switch field.count {
        case 2: return Int64(Int16(truncatingIfNeeded: magnitude))
        case 4: return Int64(Int32(truncatingIfNeeded: magnitude))
        default: return Int64(bitPattern: magnitude)
        }
    }

    /// `nil` for NULL.
    package func optionalInt(_ row: Int, _ column: Int) -> Int64? { isNull(row, column) ? nil : int(row, column) }

    package func bool(_ row: Int, _ column: Int) -> Bool { field(row, column).first == 1 }

    /// A `bytea`; NULL reads as empty.
    package func bytes(_ row: Int, _ column: Int) -> [UInt8] { Array(field(row, column)) }

    /// A `bigint[]` without NULLs; NULL reads as empty.
    package func int8Array(_ row: Int, _ column: Int) -> [Int64] {
        // Number of dimensions, flags, type; then length and lower bound of the one dimension; then the elements, each
        // with its length before it.
        let (header, element) = (20, 12)
        let field = field(row, column)
        guard field.count > header else { return [] }
        return stride(from: header + 4, to: field.count, by: element).map { offset in
            Int64(bigEndian: field.loadUnaligned(fromByteOffset: offset, as: Int64.self))
        }
    }

    /// A `text`; NULL reads as empty.
    package func text(_ row: Int, _ column: Int) -> String { String(decoding: field(row, column), as: UTF8.self) }

    /// A `date`, as days since 1970-01-01; `nil` for NULL.
    package func date(_ row: Int, _ column: Int) -> Int32? {
        isNull(row, column) ? nil : Int32(int(row, column)) + 10_957
    }

    private func field(_ row: Int, _ column: Int) -> UnsafeRawBufferPointer {
        let (row, column) = (Int32(row), Int32(column))
        precondition(row < PQntuples(handle) && column < PQnfields(handle), "no field (\(row), \(column))")
        return UnsafeRawBufferPointer(
            start: PQgetvalue(handle, row, column), count: Int(PQgetlength(handle, row, column)))
    }
}
