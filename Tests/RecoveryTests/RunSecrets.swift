import RegistryStore
import Replication
import Simulation

extension RunSecrets {
    /// The simulator's own, as the production store wants them.
    static let registry = RegistrySecrets(
        signingKey: registryKey, keyEpoch: 1, federationSecret: federationSecret, detailMaster: detailMaster)
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
