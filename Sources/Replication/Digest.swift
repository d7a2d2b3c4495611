import Crypto

/// A SHA-256 digest over exact bytes with a domain in front.
///
/// What is hashed is what is stored and sent; nothing is ever encoded again to be hashed.
package struct Digest: RawRepresentable, Hashable, Sendable {
    /// 32 bytes.
    package let rawValue: [UInt8]

    package init?(rawValue: [UInt8]) {
        guard rawValue.count == Digest.length else { return nil }
        self.rawValue = rawValue
    }

    package static let length = 32

    /// 32 zero bytes: what the first link of a chain names as its previous hash.
    package static let zero = Digest(unchecked: [UInt8](repeating: 0, count: length))

    private init(unchecked bytes: [UInt8]) { self.rawValue = bytes }

    /// SHA-256 of the domain's label, a zero byte, and the bytes.
    package init(_ domain: HashDomain, _ bytes: some Sequence<UInt8>) {
        var hash = SHA256()
        hash.update(data: Array(domain.rawValue.utf8) + [0])
        hash.update(data: Array(bytes))
        self.rawValue = Array(hash.finalize())
    }
}

/// What a hash or signature is over. The label is part of the hashed bytes, so that bytes of one kind can never
/// pass for another.
package enum HashDomain: String, Sendable, CaseIterable {
    case entry = "voucher-federation/entry/v1"
    case seal = "voucher-federation/seal/v1"
    case feed = "voucher-federation/feed/v1"
    case feedSeal = "voucher-federation/feed-seal/v1"
    case receipt = "voucher-federation/receipt/v1"
    case grant = "voucher-federation/grant/v1"
    case join = "voucher-federation/join/v1"
    case check = "voucher-federation/check/v1"
    case key = "voucher-federation/key/v1"
    case recovery = "voucher-federation/recovery/v1"
    case membership = "voucher-federation/member/v1"
    /// What an export holds.
    case export = "voucher-federation/export/v1"
    /// What a registry saw of its database, for itself.
    case witness = "voucher-federation/witness/v1"
}
