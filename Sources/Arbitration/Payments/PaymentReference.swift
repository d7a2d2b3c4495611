import Crypto
import VoucherDomain

/// Under what the bank pays a claim: one reference for one payment, however often the bank is asked.
///
/// A hash over the claim's id, its keys and how often it was paid back in full. It is made once, when the payment is
/// authorised, and stored; nobody derives it again. It keeps one city from paying a claim twice, and is no guard between
/// cities.
package struct PaymentReference: RawRepresentable, Hashable, Sendable {
    /// ``length`` bytes.
    package let rawValue: [UInt8]

    package init?(rawValue: [UInt8]) {
        guard rawValue.count == PaymentReference.length else { return nil }
        self.rawValue = rawValue
    }

    /// 16 bytes: in hexadecimal they fit the 35 characters of an ISO 20022 end-to-end identification.
    package static let length = 16

    /// Reads ``text``.
    package init?(_ text: String) {
        guard let bytes = [UInt8](hexadecimal: text) else { return nil }
        self.init(rawValue: bytes)
    }

    /// What the bank is given: 32 lower-case hexadecimal digits.
    package var text: String { rawValue.hexadecimal }

    /// - Parameters:
    ///   - keys: Every key of the claim, each once, in ascending order.
    ///   - generation: How often the claim was paid back in full.
    init(claimID: [UInt8], keys: [Key], generation: UInt32) {
        var hash = SHA256()
        hash.update(data: Array("voucher-federation/payment/v1".utf8) + [0] + claimID)
        for key in keys {
            hash.update(data: [UInt8(key.bytes.count >> 8), UInt8(key.bytes.count & 0xFF)] + key.bytes)
        }
        hash.update(data: withUnsafeBytes(of: generation.bigEndian, Array.init))
        rawValue = Array(hash.finalize().prefix(PaymentReference.length))
    }
}
