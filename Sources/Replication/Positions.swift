import VoucherDomain

/// Which grant of the registry a log entry was written under.
///
/// A new epoch is granted at each process start, by compare-and-set on the last one; an older node with the
/// same key is thereby fenced.
package struct Epoch: Hashable, Comparable, Sendable {
    /// The registry's incarnation that granted it, from 1.
    package let incarnation: UInt32
    /// Rises by one with each grant to the city, from 1.
    package let counter: UInt32
    /// Random, so that two grants with equal numbers can never be taken for one.
    package let nonce: UInt64

    package init(incarnation: UInt32, counter: UInt32, nonce: UInt64) {
        self.incarnation = incarnation
        self.counter = counter
        self.nonce = nonce
    }

    /// 16 bytes, big-endian, which sort as epochs do.
    package var bytes: [UInt8] {
        withUnsafeBytes(of: incarnation.bigEndian, Array.init) + withUnsafeBytes(of: counter.bigEndian, Array.init)
            + withUnsafeBytes(of: nonce.bigEndian, Array.init)
    }

    package init?(bytes: [UInt8]) {
        guard bytes.count == 16 else { return nil }
        func number(_ range: Range<Int>) -> UInt64 { bytes[range].reduce(0) { $0 << 8 | UInt64($1) } }
        self.init(
            incarnation: UInt32(number(0..<4)), counter: UInt32(number(4..<8)), nonce: number(8..<16))
    }

    package static func < (left: Epoch, right: Epoch) -> Bool {
        (left.incarnation, left.counter, left.nonce) < (right.incarnation, right.counter, right.nonce)
    }
}

/// A position in a city's log. Never a bare number: restored nodes reuse numbers.
package struct LogHead: Hashable, Sendable {
    /// The epoch of the entry at the head; `nil` in an empty log.
    package let epoch: Epoch?
    /// Gapless from 1 over the city's whole life, through all epochs; 0 in an empty log.
    package let sequence: UInt64
    package let hash: Digest

    package init(epoch: Epoch?, sequence: UInt64, hash: Digest) {
        self.epoch = epoch
        self.sequence = sequence
        self.hash = hash
    }

    package static let empty = LogHead(epoch: nil, sequence: 0, hash: .zero)
}

/// A position in the national feed.
package struct FeedHead: Hashable, Sendable {
    package let incarnation: UInt32
    /// Gapless from 1; 0 in an empty feed.
    package let position: UInt64
    package let hash: Digest

    package init(incarnation: UInt32, position: UInt64, hash: Digest) {
        self.incarnation = incarnation
        self.position = position
        self.hash = hash
    }

    package static let empty = FeedHead(incarnation: 0, position: 0, hash: .zero)
}

/// The permanent unique id of an entry: 16 random bytes, kept through re-appending.
package struct EntryID: RawRepresentable, Hashable, Sendable {
    package let rawValue: [UInt8]

    package init?(rawValue: [UInt8]) {
        guard rawValue.count == 16 else { return nil }
        self.rawValue = rawValue
    }

    package init(using generator: inout some RandomNumberGenerator) {
        self.rawValue = (0..<16).map { _ in UInt8.random(in: 0...255, using: &generator) }
    }

    /// Lower-case hexadecimal.
    package var text: String { rawValue.hexadecimal }
}
