import Arbitration
import FederationWire
import Replication
import TestSupport
import Testing
import VoucherDomain

@testable import CityStore

/// What a city says that has filed nothing: without it payments of others would wait for their whole dwell.
@Suite("Reports of an idle city")
struct PaymentReportTests {
    private let desk: PaymentDesk
    private var node: TestNode { desk.node }
    private var registry: TestRegistry { desk.registry }

    /// Shenzhen's log has two entries, both received at noon.
    init() throws { desk = try PaymentDesk() }

    private func next(_ now: UInt64 = .noon) throws -> PushBatch? {
        try node.store.nextBatch(sessionEpoch: .first, signer: .city, now: now)
    }

    /// The registry takes the batch.
    private func receive(_ batch: PushBatch, reported: FeedHead? = nil, now: UInt64 = .noon) throws {
        let (receipt, signed) = try registry.receipt(through: batch.seal.head)
        try node.store.store(receipt, signed: signed, reported: reported ?? batch.seal.feedHead, now: now)
    }

    /// The feed tells that a payment of Beijing's waits.
    private func askInBeijing() throws {
        try registry.requestInBeijing(2)
        try node.pull(from: registry)
    }

    /// The registry has the whole log, and no watermark above its last entry.
    private func standing() throws -> CityStanding {
        let last = try #require(try node.log().last)
        return standing(last.head, last.time, last.time)
    }

    private func standing(_ head: LogHead, _ time: HybridTime, _ watermark: HybridTime) -> CityStanding {
        CityStanding(
            city: .shenzhen, isSuspended: false, publicKey: SigningKey.city.publicKey, grantedEpoch: .first, head: head,
            time: time, watermark: watermark)
    }

    private func review(
        _ batch: PushBatch, _ standing: CityStanding, now: UInt64 = .noon
    ) throws -> PushReview.Accepted {
        try PushReview.review(
            batch, standing: standing, incarnation: 1, knownHash: { _ in nil }, isKnownID: { _ in false }, now: now
        ).get()
    }

    // MARK: When

    @Test("a city whose log is empty has nothing to report, whatever waits and however long it was silent")
    func emptyLog() throws {
        let empty = try TestNode()

        #expect(try empty.store.nextBatch(sessionEpoch: .first, signer: .city, now: .noon + 3_600_000) == nil)
        #expect(try !empty.store.session(now: .noon + 3_600_000).hasUnsent)
    }

    @Test(
        "an idle city is heard after a minute of silence, and not before",
        arguments: [(0, false), (1, false), (59_999, false), (60_000, true), (86_400_000, true)] as [(UInt64, Bool)])
    func silence(milliseconds: UInt64, isHeard: Bool) throws {
        #expect(try node.store.session(now: .noon + milliseconds).hasUnsent == isHeard)
        let batch = try next(.noon + milliseconds)

        #expect((batch != nil) == isHeard)
        #expect(batch?.entries ?? [] == [])
    }

