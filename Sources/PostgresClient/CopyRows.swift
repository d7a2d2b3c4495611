/// Rows for `COPY … FROM STDIN (FORMAT binary)`, encoded as they are added.
///
/// Call ``row(fields:)`` and then exactly that many field methods, in the order of the column list.
package struct CopyRows: Sendable {
    private(set) var bytes: [UInt8]
    package private(set) var count = 0

    /// - Parameter reserving: Bytes to set aside; about 150 a row.
    package init(reserving capacity: Int = 0) {
        bytes = Array("PGCOPY\n".utf8) + [0xFF, 0x0D, 0x0A, 0x00, 0, 0, 0, 0, 0, 0, 0, 0]
        bytes.reserveCapacity(capacity)
    }

    package mutating func row(fields: Int16) {
        bytes.append(fields)
        count += 1
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

    package mutating func null() { bytes.append(Int32(-1)) }

    /// Forgets what was sent.
    mutating func clear() { bytes.removeAll(keepingCapacity: true) }

    /// The end marker.
    static let trailer: [UInt8] = [0xFF, 0xFF]
}
