import Foundation
package import Replication
import SwiftProtobuf
package import VoucherDomain

/// What `city enroll` prints: all that a new node needs to find, trust and convince the registry.
package struct JoinToken: Hashable, Sendable {
    package let url: String
    package let city: CityCode
    package let cityName: String
    /// One-time secret, 32 bytes.
    package let secret: [UInt8]
    /// Milliseconds since 1970.
    package let expiresAt: UInt64
    /// The fingerprint of the registry's signing key, which every answer is checked against.
    package let registryKeyDigest: Digest
    /// The registry's private CA, DER; empty when the system's trust is to be used.
    package let trustAnchor: [UInt8]

    package init(
        url: String, city: CityCode, cityName: String, secret: [UInt8], expiresAt: UInt64,
        registryKeyDigest: Digest, trustAnchor: [UInt8]
    ) {
        self.url = url
        self.city = city
        self.cityName = cityName
        self.secret = secret
        self.expiresAt = expiresAt
        self.registryKeyDigest = registryKeyDigest
        self.trustAnchor = trustAnchor
    }

    private static let prefix = "vf1."

    /// Four bytes that a token cut short, or with a letter changed, does not have.
    private static func checksum(_ body: [UInt8]) -> [UInt8] { Array(Digest(.join, body).rawValue.prefix(4)) }

    /// One line, without spaces.
    package var text: String {
        var message = WireJoinToken()
        message.url = url
        message.city = city.rawValue
        message.cityName = cityName
        message.secret = Data(secret)
        message.expiresAtMs = expiresAt
        message.registryKeyDigest = Data(registryKeyDigest.rawValue)
        message.trustAnchor = Data(trustAnchor)
        let base64 = Data(message.bytes + JoinToken.checksum(message.bytes)).base64EncodedString()
        let safe = base64.map { $0 == "+" ? "-" : $0 == "/" ? "_" : $0 }.filter { $0 != "=" }
        return JoinToken.prefix + String(safe)
    }

    package init(text: String) throws(WireFault) {
        let trimmed = text.trimmingCharacters(in: .whitespacesAndNewlines)
        guard trimmed.hasPrefix(JoinToken.prefix) else {
            throw WireFault("a join token begins with \(JoinToken.prefix): copy it whole")
        }
        var base64 = String(
            trimmed.dropFirst(JoinToken.prefix.count).map { $0 == "-" ? "+" : $0 == "_" ? "/" : $0 })
        base64 += String(repeating: "=", count: (4 - base64.count % 4) % 4)
        guard let data = Data(base64Encoded: base64) else {
            throw WireFault("the join token is cut or damaged: copy it whole, or ask for a new one")
        }
        let (body, checksum) = (Array(data.dropLast(4)), Array(data.suffix(4)))
        guard checksum == JoinToken.checksum(body), let message = try? WireJoinToken(decoding: body) else {
            throw WireFault("the join token is cut or damaged: copy it whole, or ask for a new one")
        }
        guard message.secret.count == 32, !message.url.isEmpty else {
            throw WireFault("the join token is cut or damaged: copy it whole, or ask for a new one")
        }
        self.init(
            url: message.url, city: try CityCode(wire: message.city), cityName: message.cityName,
            secret: Array(message.secret), expiresAt: message.expiresAtMs,
            registryKeyDigest: try Digest(wire: message.registryKeyDigest), trustAnchor: Array(message.trustAnchor))
    }
}

/// A node's request to become the node of a city.
package struct JoinRequest: SyncMessage, Hashable {
    package let city: CityCode
    package let secret: [UInt8]
    package let publicKey: PublicKey
    package let processNonce: [UInt8]
    /// That of the store which joins again; `nil` for a new one.
    package let epoch: Epoch?

    package init(
        city: CityCode, secret: [UInt8], publicKey: PublicKey, processNonce: [UInt8], epoch: Epoch? = nil
    ) {
        self.city = city
        self.secret = secret
        self.publicKey = publicKey
        self.processNonce = processNonce
        self.epoch = epoch
    }

    package init(_ bytes: [UInt8], as format: BodyFormat) throws(WireFault) {
        let message = try WireJoinRequest(bytes, as: format)
        guard let key = PublicKey(bytes: Array(message.publicKey)) else {
            throw WireFault("public_key is no Ed25519 key")
        }
        guard message.processNonce.count == 16 else { throw WireFault("a process nonce has 16 bytes") }
        guard message.epoch.isEmpty || message.epoch.count == 16 else { throw WireFault("an epoch has 16 bytes") }
        self.init(
            city: try CityCode(wire: message.city), secret: Array(message.secret), publicKey: key,
            processNonce: Array(message.processNonce), epoch: Epoch(bytes: Array(message.epoch)))
    }

    package func encoded(as format: BodyFormat) -> [UInt8] {
        var message = WireJoinRequest()
        message.city = city.rawValue
        message.secret = Data(secret)
        message.publicKey = Data(publicKey.bytes)
        message.processNonce = Data(processNonce)
        if let epoch { message.epoch = Data(epoch.bytes) }
        return message.encoded(as: format)
    }
}

