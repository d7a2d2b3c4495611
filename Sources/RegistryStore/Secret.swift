import Crypto

/// One-time secrets and API tokens: shown once, stored as digests.
enum Secret {
    /// 32 random bytes.
    static func make() -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<32).map { _ in UInt8.random(in: 0...255, using: &generator) }
    }

    /// SHA-256, the form in which a secret is stored. Secrets are random, so no salt or stretching is needed.
    static func stored(_ secret: [UInt8]) -> [UInt8] { Array(SHA256.hash(data: secret)) }
}
