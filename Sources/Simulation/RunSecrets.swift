import Arbitration
package import Replication
import VoucherDomain

/// The keys and secrets of every run: constants, for no run tests how they are made.
package enum RunSecrets {
    /// A key from a number: 32 bytes that hold it.
    package static func key(_ number: UInt32) -> SigningKey {
        let bytes = withUnsafeBytes(of: number.bigEndian, Array.init) + [UInt8](repeating: 0x5A, count: 28)
        guard let key = SigningKey(seed: bytes) else { preconditionFailure("a key's seed has 32 bytes") }
        return key
    }

    package static let registryKey = key(0)
    /// The numbers of keys that cities have later: no city's code, nor the stranger's.
    static let laterKeys: ClosedRange<UInt32> = 2_000_000...UInt32.max
    /// Signs what no city signs.
    static let strangerKey = key(1_000_000)
    package static let federationSecret = [UInt8](repeating: 0x77, count: 32)
    static let hasher = KeyHasher(epoch: 1, secret: federationSecret)
    package static let detailMaster = [UInt8](0..<32)
}
