import Replication
import Testing
import VoucherDomain

@testable import FederationWire

@Suite("Signed statements")
struct SealCodingTests {
    private let seal = Seal(
        city: .shenzhen, head: .sample, watermark: HybridTime(milliseconds: 1_700_000_000_000, counter: 1),
        feedHead: .sample)
    private let receipt = Receipt(
        id: [UInt8](0..<16), city: .shenzhen, through: .sample, feedHead: .sample, receivedAt: 1_700_000_000_001)
    private let grant = Grant(city: .shenzhen, epoch: .sample, processNonce: MessageSample.nonce, version: 1)
    private let feedSeal = FeedSeal(head: .sample, sealedAt: 1_700_000_000_002)
    private let welcome = Welcome(
        city: .shenzhen, name: "深圳", publicKey: SigningKey.city.publicKey, keyEpoch: 2,
        federationSecret: [UInt8](0..<32), detailKey: [UInt8](32..<64))
    private let registry = SigningKey.registry

    @Test("every statement comes back from its signed bytes")
    func roundTrips() throws {
        #expect(try Seal(seal.signed(by: .city)) == seal)
        #expect(try Receipt(receipt.signed(by: registry), by: registry.publicKey) == receipt)
        #expect(try Grant(grant.signed(by: registry), by: registry.publicKey) == grant)
        #expect(try FeedSeal(feedSeal.signed(by: registry), by: registry.publicKey) == feedSeal)
        #expect(try Welcome(welcome.signed(by: registry), by: registry.publicKey) == welcome)
    }

    @Test("statements about empty logs and an empty feed come back")
    func emptyHeads() throws {
        let empty = Seal(city: .beijing, head: .empty, watermark: .zero, feedHead: .empty)

        #expect(try Seal(empty.signed(by: .city)) == empty)
    }

    @Test("the same statement is always signed over the same bytes, with a signature that holds in its domain")
    func deterministic() throws {
        let signed = try seal.signed(by: .city)

        #expect(try seal.signed(by: .city).body == signed.body)
        #expect(signed.isValid(.seal, by: SigningKey.city.publicKey))
        #expect(!signed.isValid(.receipt, by: SigningKey.city.publicKey))
    }

    @Test("a statement signed by another key than the registry's is refused")
    func otherKey() throws {
        let stranger = SigningKey.city

        #expect(throws: WireFault("the receipt's signature is not the registry's")) {
            try Receipt(receipt.signed(by: stranger), by: registry.publicKey)
        }
        #expect(throws: WireFault("the grant's signature is not the registry's")) {
            try Grant(grant.signed(by: stranger), by: registry.publicKey)
        }
        #expect(throws: WireFault("the feed seal's signature is not the registry's")) {
            try FeedSeal(feedSeal.signed(by: stranger), by: registry.publicKey)
        }
        #expect(throws: WireFault("the welcome's signature is not the registry's")) {
            try Welcome(welcome.signed(by: stranger), by: registry.publicKey)
        }
    }

    @Test("a statement of one kind never passes for another")
    func otherDomain() throws {
        let key = registry.publicKey
        let statements = [
            try seal.signed(by: registry), try receipt.signed(by: registry), try grant.signed(by: registry),
            try feedSeal.signed(by: registry), try welcome.signed(by: registry),
        ]
        for (index, signed) in statements.enumerated() {
            #expect((try? Receipt(signed, by: key)) == (index == 1 ? receipt : nil))
            #expect((try? Grant(signed, by: key)) == (index == 2 ? grant : nil))
            #expect((try? FeedSeal(signed, by: key)) == (index == 3 ? feedSeal : nil))
            #expect((try? Welcome(signed, by: key)) == (index == 4 ? welcome : nil))
        }
    }

    @Test("a statement with any bit flipped is refused")
    func bitFlips() throws {
        let signed = try grant.signed(by: registry)

        for index in 0..<signed.body.count * 8 {
            var body = signed.body
            body[index / 8] ^= 1 << (index % 8)
            let flipped = SignedBytes(body: body, signature: signed.signature)
            #expect(throws: WireFault.self) { try Grant(flipped, by: registry.publicKey) }
        }
    }

    @Test("signed bytes that are no statement are refused")
    func garbage() throws {
        for body in [[], [0xFF], [UInt8](repeating: 0x7B, count: 1_000)] {
            #expect(throws: WireFault.self) { try Seal(SignedBytes(body: body, signature: [])) }
            #expect(throws: WireFault.self) { try Receipt(registry.sign(.receipt, body), by: registry.publicKey) }
            #expect(throws: WireFault.self) { try FeedSeal(registry.sign(.feedSeal, body), by: registry.publicKey) }
            #expect(throws: WireFault.self) { try Welcome(registry.sign(.join, body), by: registry.publicKey) }
        }
    }

    @Test("a welcome whose secrets have not 32 bytes is refused")
    func shortSecrets() throws {
        let short = Welcome(
            city: .shenzhen, name: "", publicKey: SigningKey.city.publicKey, keyEpoch: 1,
            federationSecret: [UInt8](0..<31), detailKey: [UInt8](32..<64))

        #expect(throws: WireFault("the welcome's secrets have not 32 bytes")) {
            try Welcome(short.signed(by: registry), by: registry.publicKey)
        }
    }
}
