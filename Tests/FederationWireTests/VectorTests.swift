import Arbitration
import Foundation
import Replication
import Testing
import VoucherDomain

@testable import FederationWire

@Suite("Protocol vectors")
struct VectorTests {
    private static let file = DefaultPolicy.repository("Schemas/protocol/vectors.json")

    /// Ed25519 signatures are compared as bytes, too: this implementation of it is deterministic, as RFC 8032 is.
    @Test("the published vectors are what this implementation computes")
    func published() throws {
        let computed = try Vectors.computed()
        guard ProcessInfo.processInfo.environment["WRITE_VECTORS"] == nil else {
            try VectorTests.write(computed)
            return
        }
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let published = try decoder.decode(Vectors.self, from: Data(contentsOf: VectorTests.file))

        #expect(published == computed, "set WRITE_VECTORS to write the file again")
    }

    @Test("there is a vector for every kind of key, and its first byte is the kind's number")
    func everyKind() {
        #expect(Set(Vectors.keys.compactMap(\.kind)) == Set(KeyKind.allCases))
        #expect(Vectors.keys.allSatisfy { $0.bytes.first == $0.kind?.rawValue })
    }

    @Test("the vectors hold together: hashes are over their bytes, signatures verify, the detail opens")
    func consistent() throws {
        let vectors = try Vectors.computed()
        for entry in [vectors.voucherEntry, vectors.claimEntry, vectors.withdrawalEntry] {
            #expect(try EntryCoding.decode(bytes(entry.bytes)).hash.rawValue.hexadecimal == entry.hash)
        }
        #expect(
            try FeedCoding.decode(bytes(vectors.feedEntry.bytes)).hash.rawValue.hexadecimal == vectors.feedEntry.hash)
        try expectValid(vectors.seal, .seal, by: vectors.cityKey)
        try expectValid(vectors.receipt, .receipt, by: vectors.registryKey)
        try expectValid(vectors.grant, .grant, by: vectors.registryKey)
        try expectValid(vectors.feedSeal, .feedSeal, by: vectors.registryKey)
        try expectValid(vectors.welcome, .join, by: vectors.registryKey)
        let cipher = DetailCipher(key: try bytes(vectors.detail.cityKey))
        let text = try bytes(vectors.detail.text)
        #expect(cipher.open(try bytes(vectors.detail.sealed), position: vectors.detail.position) == text)
        #expect(try JoinToken(text: vectors.joinToken).text == vectors.joinToken)
    }

    @Test("each published request is admitted by its key, and by no other request's signature")
    func requests() throws {
        let requests = try Vectors.computed().signedRequests
        for request in requests {
            let signature = try RequestSignature(signatureInput: request.signatureInput)
            for other in requests {
                let fields = RequestSignature.Fields(
                    contentDigest: request.contentDigest, signatureInput: request.signatureInput,
                    signature: other.signature)
                let isValid = signature.isValid(
                    fields, method: request.method, targetURI: request.targetUri, key: SigningKey.city.publicKey)
                #expect(isValid == (other == request))
                #expect(try fields.fit(bytes(request.body)))
                #expect(try !fields.fit(bytes(request.body) + [0]))
            }
        }
    }

    private func bytes(_ hexadecimal: String) throws -> [UInt8] { try #require([UInt8](hexadecimal: hexadecimal)) }

    private func expectValid(_ signed: Vectors.Signed, _ domain: HashDomain, by key: Vectors.KeyPair) throws {
        let publicKey = try #require(PublicKey(bytes: bytes(key.publicKey)))
        let signed = SignedBytes(body: try bytes(signed.body), signature: try bytes(signed.signature))

        #expect(signed.isValid(domain, by: publicKey))
    }

    /// Indented JSON with sorted names and a final line end.
    private static func write(_ vectors: Vectors) throws {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try (encoder.encode(vectors) + Data("\n".utf8)).write(to: file)
    }
}
