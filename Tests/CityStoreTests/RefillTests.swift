import FederationWire
import Replication
import TestSupport
import Testing
import VoucherDomain

@testable import CityStore

@Suite("What a city gives back to a registry that was restored")
struct RefillTests {
    private let node: TestNode
    private let registry: TestRegistry

    init() throws {
        node = try TestNode()
        registry = try TestRegistry()
    }

    /// Appends entries that mean nothing, each of a little more than so many bytes.
    private func write(_ count: Int, bytes: Int) throws {
        let payload = PayloadCoding.encodeNodeStart(
            processNonce: [UInt8](repeating: 1, count: 16), software: String(repeating: "a", count: bytes))
        try node.store.pool.write { database in
            for _ in 0..<count { try CityStore.append(.nodeStarted, payload, database, now: .noon) }
        }
    }

    private func standing(_ logHead: LogHead) -> RecoveryStanding {
        RecoveryStanding(incarnation: 2, logHead: logHead, feedHead: .empty, wantsFeed: false, isComplete: false)
    }

    @Test(
        "a receipt for more than a request has room for goes with the page that reaches its end",
        arguments: [(2_001, 1), (20, 250_000)])
    func longReceipt(count: Int, bytes: Int) throws {
        try write(count, bytes: bytes)
        let log = try node.log()
        let (receipt, signed) = try registry.receipt(through: log[count - 1].head)
        try node.store.store(receipt, signed: signed, now: .noon)

        var pages: [RefillPage] = []
        var head = LogHead.empty
        while let page = try node.store.refillPage(standing(head), signer: .city) {
            head = try #require(page.entries.last).head
            pages.append(page)
        }

        #expect(pages.flatMap(\.entries) == log)
        #expect(pages.map(\.receipt) == [nil, signed])
        for page in pages {
            #expect(page.entries.count <= PushBatch.maximumEntries)
            #expect(page.encoded(as: .protobuf).count <= PushBatch.maximumBytes)
            let seal = try Seal(#require(page.seal))
            #expect(seal.head == page.entries.last?.head)
        }
    }

    @Test("what the registry signed when the city joined is shown, also after a restart, and that of a new key instead")
    func membership() throws {
        func word(_ epoch: Epoch) throws -> SignedBytes {
            try Membership(city: .shenzhen, name: "深圳", publicKey: SigningKey.city.publicKey, epoch: epoch)
                .signed(by: .registry)
        }
        let nonce = [UInt8](repeating: 9, count: 16)
        let directory = try TemporaryDirectory()
        let store = try CityStore(directory: directory.path)
        try store.establish(TestNode.identity, epoch: .first, processNonce: nonce, membership: try word(.first))
        #expect(try store.presentation().membership == (try word(.first)))
        try store.close()

        // A store of before there was one has none until its city changes its key.
        #expect(try node.store.presentation().membership == nil)
        try node.store.rekey(TestNode.identity, epoch: .second, processNonce: nonce, membership: try word(.second))
        try node.reopen()
        #expect(try node.store.presentation().membership == (try word(.second)))
    }

    @Test("a feed entry that is larger than a page goes alone, and those around it as ever")
    func largeEntry() throws {
        let (node, registry) = (try TestNode(), try TestRegistry())
        let kind = EntryKind(rawValue: 777)
        try registry.append(kind, [], by: .registry)
        try registry.append(kind, [UInt8](repeating: 0, count: FeedAnswer.pageBytes), by: .registry)
        try registry.append(kind, [], by: .registry)
        try node.sync(with: registry)

        var (pages, head) = ([[[UInt8]]](), FeedHead.empty)
        while head != registry.head {
            let standing = RecoveryStanding(
                incarnation: 2, logHead: .empty, feedHead: head, wantsFeed: true, isComplete: false)
            let page = try #require(try node.store.refillPage(standing, signer: .city))
            pages.append(page.feed)
            head = try FeedCoding.decode(try #require(page.feed.last)).head
        }

        let all = registry.feed.map(\.bytes)
        #expect(pages == [Array(all[..<2]), [all[2]], [all[3]]])
        for page in pages {
            #expect(RefillPage(promise: 2, feed: page).encoded(as: .protobuf).count <= RefillPage.maximumBytes)
        }
    }
}
