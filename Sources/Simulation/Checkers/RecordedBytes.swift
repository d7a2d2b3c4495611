import Crypto

/// Bytes as somebody looks at them who knows the protocol's page and nothing of the engine.
extension [UInt8] {
    /// SHA-256 of a label, a zero byte, and these bytes.
    func hashed(under label: String) -> [UInt8] {
        var hash = SHA256()
        hash.update(data: Array(label.utf8) + [0])
        hash.update(data: self)
        return Array(hash.finalize())
    }

    /// Whether an Ed25519 signature over these bytes is that of a public key.
    func isSigned(with signature: [UInt8], by key: [UInt8]) -> Bool {
        let key = try? Curve25519.Signing.PublicKey(rawRepresentation: key)
        return key?.isValidSignature(signature, for: self) ?? false
    }

    /// Whether another piece stands in these bytes.
    func hold(_ piece: [UInt8]) -> Bool {
        guard let first = piece.first, piece.count <= count else { return false }
        return (0...(count - piece.count)).contains { start in
            self[start] == first && self[start..<(start + piece.count)].elementsEqual(piece)
        }
    }
}
