import Testing
import VoucherDomain

@testable import Replication

@Suite("Hello review")
struct HelloReviewTests {
    private let log = makeLog(5)
    private let holder = [UInt8](repeating: 0x11, count: 16)
    private let newcomer = [UInt8](repeating: 0x22, count: 16)
    private let feedHead = FeedHead(incarnation: 1, position: 40, hash: Digest(.feed, [40]))

    private func standing(isSuspended: Bool = false, entries: Int = 3) -> CityStanding {
        CityStanding(
            city: .shenzhen, isSuspended: isSuspended, publicKey: SigningKey.fixed(1).publicKey,
            grantedEpoch: .second, head: entries == 0 ? .empty : log[entries - 1].head, time: .zero, watermark: .zero)
    }

    private func hello(
        versions: [UInt32] = [1], nonce: [UInt8]? = nil, previous: [[UInt8]] = [], epoch: Epoch? = .second,
        head: LogHead? = nil, feed: FeedHead = .empty, isRestored: Bool = false
    ) -> Hello {
        Hello(
            versions: versions, city: .shenzhen, processNonce: nonce ?? newcomer, previousProcessNonces: previous,
            epoch: epoch, logHead: head ?? log[2].head, feedHead: feed, isRestored: isRestored)
    }

    private func review(
        _ hello: Hello, _ standing: CityStanding? = nil, incarnation: UInt32 = 1, hasHeldGrant: Bool = false
    ) -> Result<HelloReview.Verdict, HelloReview.Fault> {
        HelloReview.review(
            hello, standing: standing ?? self.standing(), incarnation: incarnation, processNonce: holder,
            hasHeldGrant: hasHeldGrant,
            knownHash: { (1...5).contains($0) ? log[Int($0) - 1].hash : nil },
            knownFeedHead: { $0 == 40 ? feedHead : nil })
    }

    @Test("a process that remembers the last grant gets the next one")
    func grants() {
        #expect(review(hello()) == .success(.grant(version: 1, counter: 3)))
    }

    @Test("a new incarnation of the registry grants anew, also to the holder and to one whose grant it has lost")
    func newIncarnation() {
        let lost = Epoch(incarnation: 1, counter: 7, nonce: 3)

        #expect(review(hello(nonce: holder), incarnation: 2) == .success(.grant(version: 1, counter: 3)))
        #expect(review(hello(nonce: holder, epoch: .first), incarnation: 2) == .success(.grant(version: 1, counter: 3)))
        #expect(review(hello(epoch: lost), incarnation: 2) == .success(.grant(version: 1, counter: 3)))
        #expect(review(hello(epoch: lost)) == .failure(.staleEpoch(granted: .second)))
        #expect(review(hello(epoch: .first), incarnation: 2) == .failure(.staleEpoch(granted: .second)))
    }

    @Test("the same process again keeps its grant, even when the answer with the epoch was lost")
    func keeps() {
        #expect(review(hello(nonce: holder)) == .success(.keep(version: 1)))
        #expect(review(hello(nonce: holder, epoch: .first)) == .success(.keep(version: 1)))
        #expect(review(hello(nonce: holder, epoch: nil)) == .success(.keep(version: 1)))
    }

    @Test("a store whose last process holds the grant gets the next one without knowing the epoch")
    func grantAnswerLost() {
        #expect(review(hello(previous: [holder], epoch: .first)) == .success(.grant(version: 1, counter: 3)))
        #expect(review(hello(previous: [holder], epoch: nil)) == .success(.grant(version: 1, counter: 3)))
    }

    @Test(
        "a node that remembers another epoch than the last granted is a clone", arguments: [nil, Epoch.first, .third])
    func staleEpoch(epoch: Epoch?) {
        #expect(review(hello(epoch: epoch)) == .failure(.staleEpoch(granted: .second)))
        #expect(review(hello(previous: [newcomer], epoch: epoch)) == .failure(.staleEpoch(granted: .second)))
    }

    @Test("a restored store takes over, whatever epoch it remembers", arguments: [nil, Epoch.first])
    func restored(epoch: Epoch?) {
        let verdict = review(hello(epoch: epoch, head: log[0].head, isRestored: true))

        #expect(verdict == .success(.grant(version: 1, counter: 3)))
    }

