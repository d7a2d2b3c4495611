import VoucherDomain

@testable import Replication

// Entries, heads and keys that the tests of this target share. The bytes of an entry are opaque to replication,
// so these are just unique; FederationWireTests has the real ones.

extension CityCode {
    static let shenzhen = CityCode(rawValue: 440_300) ?? .registry
    static let beijing = CityCode(rawValue: 110_000) ?? .registry
}

extension Epoch {
    static let first = Epoch(incarnation: 1, counter: 1, nonce: 0xA1)
    static let second = Epoch(incarnation: 1, counter: 2, nonce: 0xA2)
    static let third = Epoch(incarnation: 1, counter: 3, nonce: 0xA3)
}

extension SigningKey {
    /// A key from 32 equal bytes.
    static func fixed(_ byte: UInt8) -> SigningKey {
        guard let key = SigningKey(seed: [UInt8](repeating: byte, count: 32)) else { preconditionFailure("32 bytes") }
        return key
    }
}

extension EntryID {
    /// An id whose last two bytes are the number.
    static func numbered(_ number: UInt16) -> EntryID {
        let bytes = [UInt8](repeating: 0, count: 14) + [UInt8(number >> 8), UInt8(number & 255)]
        guard let id = EntryID(rawValue: bytes) else { preconditionFailure("16 bytes") }
        return id
    }
}

extension EntryDraft {
    /// The draft of the entry after `head`, one second after the entry before it.
    static func following(_ head: LogHead, city: CityCode = .shenzhen, epoch: Epoch = .second) -> EntryDraft {
        EntryDraft(
            city: city, epoch: epoch, sequence: head.sequence + 1,
            time: HybridTime(milliseconds: 1_000_000 + (head.sequence + 1) * 1_000), kind: .claimFiled,
            feedHead: .empty, id: .numbered(UInt16(truncatingIfNeeded: head.sequence + 1)), payload: [1, 2, 3],
            previousHash: head.hash)
    }

    func changing(_ change: (inout EntryDraft) -> Void) -> EntryDraft {
        var draft = self
        change(&draft)
        return draft
    }

    /// The entry, with bytes that differ wherever a field differs.
    var entry: Entry {
        let numbers = [
            UInt64(city.rawValue), UInt64(epoch.counter), epoch.nonce, sequence, time.rawValue, UInt64(kind.rawValue),
            feedHead.position,
        ]
        let fields = numbers.flatMap { number in withUnsafeBytes(of: number.bigEndian, Array.init) }
        return Entry(draft: self, bytes: fields + id.rawValue + previousHash.rawValue + payload)
    }
}

/// A log of `count` good entries of Shenzhen from an empty head.
func makeLog(_ count: Int, epoch: Epoch = .second) -> [Entry] {
    var head = LogHead.empty
    return (0..<count).map { _ in
        let entry = EntryDraft.following(head, epoch: epoch).entry
        head = entry.head
        return entry
    }
}
