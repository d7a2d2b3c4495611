import DefaultPolicy
import FederationWire
import Replication
import TestSupport
import VoucherDomain

@testable import RegistryStore

// Fixed values that the tests of this target share.

extension SigningKey {
    static let registry = valid(SigningKey(seed: .init(repeating: 2, count: 32)))

    /// The key with which a city joins.
    static func of(_ city: CityCode) -> SigningKey {
        let code = withUnsafeBytes(of: city.rawValue.bigEndian, Array.init)
        return valid(SigningKey(seed: code + [UInt8](repeating: 1, count: 28)))
    }
}

extension RegistrySecrets {
    static let test = RegistrySecrets(
        signingKey: .registry, keyEpoch: 2, federationSecret: .init(repeating: 0x77, count: 32),
        detailMaster: Array(0..<32))
}

extension UInt64 {
    /// Milliseconds since 1970, in the year 2026.
    static let noon: UInt64 = 1_780_000_000_000
}

extension EntryKind {
    /// A kind that no build knows.
    static let future = EntryKind(rawValue: 777)
}

extension [UInt8] {
    /// 16 equal bytes: a process nonce or an entry id.
    static func sixteen(_ byte: UInt8) -> [UInt8] { .init(repeating: byte, count: 16) }
}

/// The default policy with another cap on an enterprise's year.
enum CappedPolicy {
    /// - Parameters:
    ///   - effective: When it comes into force, as the file says it; at once when empty.
    ///   - witnesses: How many other cities must have an authorisation.
    static func document(
        version: UInt32 = 1, yearCap: Money = .yuan(400), effective: String = "", witnesses: Int = 1
    ) -> [UInt8] {
        let begin = effective.isEmpty ? "" : " \"effective\": \(effective),"
        let text = String(decoding: DefaultPolicy.document, as: UTF8.self)
            .replacing("\"version\": 1,", with: "\"version\": \(version),\(begin)")
            .replacing("\"capacity_fen\": 1000000000", with: "\"capacity_fen\": \(yearCap.rawValue)")
            .replacing("\"witness_cities\": 1", with: "\"witness_cities\": \(witnesses)")
            .replacing("\"two_person_fen\": 100000000", with: "\"two_person_fen\": 5000")
            .replacing("\"threshold_fen\": 50000000", with: "\"threshold_fen\": 30000")
            .replacing("\"dwell_seconds\": 259200", with: "\"dwell_seconds\": 300")
            .replacing("\"barred\": []", with: "\"barred\": [[\"算力券\", \"训力券\"]]")
            .replacing("\"percentile\": 99, \"least_peers\": 1000", with: "\"percentile\": 60, \"least_peers\": 5")
        return Array(text.utf8)
    }
}
