import Arbitration
import FederationWire
import GRDB
import Replication
import Testing
import VoucherDomain

@testable import CityStore

@Suite("Applying the feed")
struct FeedTests {
    private let node: TestNode
    private let registry: TestRegistry

    /// Three entries of Beijing and two of our own stand in the feed behind the policy; none is applied yet.
    init() throws {
        node = try TestNode()
        registry = try TestRegistry()
        try registry.fileInBeijing(90)
        try registry.fileInBeijing(91)
        try node.issueVoucher()
        try node.file(Form.claim(1))
        for entry in try node.push(to: registry) { try registry.decide(entry) }
    }

    private func apply(
        _ page: [SealedFeedEntry], sealed: FeedHead, detailKey: [UInt8] = TestNode.identity.detailKey
    ) throws {
        try node.store.apply(page, sealed: sealed, detailKey: detailKey, now: .noon)
    }

    /// Nothing is changed by what `body` tries and fails to apply.
    private func refused<E: Error>(_ error: E.Type, _ body: () throws -> Void) throws -> E? {
        let before = try node.everything()
        let thrown = #expect(throws: error) { try body() }
        #expect(try node.everything() == before)
        return thrown
    }

    @Test("a page is kept byte for byte and moves the cursor to its seal")
    func applied() throws {
        try apply(registry.feed, sealed: registry.head)

        #expect(try node.store.feedHead() == registry.head)
        #expect(
            try node.rows("SELECT bytes FROM feed_entry ORDER BY position").map { $0.bytes("bytes") }
                == registry.feed.map(\.bytes))
        #expect(try node.store.syncState().policyVersion == 1)
        #expect(try node.store.syncState().feedPosition == 6)
        #expect(try node.store.syncState().undecided == 0)
        #expect(try node.store.verifyLog() == 2)
    }

    @Test("pages of any size lead to the same store", arguments: [1, 2, 4])
    func pageSizes(size: Int) throws {
        let whole = try TestNode()
        try whole.store.apply(
            Array(registry.feed.prefix(4)), sealed: registry.feed[3].head, detailKey: TestNode.identity.detailKey,
            now: .noon)
        for start in stride(from: 0, to: registry.feed.count, by: size) {
            let page = Array(registry.feed[start..<min(start + size, registry.feed.count)])
            try apply(page, sealed: try #require(page.last).head)
        }

        #expect(try node.store.feedHead() == registry.head)
        #expect(try node.state("SZ-1") == "reserved")
        let keys = "SELECT * FROM key_index WHERE city_code = 110000 ORDER BY hash, position"
        #expect(try node.rows(keys) == whole.rows(keys))
    }

    @Test("a page that was applied before is refused, whole or in part")
    func twice() throws {
        try apply(Array(registry.feed.prefix(4)), sealed: registry.feed[3].head)

        let whole = try refused(FeedPage.Fault.self) {
            try apply(Array(registry.feed.prefix(4)), sealed: registry.feed[3].head)
        }
        #expect(whole == .gap(expected: 5, found: 1))
        let part = try refused(FeedPage.Fault.self) { try apply(Array(registry.feed[2...]), sealed: registry.head) }
        #expect(part == .gap(expected: 5, found: 3))
        try apply(Array(registry.feed[4...]), sealed: registry.head)
        #expect(try node.state("SZ-1") == "reserved")
    }

    @Test("a page with a gap is refused, at its beginning or inside")
    func gaps() throws {
        let first = try refused(FeedPage.Fault.self) { try apply(Array(registry.feed[1...]), sealed: registry.head) }
        #expect(first == .gap(expected: 1, found: 2))
        let inside = try refused(FeedPage.Fault.self) {
            try apply([registry.feed[0], registry.feed[2]], sealed: registry.feed[2].head)
        }
        #expect(inside == .gap(expected: 2, found: 3))
    }

    @Test("an entry that does not name the hash of the one before is refused")
    func brokenLink() throws {
        var entry = registry.feed[1].entry
        entry.previousHash = .filled(1)
        let forged = FeedCoding.encode(entry)

        let fault = try refused(FeedPage.Fault.self) {
            try apply([registry.feed[0], forged], sealed: forged.head)
        }
        #expect(fault == .brokenLink(position: 2))
    }

    @Test("another history than the one that was applied is refused")
    func otherHistory() throws {
        let other = try TestRegistry()
        for index in 70...72 { try other.fileInBeijing(index) }
        try apply(Array(registry.feed.prefix(4)), sealed: registry.feed[3].head)

        let fault = try refused(FeedPage.Fault.self) { try apply([other.feed[4]], sealed: other.feed[4].head) }
        #expect(fault == .brokenLink(position: 5))
    }

    @Test("a seal over another head than the page's end is refused")
    func otherSeal() throws {
        let seals = [
            registry.feed[2].head, FeedHead(incarnation: 1, position: 6, hash: .filled(6)),
            FeedHead(incarnation: 2, position: 6, hash: registry.head.hash), .empty,
        ]
        for seal in seals {
            #expect(try refused(FeedPage.Fault.self) { try apply(registry.feed, sealed: seal) } == .badSeal)
        }
    }

    @Test("a feed that goes on under a higher incarnation is applied, and none of a lower one after it")
    func incarnations() throws {
        try apply([registry.feed[0]], sealed: registry.feed[0].head)
        var entry = registry.feed[1].entry
        entry.incarnation = 2
        let next = FeedCoding.encode(entry)
        var other = registry.feed[2].entry
        other.previousHash = next.hash
        let forged = FeedCoding.encode(other)

        try apply([next], sealed: next.head)

        #expect(try node.store.feedHead() == next.head)
        #expect(try refused(FeedPage.Fault.self) { try apply([forged], sealed: forged.head) } == .lowerIncarnation(1))
    }

    @Test("a page that fails at its last entry leaves nothing of itself, and can be applied again")
    func atomic() throws {
        try node.execute(
            """
            CREATE TRIGGER broken BEFORE INSERT ON feed_entry WHEN NEW.position = 6
            BEGIN SELECT RAISE(ABORT, 'no'); END
            """)

        #expect(try refused(DatabaseError.self) { try apply(registry.feed, sealed: registry.head) } != nil)
        try node.execute("DROP TRIGGER broken")
        try apply(registry.feed, sealed: registry.head)
        #expect(try node.store.feedHead() == registry.head)
    }

    @Test("when the cursor cannot be moved nothing of the page is applied")
    func cursorAndEffect() throws {
        try node.execute(
            "CREATE TRIGGER broken BEFORE UPDATE OF feed_position ON node BEGIN SELECT RAISE(ABORT, 'no'); END")

        #expect(try refused(DatabaseError.self) { try apply(registry.feed, sealed: registry.head) } != nil)
    }

    @Test("an answer to an entry that this log has not, or has otherwise, is refused")
    func foreignAnswer() throws {
        let position = registry.feed.count - 1
        for answers in [
            LogHead(epoch: .first, sequence: 2, hash: .filled(3)),
            LogHead(epoch: .first, sequence: 77, hash: .filled(3)),
        ] {
            var entry = registry.feed[position].entry
            entry.answers = answers
            let forged = FeedCoding.encode(entry)
            let refusal = try refused(StoreRefusal.self) {
                try apply(registry.feed.dropLast() + [forged], sealed: forged.head)
            }
            #expect(refusal?.code == .damaged)
        }
    }

    @Test("a detail that this city's key does not open is refused")
    func otherDetailKey() throws {
        try registry.fileInBeijing(1)
        try node.file(Form.claim(90))
        for entry in try node.push(to: registry) { try registry.decide(entry) }
        #expect(registry.outcomes.last?.decision == .refused)

        let refusal = try refused(StoreRefusal.self) {
            try apply(registry.feed, sealed: registry.head, detailKey: .init(repeating: 5, count: 32))
        }
        #expect(refusal?.code == .damaged)
        try apply(registry.feed, sealed: registry.head)
        #expect(try node.state("SZ-90") == "refused")
    }

    @Test("an empty page under the cursor's own head is a sign of life and nothing else")
    func emptyPage() throws {
        try apply(registry.feed, sealed: registry.head)
        try node.store.apply([], sealed: registry.head, detailKey: TestNode.identity.detailKey, now: .noon + 5)

        #expect(try node.store.feedHead() == registry.head)
        #expect(try node.store.syncState().lastContact == .noon + 5)
    }
}
