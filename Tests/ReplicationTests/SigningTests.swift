import Testing
import VoucherDomain

@testable import Replication

@Suite("Signing")
struct SigningTests {
    private let key = SigningKey.fixed(1)

    @Test("the first test vector of RFC 8032 gives its public key and signature")
    func knownAnswer() throws {
        let seed = try #require(
            [UInt8](hexadecimal: "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"))
        let publicBytes = [UInt8](hexadecimal: "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
        let signature = try #require(
            [UInt8](
                hexadecimal: "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e397"
                    + "01cf9b46bd25bf5f0595bbe24655141438e7a100b"))
        let key = try #require(SigningKey(seed: seed))

        #expect(key.seed == seed)
        #expect(key.publicKey.bytes == publicBytes)
        #expect(try key.sign([]) == signature)
        #expect(key.publicKey.isValid(signature, for: []))
    }

    @Test("a key comes back from its seed and its public half from its bytes")
    func fromBytes() throws {
        #expect(SigningKey(seed: key.seed)?.publicKey == key.publicKey)
        #expect(PublicKey(bytes: key.publicKey.bytes) == key.publicKey)
        #expect(key.publicKey.fingerprint == Digest(.key, key.publicKey.bytes))
    }

    @Test("a seed and a public key have 32 bytes", arguments: [0, 1, 31, 33, 64])
    func lengths(count: Int) {
        let bytes = [UInt8](repeating: 1, count: count)

        #expect(SigningKey(seed: bytes) == nil)
        #expect(PublicKey(bytes: bytes) == nil)
    }

    @Test("a statement is valid under its own domain, key and body only")
    func ownDomain() throws {
        let signed = try key.sign(.seal, [1, 2, 3])

        for domain in HashDomain.allCases {
            #expect(signed.isValid(domain, by: key.publicKey) == (domain == .seal))
        }
        #expect(!signed.isValid(.seal, by: SigningKey.fixed(2).publicKey))
        #expect(!SignedBytes(body: [1, 2], signature: signed.signature).isValid(.seal, by: key.publicKey))
    }

    @Test("what is signed is the domain's label, a zero byte and the body")
    func message() throws {
        let signed = try key.sign(.receipt, [9])
        let message = Array("voucher-federation/receipt/v1".utf8) + [0, 9]

        #expect(SignedBytes.message(.receipt, [9]) == message)
        #expect(key.publicKey.isValid(signed.signature, for: message))
    }

    @Test("a signature with any bit flipped, cut or lengthened is not valid")
    func damaged() throws {
        let signed = try key.sign(.seal, [1, 2, 3])

        for index in 0..<512 {
            var signature = signed.signature
            signature[index / 8] ^= 1 << (index % 8)
            #expect(!SignedBytes(body: signed.body, signature: signature).isValid(.seal, by: key.publicKey))
        }
        for signature in [[], Array(signed.signature.dropLast()), signed.signature + [0]] {
            #expect(!SignedBytes(body: signed.body, signature: signature).isValid(.seal, by: key.publicKey))
        }
    }

    @Test("32 bytes that are no point of the curve verify nothing")
    func noPoint() throws {
        let signed = try key.sign(.seal, [1])

        for byte in [UInt8(0), 2, 0xFF] {
            guard let stranger = PublicKey(bytes: [UInt8](repeating: byte, count: 32)) else { continue }
            #expect(!signed.isValid(.seal, by: stranger))
        }
    }
}
