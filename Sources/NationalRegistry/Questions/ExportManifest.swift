import FederationHTTP
import FederationWire
import Foundation
import Replication
import VoucherDomain

/// What the registry vouches for in an export: which question, as of which entry of the feed, and the digest of the
/// bytes.
struct ExportManifest: Codable, Hashable, Sendable {
    let dataset: String
    let format: String
    let parameters: [String: String]
    let as_of: PositionDocument
    /// Rows, without a header.
    let count: Int
    let bytes: Int
    /// Of all bytes, in lower-case hexadecimal.
    let sha256: String
    let made_at: String
    let made_for: String

    /// A manifest as a file: its exact bytes as text, and the registry's Ed25519 signature over the domain
    /// `voucher-federation/export/v1`, a zero byte and these bytes.
    struct Signed: Codable, Hashable, Sendable {
        /// The manifest as JSON.
        let manifest: String
        /// Base64.
        let signature: String
        /// The signer's public key, in hexadecimal: to be compared with one that is known from elsewhere.
        let key: String
    }

    func signed(by key: SigningKey) throws -> Signed {
        let body = try JSONBody.encode(self)
        let signed = try key.sign(.export, body)
        return Signed(
            manifest: String(decoding: body, as: UTF8.self), signature: Data(signed.signature).base64EncodedString(),
            key: key.publicKey.bytes.hexadecimal)
    }

    struct Fault: Error { let message: String }
}

extension ExportManifest {
    /// Reads a manifest that `key` signed.
    ///
    /// - Throws: ``Fault`` that says what is wrong.
    init(file: [UInt8], signedBy key: PublicKey) throws(Fault) {
        guard let envelope = try? JSONDecoder().decode(Signed.self, from: Data(file)) else {
            throw Fault(message: "this is no manifest: expected JSON with manifest, signature and key")
        }
        let body = Array(envelope.manifest.utf8)
        guard let signature = Data(base64Encoded: envelope.signature),
            SignedBytes(body: body, signature: Array(signature)).isValid(.export, by: key)
        else { throw Fault(message: "the manifest's signature is not by the registry's key \(key.bytes.hexadecimal)") }
        do {
            self = try JSONDecoder().decode(ExportManifest.self, from: Data(body))
        } catch { throw Fault(message: "the manifest is of a version that this program does not know: update it") }
    }
}
