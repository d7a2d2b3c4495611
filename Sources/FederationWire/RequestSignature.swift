import Crypto
import Foundation
import RawStructuredFieldValues
package import Replication
import SeededBugs

/// HTTP Message Signatures (RFC 9421) as this protocol uses them: Ed25519 over method, target URI and content
/// digest (RFC 9530), with created, nonce and keyid. The signature survives gateways that end TLS.
package struct RequestSignature: Hashable, Sendable {
    /// Who signed: a city's six digits.
    package let keyID: String
    /// Seconds since 1970.
    package let created: Int64
    /// At least 16 characters, fresh for each request.
    package let nonce: String

    /// The three header fields of a signed request.
    package struct Fields: Hashable, Sendable {
        package let contentDigest: String
        package let signatureInput: String
        package let signature: String

        package init(contentDigest: String, signatureInput: String, signature: String) {
            self.contentDigest = contentDigest
            self.signatureInput = signatureInput
            self.signature = signature
        }

        /// Whether they were made for this body.
        package func fit(_ body: [UInt8]) -> Bool {
            contentDigest == RequestSignature.contentDigest(body) || SeededBug.bodyUnsigned.isActive
        }
    }

    package init(keyID: String, created: Int64, nonce: String) {
        self.keyID = keyID
        self.created = created
        self.nonce = nonce
    }

    /// How far `created` may be from the registry's clock, in seconds, either way.
    package static let window: Int64 = 300

    private static let label = "vf"
    private static let components = #"("@method" "@target-uri" "content-digest")"#

    private var parameters: String {
        #"\#(Self.components);created=\#(created);nonce="\#(nonce)";keyid="\#(keyID)";alg="ed25519""#
    }

    /// Signs a request.
    package func sign(method: String, targetURI: String, body: [UInt8], key: SigningKey) throws -> Fields {
        let digest = Self.contentDigest(body)
        let base = Self.base(method: method, targetURI: targetURI, contentDigest: digest, parameters: parameters)
        let signature = Data(try key.sign(Array(base.utf8))).base64EncodedString()
        return Fields(
            contentDigest: digest, signatureInput: "\(Self.label)=\(parameters)",
            signature: "\(Self.label)=:\(signature):")
    }

    /// Reads a `Signature-Input` field; the signature itself is checked by ``isValid(_:method:targetURI:key:)``.
    package init(signatureInput: String) throws(WireFault) {
        var parser = StructuredFieldValueParser(Array(signatureInput.utf8))
        guard let fields = try? parser.parseDictionaryFieldValue(), fields.count == 1,
            case .innerList(let list)? = fields[Self.label]
        else { throw WireFault("Signature-Input needs one signature, labelled \(Self.label)") }
        let covered = list.bareInnerList.map { item -> String in
            if case .string(let name) = item.rfc9651BareItem { name } else { "" }
        }
        guard covered == ["@method", "@target-uri", "content-digest"] else {
            throw WireFault(#"the signature must cover "@method" "@target-uri" "content-digest""#)
        }
        guard case .integer(let created)? = list.rfc9651Parameters["created"],
            case .string(let nonce)? = list.rfc9651Parameters["nonce"],
            case .string(let keyID)? = list.rfc9651Parameters["keyid"]
        else { throw WireFault("the signature needs created, nonce and keyid") }
        guard case .string("ed25519")? = list.rfc9651Parameters["alg"] else {
            throw WireFault(#"alg must be "ed25519""#)
        }
        guard (16...64).contains(nonce.utf8.count) else { throw WireFault("nonce must have 16 to 64 characters") }
        self.init(keyID: keyID, created: Int64(created), nonce: nonce)
        // One spelling only, so that what was parsed is what was signed.
        guard signatureInput == "\(Self.label)=\(parameters)" else {
            throw WireFault("Signature-Input must be written as the protocol page says")
        }
    }

    /// Whether `fields` are this signature by `key` over the request's head, the digest of its body included. That the body
    /// has this digest is for ``Fields/fit(_:)`` to say.
    package func isValid(_ fields: Fields, method: String, targetURI: String, key: PublicKey) -> Bool {
        let prefix = "\(Self.label)=:"
        guard fields.signature.hasPrefix(prefix), fields.signature.hasSuffix(":"),
            let signature = Data(base64Encoded: String(fields.signature.dropFirst(prefix.count).dropLast()))
        else { return false }
        let base = Self.base(
            method: method, targetURI: targetURI, contentDigest: fields.contentDigest, parameters: parameters)
        return key.isValid(Array(signature), for: Array(base.utf8))
    }

    private static func contentDigest(_ body: [UInt8]) -> String {
        "sha-256=:\(Data(SHA256.hash(data: body)).base64EncodedString()):"
    }

    /// RFC 9421 §2.5.
    private static func base(method: String, targetURI: String, contentDigest: String, parameters: String) -> String {
        """
        "@method": \(method)
        "@target-uri": \(targetURI)
        "content-digest": \(contentDigest)
        "@signature-params": \(parameters)
        """
    }
}
