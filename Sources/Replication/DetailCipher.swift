import Crypto
import SeededBugs
package import VoucherDomain

/// Encrypts what one city alone may read in the feed: AES-256-GCM under a key that the registry and the city
/// share.
///
/// The nonce is derived from the position and the text (HMAC-SHA-256 under the same key, 12 bytes), so that
/// folding a journal twice gives the same bytes, and two different texts never meet under one nonce.
package struct DetailCipher: Sendable {
    private let key: SymmetricKey

    /// - Parameter key: 32 bytes.
    package init(key: [UInt8]) { self.key = SymmetricKey(data: key) }

    /// The key of one city, derived from the registry's master secret, which never leaves the registry.
    package static func cityKey(master: [UInt8], city: CityCode) -> [UInt8] {
        let reader = SeededBug.oneDetailKey.isActive ? .registry : city
        let code = HMAC<SHA256>.authenticationCode(
            for: Array("detail-key/\(reader)".utf8), using: SymmetricKey(data: master))
        return Array(code)
    }

    /// - Returns: 12 bytes of nonce, the ciphertext, 16 bytes of tag.
    package func seal(_ text: [UInt8], position: UInt64) throws -> [UInt8] {
        let place = withUnsafeBytes(of: position.bigEndian, Array.init)
        let nonce = Array(HMAC<SHA256>.authenticationCode(for: place + text, using: key).prefix(12))
        let box = try AES.GCM.seal(text, using: key, nonce: AES.GCM.Nonce(data: nonce), authenticating: place)
        return nonce + Array(box.ciphertext) + Array(box.tag)
    }

    /// The text, or `nil` when it was not sealed by this key at this position.
    package func open(_ bytes: [UInt8], position: UInt64) -> [UInt8]? {
        let place = withUnsafeBytes(of: position.bigEndian, Array.init)
        guard let box = try? AES.GCM.SealedBox(combined: bytes),
            let text = try? AES.GCM.open(box, using: key, authenticating: place)
        else { return nil }
        return Array(text)
    }
}
