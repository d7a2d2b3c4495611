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
        versions: [UInt32] = [1], nonce: [UInt8]? = nil, epoch: Epoch? = .second, head: LogHead? = nil,
        feed: FeedHead = .empty, promise: UInt32 = 0, compared: LogHead? = nil
    ) -> Hello {
        Hello(
            versions: versions, city: .shenzhen, processNonce: nonce ?? newcomer, epoch: epoch,
            logHead: head ?? log[2].head, feedHead: feed, promise: promise, compared: compared)
    }

    private func review(
        _ hello: Hello, _ standing: CityStanding? = nil, incarnation: UInt32 = 1
    ) -> Result<HelloReview.Verdict, HelloReview.Fault> {
        HelloReview.review(
            hello, standing: standing ?? self.standing(), incarnation: incarnation, processNonce: holder,
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
        let granted = Result<HelloReview.Verdict, HelloReview.Fault>.success(.grant(version: 1, counter: 3))

        #expect(review(hello(nonce: holder, promise: 2), incarnation: 2) == granted)
        #expect(review(hello(promise: 2), incarnation: 2) == granted)
        #expect(review(hello(epoch: lost, promise: 2), incarnation: 2) == granted)
        for nonce in [holder, newcomer] {
            let stale = hello(nonce: nonce, epoch: .first, promise: 2)
            #expect(review(stale, incarnation: 2) == .failure(.staleEpoch(granted: .second)))
        }
    }

    @Test(
        "a new incarnation grants nothing to a city that has not promised: what it said before is not said to this one",
        arguments: [UInt32(0), 1, 2, 4])
    func unpromised(promise: UInt32) {
        for nonce in [holder, newcomer] {
            let said = hello(nonce: nonce, head: log[0].head, promise: promise)
            #expect(review(said, incarnation: 3) == .failure(.unpromised(incarnation: 3)))
        }
    }

    @Test("a registry that another one has outrun grants nothing and keeps nothing, whatever else it does not know")
    func outrun() {
        let ahead = FeedHead(incarnation: 2, position: 99, hash: .zero)
        for said in [hello(promise: 2), hello(nonce: holder, feed: ahead, promise: 2)] {
            #expect(review(said) == .failure(.unpromised(incarnation: 1)))
        }
    }

    @Test("after a grant of the present incarnation no older promise is asked for")
    func joinedSince() {
        let standing = CityStanding(
            city: .shenzhen, isSuspended: false, publicKey: SigningKey.fixed(1).publicKey,
            grantedEpoch: Epoch(incarnation: 2, counter: 1, nonce: 1), head: log[2].head, time: .zero, watermark: .zero)
        let said = hello(epoch: standing.grantedEpoch)

        #expect(review(said, standing, incarnation: 2) == .success(.grant(version: 1, counter: 2)))
    }

    @Test("the same process again keeps its grant, even when the answer with the epoch was lost")
    func keeps() {
        #expect(review(hello(nonce: holder)) == .success(.keep(version: 1)))
        #expect(review(hello(nonce: holder, epoch: .first)) == .success(.keep(version: 1)))
        #expect(review(hello(nonce: holder, epoch: nil)) == .success(.keep(version: 1)))
    }

    @Test("a node that names an older epoch than the last granted is a clone", arguments: [nil, Epoch.first])
    func staleEpoch(epoch: Epoch?) {
        #expect(review(hello(epoch: epoch)) == .failure(.staleEpoch(granted: .second)))
    }

    @Test(
        "a node that names a later epoch than the last granted shows that the registry has lost one",
        arguments: [UInt32(1), 2])
    func unknownEpoch(incarnation: UInt32) {
        let later = Epoch(incarnation: incarnation, counter: 3, nonce: 0xA3)

        #expect(review(hello(epoch: later)) == .failure(.unknownEpoch(later)))
    }

    @Test("an epoch of equal numbers and another nonce is not the one granted", arguments: [UInt64(0xA1), 0xA3])
    func otherNonce(nonce: UInt64) {
        let twin = Epoch(incarnation: 1, counter: 2, nonce: nonce)

        guard case .failure = review(hello(epoch: twin)) else {
            Issue.record("a grant followed one that was never made")
            return
        }
    }

    /// What hellos did to one city, as the registry's store does it.
    private struct Row {
        var granted: Epoch
        var holder: [UInt8]
        var incarnation: UInt32 = 1
        /// Every epoch that was granted, from the first on.
        var history: [Epoch]
    }

    private func carryOut(_ hello: Hello, on row: inout Row) {
        let standing = CityStanding(
            city: .shenzhen, isSuspended: false, publicKey: SigningKey.fixed(1).publicKey, grantedEpoch: row.granted,
            head: .empty, time: .zero, watermark: .zero)
        let verdict = HelloReview.review(
            hello, standing: standing, incarnation: row.incarnation, processNonce: row.holder, knownHash: { _ in nil },
            knownFeedHead: { _ in nil })
        guard case .success(.grant(_, let counter)) = verdict else { return }
        row.granted = Epoch(incarnation: row.incarnation, counter: counter, nonce: UInt64(100 + row.history.count))
        row.holder = hello.processNonce
        row.history.append(row.granted)
    }

    @Test("a hello takes effect once at most, in whichever order and however often hellos arrive", arguments: 1...200)
    func onceAtMost(seed: UInt64) {
        var numbers = SeededGenerator(seed: seed)
        var row = Row(granted: .first, holder: holder, history: [.first])
        var said: [Hello] = []
        var effects: [Int: Int] = [:]
        for _ in 0..<60 {
            // A node says something new, which may never arrive, or come late, or be said again; now and then the registry
            // is put back to an earlier grant, and begins anew.
            if numbers.next() % 3 == 0 {
                let nonce = [UInt8](repeating: UInt8(numbers.next() % 5), count: 16)
                let promise = row.incarnation == 1 ? 0 : row.incarnation
                said.append(
                    Hello(
                        versions: [1], city: .shenzhen, processNonce: nonce, epoch: row.granted, logHead: .empty,
                        feedHead: .empty, promise: promise))
            }
            if numbers.next() % 20 == 0 {
                row.incarnation += 1
                row.granted = row.history[Int(numbers.next() % UInt64(row.history.count))]
            }
            guard !said.isEmpty else { continue }
            let index = Int(numbers.next() % UInt64(said.count))
            let before = row.history.count
            carryOut(said[index], on: &row)
            effects[index, default: 0] += row.history.count - before
        }

        #expect(effects.values.allSatisfy { $0 <= 1 })
        #expect(row.history.count > 1)
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

    @Test("a node is granted nothing while the registry has more of its log than it has compared: another one goes on")
    func grown() {
        for compared in [LogHead.empty, log[1].head] {
            #expect(review(hello(compared: compared)) == .failure(.grown(through: 3)))
            // Also one that is ahead: it has not seen whether both have the same entry there.
            #expect(review(hello(head: log[4].head, compared: compared)) == .failure(.grown(through: 3)))
        }
        for compared in [nil, log[2].head, log[4].head] {
            #expect(review(hello(compared: compared)) == .success(.grant(version: 1, counter: 3)))
        }
        // Nobody else has written under the grant of this process.
        #expect(review(hello(nonce: holder, compared: .empty)) == .success(.keep(version: 1)))
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

    @Test(
        "an answer is believed whose time is not further from the node's clock than a request's may be",
        arguments: [
            (1_780_000_000_000, true), (1_780_000_301_000, true), (1_779_999_699_000, true),
            (1_780_000_301_001, false), (1_779_999_698_999, false), (0, false), (.max, false),
        ] as [(UInt64, Bool)])
    func clock(registryTime: UInt64, isBelieved: Bool) {
        let now: UInt64 = 1_780_000_000_000
        let fault = HelloReview.clockFault(registryTime: registryTime, sent: now, now: now)

        #expect((fault == nil) == isBelieved)
        // The time that the answer was under way is nobody's fault.
        let sent = min(registryTime, now - 5_000)
        #expect(HelloReview.clockFault(registryTime: sent, sent: sent, now: now) == nil)
        #expect(fault?.hasPrefix("clock wrong") ?? true)
    }

    @Test("every fault is a sentence that names what was found")
    func messages() {
        let faults: [HelloReview.Fault] = [
            .suspended, .noCommonVersion(offered: [7], spoken: [1]), .staleEpoch(granted: .third),
            .diverged("two histories"), .unpromised(incarnation: 8), .unknownEpoch(.third), .grown(through: 9),
        ]
        let named = ["suspended", "7", "city-node restore", "two histories", "8", "epoch 3", "entry 9"]

        for (fault, name) in zip(faults, named) { #expect(fault.message.contains(name)) }
    }
}
