/// Rows to be inserted, encoded as `COPY … FROM STDIN (FORMAT binary)` takes them.
///
/// Call ``row(fields:)`` and then exactly that many field methods, in the order of the column list.
package struct CopyRows: Sendable {
    private(set) var bytes: [UInt8]
    package private(set) var count = 0
    /// The fields of the last row.
    private var fields = 0

    private static let header = Array("PGCOPY\n".utf8) + [0xFF, 0x0D, 0x0A, 0x00, 0, 0, 0, 0, 0, 0, 0, 0]

    /// - Parameter reserving: Bytes to set aside; about 150 a row.
    package init(reserving capacity: Int = 0) {
        bytes = CopyRows.header
        bytes.reserveCapacity(capacity)
    }

    package mutating func row(fields: Int16) {
        bytes.append(fields)
        count += 1
        self.fields = Int(fields)
    }

    package mutating func int2(_ value: Int16) {
        bytes.append(Int32(2))
        bytes.append(value)
    }

    package mutating func int4(_ value: Int32) {
        bytes.append(Int32(4))
        bytes.append(value)
    }

    package mutating func int8(_ value: Int64) {
        bytes.append(Int32(8))
        bytes.append(value)
    }

    package mutating func bool(_ value: Bool) {
        bytes.append(Int32(1))
        bytes.append(UInt8(value ? 1 : 0))
    }

    /// A day given as days since 1970-01-01; PostgreSQL counts from 2000-01-01.
    package mutating func date(daysSince1970 days: Int32) { int4(days - 10_957) }

    package mutating func bytea(_ value: [UInt8]) { bytes.appendField(value) }

    package mutating func text(_ value: String) {
        var value = value
        value.withUTF8 { utf8 in
            bytes.append(Int32(utf8.count))
            bytes.append(contentsOf: utf8)
        }
    }

    package mutating func textArray(_ values: [String]) {
        bytes.appendField(PostgresParameter.textArray(values).bytes ?? [])
    }

    package mutating func int8Array(_ values: [Int64]) {
        bytes.appendField(PostgresParameter.int8Array(values).bytes ?? [])
    }

    package mutating func null() { bytes.append(Int32(-1)) }

    /// Forgets what was sent.
    mutating func clear() { bytes.removeAll(keepingCapacity: true) }

    /// The most values in one INSERT.
    private static let maximumParameters = 200

    /// The same rows as one INSERT with bound values, whose types the server infers from the columns; `nil` when they
    /// are too many. A field has the same bytes in either form.
    func insertStatement(_ target: String) -> (sql: String, parameters: [PostgresParameter])? {
        guard count * fields <= CopyRows.maximumParameters else { return nil }
        var parameters: [PostgresParameter] = []
        var offset = CopyRows.header.count
        func take(_ size: Int) -> [UInt8]? {
            guard offset + size <= bytes.count else { return nil }
            defer { offset += size }
            return Array(bytes[offset..<offset + size])
        }
        for _ in 0..<count {
            // What is not as long as it says goes to COPY, and is refused there.
            guard take(2) == Int16(fields).bigEndianBytes else { return nil }
            for _ in 0..<fields {
                guard let length = take(4).map({ $0.reduce(0) { $0 << 8 | Int($1) } }) else { return nil }
                let isNull = length == 0xFFFF_FFFF
                guard let value = take(isNull ? 0 : length) else { return nil }
                parameters.append(PostgresParameter(type: 0, bytes: isNull ? nil : value))
            }
        }
        let rows = (0..<count).map { row in
            "(" + (1...fields).map { "$\(row * fields + $0)" }.joined(separator: ",") + ")"
        }
        return ("INSERT INTO \(target) VALUES \(rows.joined(separator: ","))", parameters)
    }

    /// The end marker.
    static let trailer: [UInt8] = [0xFF, 0xFF]
}