    @Test("what a restored store said once does not fence the node that came after it when it is said again")
    func restoredOnce() {
        let again = hello(epoch: .first, head: log[0].head, isRestored: true)

        #expect(review(again, hasHeldGrant: true) == .failure(.staleEpoch(granted: .second)))
    }

    @Test("a restored store with another history is no part of the log: it does not take over")
    func restoredWithAnotherHistory() {
        let forked = LogHead(epoch: .first, sequence: 2, hash: Digest(.entry, [9]))

        guard case .failure(.diverged) = review(hello(head: forked, isRestored: true)) else {
            Issue.record("two histories were not told apart")
            return
        }
    }

    @Test("an epoch of equal numbers and another nonce is not the one granted")
    func otherNonce() {
        let twin = Epoch(incarnation: 1, counter: 2, nonce: 0xFF)

        #expect(review(hello(epoch: twin)) == .failure(.staleEpoch(granted: .second)))
    }

    @Test("a suspended city is told so before anything else")
    func suspended() {
        let standing = standing(isSuspended: true)

        #expect(review(hello(), standing) == .failure(.suspended))
        #expect(review(hello(versions: [], epoch: nil), standing) == .failure(.suspended))
        #expect(review(hello(nonce: holder), standing) == .failure(.suspended))
    }

    @Test(
        "the highest common version is chosen, unknown newer ones are passed over", arguments: [[1], [1, 2], [9, 1]])
    func commonVersion(versions: [UInt32]) {
        #expect(review(hello(versions: versions)) == .success(.grant(version: 1, counter: 3)))
    }

    @Test("no common version is refused with what was offered", arguments: [[], [0], [2, 3]])
    func noCommonVersion(versions: [UInt32]) {
        #expect(review(hello(versions: versions)) == .failure(.noCommonVersion(offered: versions, spoken: [1])))
    }

    @Test("a log that is behind, equal or ahead with the same history is welcome", arguments: 0...5)
    func sameHistory(entries: Int) {
        let head = entries == 0 ? LogHead.empty : log[entries - 1].head

        #expect(review(hello(head: head)) == .success(.grant(version: 1, counter: 3)))
    }

    @Test("a first hello meets an empty log at the registry")
    func emptyLogAtTheRegistry() {
        #expect(review(hello(head: .empty), standing(entries: 0)) == .success(.grant(version: 1, counter: 3)))
        #expect(review(hello(head: log[4].head), standing(entries: 0)) == .success(.grant(version: 1, counter: 3)))
    }

    @Test("another entry at or below the registry's head is a second history", arguments: [UInt64(1), 2, 3])
    func secondHistory(sequence: UInt64) {
        let forked = LogHead(epoch: .second, sequence: sequence, hash: .zero)

        guard case .failure(.diverged(let why)) = review(hello(head: forked)) else {
            Issue.record("a second history was not refused")
            return
        }
        #expect(why.contains("\(sequence)"))
        #expect(review(hello(nonce: holder, head: forked)) == .failure(.diverged(why)))
    }

    @Test("the feed head that a city has applied is one that the registry has")
    func sameFeed() {
        #expect(review(hello(feed: feedHead)) == .success(.grant(version: 1, counter: 3)))
    }

    @Test(
        "a feed head of another hash, position or incarnation means that the registry lost or rewrote its feed",
        arguments: [
            FeedHead(incarnation: 1, position: 40, hash: .zero),
            FeedHead(incarnation: 1, position: 41, hash: Digest(.feed, [40])),
            FeedHead(incarnation: 2, position: 40, hash: Digest(.feed, [40])),
        ])
    func otherFeed(head: FeedHead) {
        let fault = HelloReview.Fault.unknownFeedHead(head.position)
        #expect(review(hello(nonce: holder, feed: head)) == .failure(fault))
        #expect(fault.message.contains("\(head.position)"))
    }

    @Test("every fault is a sentence that names what was found")
    func messages() {
        let faults: [HelloReview.Fault] = [
            .suspended, .noCommonVersion(offered: [7], spoken: [1]),
            .staleEpoch(granted: .third), .diverged("two histories"),
        ]

        for (fault, named) in zip(faults, ["suspended", "7", "3", "two histories"]) {
            #expect(fault.message.contains(named))
        }
    }
}
