import FederationWire
import Replication
import Testing

@testable import CityStore

@Suite("What a city gives back to a registry")
struct RefillTests {
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