/// The registry's answer to a join.
package struct JoinAnswer: SyncMessage, Hashable {
    /// A ``Welcome``.
    package let welcome: SignedBytes
    /// A ``Grant``.
    package let grant: SignedBytes
    /// The registry's signing key, to be compared with the token's fingerprint before anything else.
    package let registryKey: PublicKey
    /// A ``Membership``, to be kept; `nil` in answers of earlier software.
    package let membership: SignedBytes?

    package init(welcome: SignedBytes, grant: SignedBytes, registryKey: PublicKey, membership: SignedBytes? = nil) {
        self.welcome = welcome
        self.grant = grant
        self.registryKey = registryKey
        self.membership = membership
    }

    package init(_ bytes: [UInt8], as format: BodyFormat) throws(WireFault) {
        let message = try WireJoinAnswer(bytes, as: format)
        guard let key = PublicKey(bytes: Array(message.registryKey)) else {
            throw WireFault("registry_key is no Ed25519 key")
        }
        self.init(
            welcome: SignedBytes(message.welcome), grant: SignedBytes(message.grant), registryKey: key,
            membership: message.hasMembership ? SignedBytes(message.membership) : nil)
    }

    package func encoded(as format: BodyFormat) -> [UInt8] {
        var message = WireJoinAnswer()
        message.welcome = welcome.wire
        message.grant = grant.wire
        message.registryKey = Data(registryKey.bytes)
        if let membership { message.membership = membership.wire }
        return message.encoded(as: format)
    }
}

/// What a city is told, once, when it joins.
package struct Welcome: Hashable, Sendable {
    package let city: CityCode
    package let name: String
    package let publicKey: PublicKey
    package let keyEpoch: UInt32
    /// The secret behind the keyed hashes of the feed, 32 bytes.
    package let federationSecret: [UInt8]
    /// The key that opens this city's outcome details, 32 bytes.
    package let detailKey: [UInt8]

    package init(
        city: CityCode, name: String, publicKey: PublicKey, keyEpoch: UInt32, federationSecret: [UInt8],
        detailKey: [UInt8]
    ) {
        self.city = city
        self.name = name
        self.publicKey = publicKey
        self.keyEpoch = keyEpoch
        self.federationSecret = federationSecret
        self.detailKey = detailKey
    }

    package func signed(by key: SigningKey) throws -> SignedBytes {
        var message = WireWelcome()
        message.city = city.rawValue
        message.name = name
        message.publicKey = Data(publicKey.bytes)
        message.keyEpoch = keyEpoch
        message.federationSecret = Data(federationSecret)
        message.detailKey = Data(detailKey)
        return try key.sign(.join, message.bytes)
    }

    /// Reads a welcome that `key` signed.
    package init(_ signed: SignedBytes, by key: PublicKey) throws(WireFault) {
        guard signed.isValid(.join, by: key) else { throw WireFault("the welcome's signature is not the registry's") }
        let message = try WireWelcome(decoding: signed.body)
        guard let publicKey = PublicKey(bytes: Array(message.publicKey)) else {
            throw WireFault("public_key is no Ed25519 key")
        }
        guard message.federationSecret.count == 32, message.detailKey.count == 32 else {
            throw WireFault("the welcome's secrets have not 32 bytes")
        }
        self.init(
            city: try CityCode(wire: message.city), name: message.name, publicKey: publicKey,
            keyEpoch: message.keyEpoch, federationSecret: Array(message.federationSecret),
            detailKey: Array(message.detailKey))
    }
}
