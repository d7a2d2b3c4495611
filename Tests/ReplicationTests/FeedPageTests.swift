import Arbitration
import Testing
import VoucherDomain

@testable import Replication

@Suite("Feed page")
struct FeedPageTests {
    private static func entry(after head: FeedHead, incarnation: UInt32 = 1) -> SealedFeedEntry {
        let entry = FeedEntry(
            incarnation: incarnation, position: head.position + 1, previousHash: head.hash, city: .shenzhen,
            answers: .empty, entryID: .numbered(UInt16(head.position + 1)), kind: .claimFiled, receivedAt: 0,
            decision: .reserved, policyVersion: 1, keyEpoch: 1)
        let place = [UInt8(incarnation), UInt8(entry.position)]
        return SealedFeedEntry(entry: entry, bytes: place + head.hash.rawValue)
    }

    private static func feed(_ count: Int) -> [SealedFeedEntry] {
        var head = FeedHead.empty
        return (0..<count).map { _ in
            let entry = entry(after: head)
            head = entry.head
            return entry
        }
    }

    private let feed = FeedPageTests.feed(6)

    @Test("a page that goes on from the cursor moves it to the sealed head", arguments: 0..<6)
    func follows(from count: Int) throws {
        let cursor = count == 0 ? FeedHead.empty : feed[count - 1].head
        let page = Array(feed[count...])

        #expect(try FeedPage.follow(page, from: cursor, sealed: feed[5].head) == feed[5].head)
    }

    @Test("a page read in parts ends where the whole ends")
    func inParts() throws {
        let middle = try FeedPage.follow(Array(feed[..<2]), from: .empty, sealed: feed[1].head)

        #expect(try FeedPage.follow(Array(feed[2...]), from: middle, sealed: feed[5].head) == feed[5].head)
    }

    @Test("a seal over another entry than the last is refused")
    func badSeal() {
        let forged = FeedHead(incarnation: 1, position: 6, hash: .zero)

        for sealed in [feed[4].head, forged, .empty] {
            #expect(throws: FeedPage.Fault.badSeal) { try FeedPage.follow(feed, from: .empty, sealed: sealed) }
        }
    }

    @Test("an empty page leaves the cursor where it is")
    func emptyPage() throws {
        #expect(try FeedPage.follow([], from: feed[2].head, sealed: feed[2].head) == feed[2].head)
        #expect(try FeedPage.follow([], from: .empty, sealed: .empty) == .empty)
    }

    @Test("an empty page sealed over another history of the cursor's position is refused")
    func emptyPageOfAnotherHistory() {
        let other = FeedHead(incarnation: 1, position: 3, hash: .zero)

        #expect(throws: FeedPage.Fault.badSeal) { try FeedPage.follow([], from: feed[2].head, sealed: other) }
    }

    @Test("a page with an entry left out, doubled or swapped is a gap")
    func gaps() {
        let sealed = feed[5].head

        #expect(throws: FeedPage.Fault.gap(expected: 3, found: 4)) {
            try FeedPage.follow([feed[0], feed[1], feed[3]], from: .empty, sealed: sealed)
        }
        #expect(throws: FeedPage.Fault.gap(expected: 2, found: 1)) {
            try FeedPage.follow([feed[0], feed[0]], from: .empty, sealed: sealed)
        }
        #expect(throws: FeedPage.Fault.gap(expected: 1, found: 2)) {
            try FeedPage.follow([feed[1], feed[0]], from: .empty, sealed: sealed)
        }
        #expect(throws: FeedPage.Fault.gap(expected: 4, found: 2)) {
            try FeedPage.follow([feed[1]], from: feed[2].head, sealed: sealed)
        }
    }

    @Test("an entry that names another hash than the cursor's is a broken link")
    func brokenLink() {
        let cursor = FeedHead(incarnation: 1, position: 2, hash: .zero)

        #expect(throws: FeedPage.Fault.brokenLink(position: 3)) {
            try FeedPage.follow(Array(feed[2...]), from: cursor, sealed: feed[5].head)
        }
    }

    @Test("a feed goes on under a higher incarnation and never back under a lower one")
    func incarnations() throws {
        let higher = FeedPageTests.entry(after: feed[1].head, incarnation: 2)
        let lower = FeedPageTests.entry(after: higher.head, incarnation: 1)

        #expect(try FeedPage.follow([higher], from: feed[1].head, sealed: higher.head) == higher.head)
        #expect(try FeedPage.follow([feed[0], feed[1], higher], from: .empty, sealed: higher.head) == higher.head)
        #expect(throws: FeedPage.Fault.lowerIncarnation(1)) {
            try FeedPage.follow([lower], from: higher.head, sealed: lower.head)
        }
        #expect(throws: FeedPage.Fault.lowerIncarnation(1)) {
            try FeedPage.follow([higher, lower], from: feed[1].head, sealed: lower.head)
        }
    }

    @Test("a new reader takes the feed of any incarnation")
    func newReader() throws {
        let first = FeedPageTests.entry(after: .empty, incarnation: 4)

        #expect(try FeedPage.follow([first], from: .empty, sealed: first.head) == first.head)
    }

    @Test("every fault is one sentence that names what was found")
    func messages() {
        let faults: [FeedPage.Fault] = [
            .badSeal, .gap(expected: 3, found: 17), .brokenLink(position: 18), .lowerIncarnation(19),
        ]

        for (fault, named) in zip(faults, ["seal", "17", "18", "19"]) { #expect(fault.message.contains(named)) }
    }
}
