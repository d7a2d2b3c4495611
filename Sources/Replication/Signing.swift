import Crypto
import SeededBugs

/// An Ed25519 key that signs seals, receipts and requests.
package struct SigningKey: Sendable {
    private let key: Curve25519.Signing.PrivateKey

    /// A new random key.
    package init() { self.key = Curve25519.Signing.PrivateKey() }

    /// - Parameter seed: The 32 bytes of ``seed``; other lengths give `nil`.
    package init?(seed: [UInt8]) {
        guard let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: seed) else { return nil }
        self.key = key
    }

    /// The 32 secret bytes, for storage.
    package var seed: [UInt8] { Array(key.rawRepresentation) }

    package var publicKey: PublicKey { PublicKey(key.publicKey) }

    /// Signs bytes as they are, for protocols that separate domains themselves.
    package func sign(_ bytes: [UInt8]) throws -> [UInt8] { Array(try key.signature(for: bytes)) }

    /// Signs `body` under a domain.
    package func sign(_ domain: HashDomain, _ body: [UInt8]) throws -> SignedBytes {
        SignedBytes(body: body, signature: try sign(SignedBytes.message(domain, body)))
    }
}

/// The public half of a ``SigningKey``.
package struct PublicKey: Hashable, Sendable {
    /// 32 bytes.
    package let bytes: [UInt8]

    package init?(bytes: [UInt8]) {
        guard (try? Curve25519.Signing.PublicKey(rawRepresentation: bytes)) != nil else { return nil }
        self.bytes = bytes
    }

    init(_ key: Curve25519.Signing.PublicKey) { self.bytes = Array(key.rawRepresentation) }

    package func isValid(_ signature: [UInt8], for bytes: [UInt8]) -> Bool {
        guard let key = try? Curve25519.Signing.PublicKey(rawRepresentation: self.bytes) else { return false }
        return key.isValidSignature(signature, for: bytes)
    }

    /// The digest by which a join token names the registry's key.
    package var fingerprint: Digest { Digest(.key, bytes) }
}

/// Bytes and an Ed25519 signature over them under one domain.
package struct SignedBytes: Hashable, Sendable {
    package let body: [UInt8]
    package let signature: [UInt8]

    package init(body: [UInt8], signature: [UInt8]) {
        self.body = body
        self.signature = signature
    }

    package func isValid(_ domain: HashDomain, by key: PublicKey) -> Bool {
        key.isValid(signature, for: SignedBytes.message(domain, body))
    }

    /// The domain's label, a zero byte, and the body.
    static func message(_ domain: HashDomain, _ body: [UInt8]) -> [UInt8] {
        SeededBug.domainDropped.isActive ? body : Array(domain.rawValue.utf8) + [0] + body
    }
}