    @Test("the minute of silence begins with the last receipt")
    func silenceAgain() throws {
        let later = UInt64.noon + 60_000
        try receive(try #require(try next(later)), now: later)

        #expect(try next(later + 59_999) == nil)
        #expect(try next(later + 60_000) != nil)
    }

    @Test("entries that no receipt covers go first, whatever waits")
    func entriesFirst() throws {
        try askInBeijing()
        try node.file(Form.claim(5))
        let batch = try #require(try next(.noon + 3_600_000))

        let log = try node.log()
        #expect(batch.entries == [log[2]])
        #expect(batch.seal == (try node.store.unsentBatch(sessionEpoch: .first, signer: .city)?.seal))
        #expect(try review(batch, standing(log[1].head, log[1].time, log[1].time)).answers == [.accepted])
        try receive(batch)
        #expect(try next() == nil)
    }

    @Test(
        "a payment in the feed that waits for other cities asks for a report, whosever it is", arguments: [true, false])
    func asked(isOurs: Bool) throws {
        if isOurs { try desk.reach(.requested) } else { try askInBeijing() }

        #expect(try node.store.session(now: .noon).hasUnsent)
        #expect(try next()?.entries == [])
    }

    @Test("a payment that does not wait asks for nothing, nor does a tick")
    func notAsked() throws {
        try desk.hear([.beijing])
        #expect(try next() == nil)
        try askInBeijing()
        try receive(try #require(try next()))
        try desk.hear([.shenzhen])
        try receive(try #require(try next()))
        try desk.hear([.shenzhen, .beijing])

        #expect(registry.outcomes.last?.effects.first?.payment?.stage == .released)
        #expect(try next() == nil)
    }

    // MARK: What

    @Test("a report is a signed seal over the whole log and the feed, which the registry takes, also over the wire")
    func content() throws {
        try askInBeijing()
        let batch = try #require(try next())
        let last = try #require(try node.log().last)

        #expect(batch.sessionEpoch == .first)
        #expect(batch.entries == [])
        #expect(batch.seal.city == .shenzhen)
        #expect(batch.seal.head == last.head)
        #expect(batch.seal.feedHead == registry.head)
        #expect(batch.seal.watermark > last.time)
        #expect(batch.signedSeal.isValid(.seal, by: SigningKey.city.publicKey))
        #expect(try Seal(batch.signedSeal) == batch.seal)
        let accepted = try review(try PushBatch(batch.encoded(as: .protobuf), as: .protobuf), standing())
        #expect(accepted.answers == [])
        #expect(accepted.watermark == batch.seal.watermark)
        #expect(accepted.head == last.head)
    }

    @Test("what a city reports lets its payment be authorised and released")
    func opens() throws {
        try desk.reach(.authorized)
        let batch = try #require(try next())
        try receive(batch)
        try registry.tick([try registry.seal(of: .beijing), batch.signedSeal])
        try node.pull(from: registry)

        #expect(try desk.view().stage == "released")
        #expect(try next() == nil)
    }

    @Test("a report changes nothing but the time of the log, and nothing when it is given again")
    func reportedOnly() throws {
        try askInBeijing()
        let entries = try node.log()
        try receive(try #require(try next()))

        #expect(try node.log() == entries)
        #expect(try node.store.verifyLog() == 2)
        #expect(try node.store.syncState().unsent == 0)
        #expect(try node.state("SZ-1") == "reserved")
    }

    @Test("under a clock beyond the year 2999 nothing is reported")
    func clock() throws {
        try askInBeijing()
        let before = try desk.everything()

        #expect(try next(PushReview.latestTime + 1) == nil)
        #expect(try desk.everything() == before)
    }

    // MARK: Until when

    @Test("a report is wanted until its receipt, and then no more, also after a restart")
    func untilReceipt() throws {
        try askInBeijing()
        let lost = try #require(try next())
        try node.reopen()
        let batch = try #require(try next())
        #expect(batch.seal.watermark >= lost.seal.watermark)
        #expect(batch.seal.feedHead == lost.seal.feedHead)
        try receive(batch)
        #expect(try next() == nil)
        #expect(try !node.store.session(now: .noon).hasUnsent)
        try node.reopen()

        #expect(try next() == nil)
    }

    @Test("once the payment is authorised, a report of that is wanted, too")
    func wantedAgain() throws {
        try askInBeijing()
        try receive(try #require(try next()))
        try desk.hear([.shenzhen])

        #expect(registry.outcomes.last?.effects.first?.payment?.stage == .authorized)
        #expect(try next()?.seal.feedHead == registry.head)
    }

    @Test("what the feed has asked for while a report was under way is still wanted after its receipt")
    func askedMeanwhile() throws {
        try askInBeijing()
        let batch = try #require(try next())
        try desk.hear([.shenzhen])
        try receive(batch)

        #expect(try next()?.seal.feedHead == registry.head)
    }

    @Test("a receipt of something older, and one that names no feed, leave a report wanted")
    func olderReceipt() throws {
        let before = registry.head
        try askInBeijing()
        let batch = try #require(try next())
        try receive(batch, reported: before)
        #expect(try next() != nil)
        try receive(batch, reported: .empty)
        #expect(try next() != nil)
        try receive(batch)
        try receive(batch, reported: before)

        #expect(try next() == nil)
    }

    @Test("a batch of entries reports, too")
    func entriesReport() throws {
        try askInBeijing()
        try node.file(Form.claim(5))
        let batch = try #require(try next())
        #expect(batch.entries.count == 1)
        try receive(batch)

        #expect(try next() == nil)
    }

    // MARK: Watermarks

    @Test("the promise that nothing older is filed outlives the process, and a clock that is set back")
    func promise() throws {
        try askInBeijing()
        let watermark = try #require(try next(.noon + 5_000)).seal.watermark
        try node.reopen()
        try node.file(Form.claim(5), now: .noon - 86_400_000)

        #expect(watermark.milliseconds >= .noon + 5_000)
        let last = try #require(try node.log().last)
        #expect(last.time >= watermark)
    }

    @Test(
        "a watermark is above all that was filed before as far as the clock is, and at or below all that is filed after",
        arguments: 1...12 as ClosedRange<UInt64>)
    func watermarks(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var (clock, latest) = (UInt64.noon, UInt64.noon)
        var standing = try standing()
        // No receipt below names the feed, so that a report is wanted all the time.
        try askInBeijing()
        for step in 1...50 {
            switch generator.number(below: 4) {
            case 0: clock += generator.number(in: 1...2_000)
            case 1: clock -= generator.number(in: 1...2_000)
            default: break
            }
            latest = max(latest, clock)
            if generator.once(in: 2) { try node.issue([Form.voucher("SLQ-\(step)")], now: clock) }
            guard generator.once(in: 2) else { continue }
            let batch = try #require(try next(clock))
            let (time, watermark) = (standing.time, standing.watermark)
            let isLater = batch.entries.map(\.time).allSatisfy { $0 > time && $0 >= watermark }
            #expect(isLater, "seed \(seed), step \(step)")
            let accepted = try review(batch, standing, now: latest)
            #expect(accepted.answers.allSatisfy { $0 == .accepted }, "seed \(seed), step \(step)")
            if batch.entries.isEmpty {
                // Behind a clock that was set back the promise is the present.
                let isRight =
                    time.milliseconds <= clock
                    ? batch.seal.watermark > time : batch.seal.watermark == HybridTime(milliseconds: clock)
                #expect(isRight, "seed \(seed), step \(step)")
            }
            try receive(batch, reported: .empty, now: clock)
            standing = self.standing(accepted.head, accepted.time, accepted.watermark)
        }
    }

    /// What a city did while its clock was an hour fast.
    enum Hour: CaseIterable { case filed, reported }

    /// The registry refuses a watermark that is ahead of its clock and of the city's last entry; a node that is refused
    /// so stops.
    @Test("a city whose clock was fast gives no report that the registry refuses", arguments: Hour.allCases)
    func fastClock(hour: Hour) throws {
        try askInBeijing()
        switch hour {
        case .filed:
            try node.file(Form.claim(5), now: .noon + 3_600_000)
            try node.push(to: registry)
        // Under such a clock no request is answered.
        case .reported: _ = try next(.noon + 3_600_000)
        }
        let standing = try standing()

        for now in [UInt64.noon + 61_000, .noon + 7_200_000] {
            guard let batch = try next(now) else {
                #expect(now < .noon + 3_600_000)
                continue
            }
            #expect(throws: Never.self) { try review(batch, standing, now: now) }
        }
    }

    @Test("a city whose clock is set back is not silent until that has caught up")
    func slowClock() throws {
        try askInBeijing()
        try receive(try #require(try next(.noon)), now: .noon + 86_400_000)

        #expect(try next(.noon + 120_000) != nil)
    }
}
