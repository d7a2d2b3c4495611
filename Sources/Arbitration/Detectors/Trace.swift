import Crypto

/// A blocking key: claims that could be variants of each other leave and look up the same trace.
///
/// 64 bits of a SHA-256. Two different blocking keys may share a trace; that costs a comparison and nothing else, since
/// a detector compares the fields themselves.
package struct Trace: RawRepresentable, Hashable, Comparable, Sendable {
    package let rawValue: Int64

    package init(rawValue: Int64) { self.rawValue = rawValue }

    /// - Parameter space: Keeps the traces of different detectors apart; never changes its meaning.
    init(_ space: Space, _ fields: [String]) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(fields.reduce(1) { $0 + 2 + $1.utf8.count })
        bytes.append(space.rawValue)
        for field in fields {
            let count = field.utf8.count
            bytes.append(UInt8(truncatingIfNeeded: count >> 8))
            bytes.append(UInt8(truncatingIfNeeded: count))
            bytes.append(contentsOf: field.utf8)
        }
        rawValue = SHA256.hash(data: bytes).withUnsafeBytes { Int64(bigEndian: $0.loadUnaligned(as: Int64.self)) }
    }

    enum Space: UInt8 {
        case alias = 1, invoiceByAmount, invoiceByWeek, contractByAmount, pairYear, usageProof, invoiceLine
        case companyYear, companyName, refused, cofundedInvoice
    }

    package static func < (left: Trace, right: Trace) -> Bool { left.rawValue < right.rawValue }

    /// The most claims that are looked at under one trace, the latest ones: a file that repeats one row must not make
    /// work that grows with the square of its length.
    package static let mostNeighbours = 64
}

extension Trace {
    /// Classes of amounts about 6 % wide: amounts within 1 % of each other are in one or in neighbouring classes.
    static func amountClass(_ amount: Int64) -> Int64 {
        guard amount >= 16 else { return max(0, amount) }
        let shift = Int64(63 - amount.leadingZeroBitCount - 4)
        return (shift + 1) << 4 | (amount >> shift) & 15
    }
}
