import RegistryStore
import Replication
import VoucherDomain

/// The keys and secrets of every run: constants, for no run tests how they are made.
enum RunSecrets {
    /// A key from a number: 32 bytes that hold it.
    static func key(_ number: UInt32) -> SigningKey {
        let bytes = withUnsafeBytes(of: number.bigEndian, Array.init) + [UInt8](repeating: 0x5A, count: 28)
        guard let key = SigningKey(seed: bytes) else { preconditionFailure("a key's seed has 32 bytes") }
        return key
    }

    static let registry = RegistrySecrets(
        signingKey: key(0), keyEpoch: 1, federationSecret: [UInt8](repeating: 0x77, count: 32),
        detailMaster: Array(0..<32))
}

extension SeededGenerator {
    /// A number of the range.
    mutating func number<Number: FixedWidthInteger>(in range: ClosedRange<Number>) -> Number {
        Number.random(in: range, using: &self)
    }

    /// One of the elements, if there is any.
    mutating func pick<Element>(_ elements: [Element]) -> Element? {
        elements.isEmpty ? nil : elements[number(in: 0...(elements.count - 1))]
    }

    /// True with that probability, from 0 to 1.
    mutating func chance(_ probability: Double) -> Bool { Double.random(in: 0..<1, using: &self) < probability }

    /// That many random bytes.
    mutating func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8.random(in: 0...255, using: &self) } }
}
