import Foundation
package import Replication
import SwiftProtobuf
package import VoucherDomain

/// The registry's word that a city has joined with a key. The city keeps it: a registry that has lost what it wrote of that
/// with its database believes its own signature.
package struct Membership: Hashable, Sendable {
    package let city: CityCode
    package let name: String
    /// The city's.
    package let publicKey: PublicKey
    /// Granted with the join: of two keys of a city the one with the higher epoch is the newer.
    package let epoch: Epoch

    package init(city: CityCode, name: String, publicKey: PublicKey, epoch: Epoch) {
        self.city = city
        self.name = name
        self.publicKey = publicKey
        self.epoch = epoch
    }

    package func signed(by key: SigningKey) throws -> SignedBytes {
        var body = WireMembershipBody()
        body.city = city.rawValue
        body.name = name
        body.publicKey = Data(publicKey.bytes)
        body.epoch = epoch.wire
        return try key.sign(.membership, body.bytes)
    }

    /// Reads a membership that `key` signed.
    package init(_ signed: SignedBytes, by key: PublicKey) throws(WireFault) {
        guard signed.isValid(.membership, by: key) else {
            throw WireFault("the membership's signature is not the registry's")
        }
        let body = try WireMembershipBody(decoding: signed.body)
        guard let publicKey = PublicKey(bytes: Array(body.publicKey)) else {
            throw WireFault("public_key is no Ed25519 key")
        }
        self.init(
            city: try CityCode(wire: body.city), name: body.name, publicKey: publicKey, epoch: Epoch(body.epoch))
    }
}
