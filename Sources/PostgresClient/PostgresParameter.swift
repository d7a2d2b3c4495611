/// A value bound to a statement, in PostgreSQL's binary format.
package struct PostgresParameter: Hashable, Sendable {
    /// The type's object id; 0 lets the server infer it.
    let type: UInt32
    /// `nil` is NULL.
    let bytes: [UInt8]?

    package static func bool(_ value: Bool) -> PostgresParameter { .init(type: 16, bytes: [value ? 1 : 0]) }
    package static func int4(_ value: Int32?) -> PostgresParameter { .init(type: 23, bytes: value?.bigEndianBytes) }
    package static func int8(_ value: Int64?) -> PostgresParameter { .init(type: 20, bytes: value?.bigEndianBytes) }
    package static func text(_ value: String?) -> PostgresParameter {
        .init(type: 25, bytes: value.map { Array($0.utf8) })
    }
    package static func bytea(_ value: [UInt8]?) -> PostgresParameter { .init(type: 17, bytes: value) }

    package static func boolArray(_ values: [Bool]) -> PostgresParameter {
        array(type: 1000, element: 16, values.count) { bytes in
            for value in values { bytes.appendField([value ? 1 : 0]) }
        }
    }

    package static func int4Array(_ values: [Int32]) -> PostgresParameter {
        array(type: 1007, element: 23, values.count) { bytes in
            for value in values { bytes.appendField(value.bigEndianBytes) }
        }
    }

    package static func int8Array(_ values: [Int64]) -> PostgresParameter {
        array(type: 1016, element: 20, values.count) { bytes in
            for value in values { bytes.appendField(value.bigEndianBytes) }
        }
    }

    package static func textArray(_ values: [String]) -> PostgresParameter {
        array(type: 1009, element: 25, values.count) { bytes in
            for value in values { bytes.appendField(Array(value.utf8)) }
        }
    }

    package static func byteaArray(_ values: some Collection<[UInt8]>) -> PostgresParameter {
        array(type: 1001, element: 17, values.count) { bytes in
            bytes.reserveCapacity(values.reduce(20) { $0 + 4 + $1.count })
            for value in values { bytes.appendField(value) }
        }
    }

    /// One dimension, lower bound 1, no NULLs: dimensions, has-null flag, element type, length, bound, elements.
    private static func array(
        type: UInt32, element: Int32, _ count: Int, _ elements: (inout [UInt8]) -> Void
    ) -> PostgresParameter {
        var bytes: [UInt8] = []
        for header in count == 0 ? [0, 0, element] : [1, 0, element, Int32(count), 1] { bytes += header.bigEndianBytes }
        elements(&bytes)
        return .init(type: type, bytes: bytes)
    }
}

extension FixedWidthInteger {
    var bigEndianBytes: [UInt8] { withUnsafeBytes(of: bigEndian, Array.init) }
}

extension [UInt8] {
    /// Appends a length of four bytes and the field, as arrays and COPY rows have it.
    mutating func appendField(_ field: [UInt8]) {
        append(Int32(field.count))
        append(contentsOf: field)
    }

    mutating func append(_ value: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: value.bigEndian) { append(contentsOf: $0) }
    }
}
