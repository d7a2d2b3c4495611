import Arbitration
import Foundation
import Replication
import Testing
import VoucherDomain

@testable import FederationWire

@Suite("Feed composer")
struct FeedComposerTests {
    private let hasher = KeyHasher(epoch: 2, secret: ComposedFeed.secret)

    @Test("the same journal gives the same feed, byte for byte")
    func deterministic() throws {
        #expect(try ComposedFeed().sealed == ComposedFeed().sealed)
    }

    @Test("the feed follows from its first entry to its head without a gap")
    func follows() throws {
        let feed = try ComposedFeed()

        #expect(try FeedPage.follow(feed.sealed, from: .empty, sealed: feed.head) == feed.head)
        #expect(feed.head.position == UInt64(feed.entries.count))
        #expect(feed.sealed.map(\.entry.decision) == [.noted, .noted, .noted, .reserved, .refused, .withdrawn])
    }

    @Test("each feed entry names the entry that it answers")
    func answers() throws {
        let feed = try ComposedFeed()
        for (entry, sealed) in zip(feed.entries, feed.sealed) {
            #expect(sealed.entry.answers == entry.head)
            #expect(sealed.entry.entryID == entry.id)
            #expect(sealed.entry.city == entry.city)
            #expect(sealed.entry.kind == entry.kind)
            #expect(sealed.entry.incarnation == 1)
        }
    }

    @Test("the registry's own entries travel whole, a city's never")
    func registryEntries() throws {
        let feed = try ComposedFeed()
        for (entry, sealed) in zip(feed.entries, feed.sealed) {
            #expect(sealed.entry.registryEntry == (entry.city == .registry ? entry.bytes : []))
        }
    }

    @Test("a reserved claim's published keys travel as keyed hashes, with a tag for the contract's parties only")
    func takenKeys() throws {
        let feed = try ComposedFeed()
        let published = Claim.full.keys(in: .shenzhen).filter { $0.kind?.isPublished ?? false }
        let taken = feed.sealed[3].entry.taken

        #expect(taken.map(\.hash) == published.map(hasher.hash))
        #expect(taken.map(\.kind) == published.compactMap(\.kind))
        #expect(taken.allSatisfy { $0.tag.isEmpty == ($0.kind != .contractParties) })
        #expect(taken.first { $0.kind == .contractParties }?.tag == hasher.tag(Array(CreditCode.buyer.rawValue.utf8)))
        #expect(feed.sealed[3].entry.keyEpoch == 2)
        #expect(feed.sealed[3].entry.detail == [])
    }

    @Test("a refused claim takes nothing, and a withdrawal gives back what was taken")
    func releasedKeys() throws {
        let feed = try ComposedFeed()

        #expect(feed.sealed[4].entry.taken == [])
        #expect(feed.sealed[4].entry.released == [])
        #expect(feed.sealed[5].entry.taken == [])
        #expect(feed.sealed[5].entry.released == feed.sealed[3].entry.taken.map(\.hash))
        #expect(feed.sealed[5].entry.claimPosition == 4)
    }

    @Test("why a claim was refused opens with its own city's key, at its own position, and with no other")
    func detail() throws {
        let feed = try ComposedFeed()
        let refused = feed.sealed[4].entry
        let beijing = DetailCipher(key: DetailCipher.cityKey(master: ComposedFeed.master, city: .beijing))
        let shenzhen = DetailCipher(key: DetailCipher.cityKey(master: ComposedFeed.master, city: .shenzhen))

        let opened = try ReasonCoding.decode(try #require(beijing.open(refused.detail, position: 5)))
        #expect(opened.claimNumber == "BJ-2026-000999")
        #expect(opened.reasons.map(\.rule).contains("invoice-once"))
        #expect(
            opened.reasons.first { $0.rule == "invoice-once" }?.blocking == [
                ClaimName(city: .shenzhen, number: Claim.full.number)
            ])
        #expect(shenzhen.open(refused.detail, position: 5) == nil)
        #expect(beijing.open(refused.detail, position: 4) == nil)
    }

    @Test("nothing that a city filed can be read in the feed")
    func hides() throws {
        let feed = try ComposedFeed()
        let secrets = [
            Claim.full.number, "BJ-2026-000999", Claim.full.voucherNumber, CreditCode.buyer.rawValue,
            CreditCode.supplier.rawValue, Claim.full.contract.rawValue, Claim.full.contractText,
            Claim.full.enterpriseName,
            Claim.full.bankReceipt, "24117000000012345678", "00012345", "invoice-once", "改正",
        ]
        for sealed in feed.sealed where sealed.entry.city != .registry {
            let bytes = Data(sealed.bytes)
            for secret in secrets { #expect(bytes.range(of: Data(secret.utf8)) == nil, "\(secret)") }
            #expect(bytes.range(of: Data(Claim.full.usageProof)) == nil)
        }
    }

    @Test("another federation secret gives other hashes for the same keys")
    func otherSecret() throws {
        let feed = try ComposedFeed()
        let other = try ComposedFeed(secret: [UInt8](repeating: 0x99, count: 32))
        let hashes = Set(feed.sealed.flatMap { $0.entry.taken.map(\.hash) })

        #expect(hashes.isDisjoint(with: other.sealed.flatMap { $0.entry.taken.map(\.hash) }))
    }

    @Test("a composer that goes on from a head writes what one that never stopped would")
    func goesOn() throws {
        let feed = try ComposedFeed()
        var composer = FeedComposer(
            head: feed.sealed[3].head, incarnations: Incarnations(numbers: [1], from: [1]), hasher: hasher,
            detailMaster: ComposedFeed.master)

        #expect(try composer.compose(feed.entries[4], feed.outcomes[4], receivedAt: 0) == feed.sealed[4])
        #expect(composer.head == feed.sealed[4].head)
    }
}
