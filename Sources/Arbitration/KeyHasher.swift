import Crypto

/// Turns canonical keys into the form that leaves the registry: HMAC-SHA-256 under the federation secret.
///
/// Invoice numbers have only about 2^38 values, so a plain hash could be enumerated from the feed. The secret
/// has an epoch; a hash is only comparable with hashes of the same epoch.
package struct KeyHasher: Sendable {
    /// Which secret this is; 1 is the first.
    package let epoch: UInt32
    /// Each has taken in the secret and what it is for; each use takes a copy.
    private let forKeys: HMAC<SHA256>
    private let forHolders: HMAC<SHA256>

    /// Bytes kept of each MAC. 128 bits: an accidental collision among 10^9 keys has probability 10^-21.
    package static let hashLength = 16
    /// Bytes kept of a holder's tag, which is only compared under one key.
    package static let tagLength = 8

    /// - Parameter secret: 32 random bytes.
    package init(epoch: UInt32, secret: [UInt8]) {
        self.epoch = epoch
        let keyed = HMAC<SHA256>(key: SymmetricKey(data: secret))
        forKeys = KeyHasher.begun(keyed, domain: 1)
        forHolders = KeyHasher.begun(keyed, domain: 2)
    }

    /// The keyed hash of a key.
    package func hash(_ key: Key) -> [UInt8] { KeyHasher.code(forKeys, key.bytes, KeyHasher.hashLength) }

    /// The tag by which two claims under one key are recognised as the same holder.
    package func tag(_ holder: [UInt8]) -> [UInt8] { KeyHasher.code(forHolders, holder, KeyHasher.tagLength) }

    private static func begun(_ keyed: HMAC<SHA256>, domain: UInt8) -> HMAC<SHA256> {
        var begun = keyed
        begun.update(data: [domain])
        return begun
    }

    private static func code(_ begun: HMAC<SHA256>, _ bytes: [UInt8], _ length: Int) -> [UInt8] {
        var code = begun
        code.update(data: bytes)
        return code.finalize().withUnsafeBytes { Array($0.prefix(length)) }
    }
}
