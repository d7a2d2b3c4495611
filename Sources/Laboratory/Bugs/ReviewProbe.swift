import Arbitration
import FederationWire
import GeneratedJournals
import Replication
import VoucherDomain

/// A sound log, hello and feed, and the same changed in one place: what must be refused or rejected then.
struct ReviewProbe {
    private let key: SigningKey
    private let city: CityCode
    private let epoch = Epoch(incarnation: 1, counter: 3, nonce: 0xA3)
    private let older = Epoch(incarnation: 1, counter: 2, nonce: 0xA2)
    private let log: [Entry]
    /// How many entries of the log the registry has.
    private let known: Int

    private static let now: UInt64 = 1_780_000_000_000

    init(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        key = SigningKey()
        city = .hangzhou
        known = Int.random(in: 2...6, using: &random)
        var log: [Entry] = []
        for index in 0..<(known + Int.random(in: 2...4, using: &random)) {
            log.append(
                EntryCoding.make(
                    EntryDraft(
                        city: city, epoch: epoch, sequence: UInt64(index + 1),
                        time: HybridTime(milliseconds: Self.now + UInt64(index) * 1_000), kind: .claimFiled,
                        feedHead: .empty, id: EntryID(using: &random), payload: [UInt8(index)],
                        previousHash: log.last?.hash ?? .zero)))
        }
        self.log = log
    }

    func finding() throws -> String? { try pushes() ?? hellos() ?? pages() }

    // MARK: Batches

    private func standing(promised: HybridTime? = nil) -> CityStanding {
        CityStanding(
            city: city, isSuspended: false, publicKey: key.publicKey, grantedEpoch: epoch, head: log[known - 1].head,
            time: log[known - 1].time, watermark: promised ?? log[known - 1].time)
    }

    private func pushes() throws -> String? {
        let (last, next) = (log[known - 1], log[known])
        guard case .success(let sound) = try review(Array(log[(known - 1)...])), sound.answers.last == .accepted else {
            return "a sound batch is refused"
        }
        let tomorrow = HybridTime(milliseconds: Self.now + 86_400_000)
        let refused: [(String, Result<PushReview.Accepted, PushReview.Fault>)] = [
            ("a known entry with another payload", try review([last.with { $0.payload = [99] }, next])),
            ("a batch of a process that is fenced", try review([next], session: older)),
            ("a batch of a session before the registry began anew", try review([next], incarnation: 2)),
            (
                "an epoch that nobody was granted",
                try review([next.with { $0.epoch = Epoch(incarnation: 1, counter: 4, nonce: 1) }])
            ), ("a seal by another key", try review([next], signer: SigningKey())),
            ("a watermark of tomorrow", try review([next], watermark: tomorrow)),
            ("an entry that does not name the one before it", try review([next.with { $0.previousHash = .zero }])),
            ("an entry of another city", try review([next.with { $0.city = .beijing }])),
        ]
        for (what, result) in refused { if case .success = result { return "accepted: \(what)" } }
        let rejected: [(String, Entry)] = [
            ("an id that is taken", next.with { $0.id = last.id }),
            ("a clock that does not rise", next.with { $0.time = last.time }),
            ("an act of the registry", next.with { $0.kind = .citySuspended }),
        ]
        for (what, entry) in rejected {
            guard case .success(let accepted) = try review([entry]), case .rejected? = accepted.answers.last else {
                return "not rejected: \(what)"
            }
        }
        let promise = HybridTime(milliseconds: next.time.milliseconds + 1_000)
        guard case .success(let late) = try review([next], promised: promise), case .rejected? = late.answers.last
        else {
            return "not rejected: an entry below its city's own watermark"
        }
        guard case .success(let accepted) = try review([], watermark: .zero), accepted.watermark == standing().watermark
        else { return "a watermark sinks" }
        return nil
    }

    private func review(
        _ entries: [Entry], session: Epoch? = nil, signer: SigningKey? = nil, watermark: HybridTime? = nil,
        promised: HybridTime? = nil, incarnation: UInt32 = 1
    ) throws -> Result<PushReview.Accepted, PushReview.Fault> {
        let end = entries.last ?? log[known - 1]
        let seal = Seal(city: city, head: end.head, watermark: watermark ?? end.time, feedHead: .empty)
        let batch = PushBatch(
            sessionEpoch: session ?? epoch, entries: entries, seal: seal, signedSeal: try seal.signed(by: signer ?? key)
        )
        return PushReview.review(
            batch, standing: standing(promised: promised), incarnation: incarnation,
            knownHash: { log[Int($0) - 1].hash },
            isKnownID: { id in log.prefix(known).contains { $0.id == id } }, now: Self.now + 60_000)
    }

    // MARK: Hellos

    private func hellos() -> String? {
        let feed = FeedHead(incarnation: 1, position: 7, hash: log[0].hash)
        func isGranted(
            log head: LogHead? = nil, feed other: FeedHead? = nil, epoch own: Epoch? = nil, promise: UInt32 = 0,
            in incarnation: UInt32 = 1
        ) -> Bool {
            let hello = Hello(
                versions: [1], city: city, processNonce: [UInt8](repeating: 1, count: 16), epoch: own ?? epoch,
                logHead: head ?? log[known - 1].head, feedHead: other ?? feed, promise: promise)
            let verdict = HelloReview.review(
                hello, standing: standing(), incarnation: incarnation,
                processNonce: [UInt8](repeating: 2, count: 16), knownHash: { log[Int($0) - 1].hash },
                knownFeedHead: { $0 == 7 ? feed : nil })
            if case .success = verdict { return true } else { return false }
        }
        guard isGranted(), isGranted(promise: 2, in: 2) else { return "a sound hello is refused" }
        let otherLog = LogHead(epoch: epoch, sequence: UInt64(known), hash: log[0].hash)
        let otherFeed = FeedHead(incarnation: 1, position: 7, hash: log[1].hash)
        if isGranted(log: otherLog) { return "granted: a log with another entry \(known)" }
        if isGranted(feed: otherFeed) { return "granted: a feed with another entry 7" }
        if isGranted(epoch: older) { return "granted: a store that remembers an older epoch" }
        if isGranted(promise: 1, in: 2) { return "granted: a city that has not promised this incarnation" }
        return nil
    }

    // MARK: Feed pages

    private func pages() -> String? {
        let first = feedEntry(1, after: .zero)
        let second = feedEntry(2, after: first.hash)
        let stranger = feedEntry(2, after: log[0].hash)
        func isFollowed(_ page: [SealedFeedEntry], from cursor: FeedHead = .empty, sealed: FeedHead) -> Bool {
            (try? FeedPage.follow(page, from: cursor, sealed: sealed)) != nil
        }
        guard isFollowed([first, second], sealed: second.head) else { return "a sound page is refused" }
        if isFollowed([first, stranger], sealed: stranger.head) { return "applied: an entry with another past" }
        if isFollowed([first, second], sealed: first.head) { return "applied: an entry behind the seal" }
        let cursor = FeedHead(incarnation: 2, position: 1, hash: first.hash)
        if isFollowed([second], from: cursor, sealed: second.head) { return "applied: an older incarnation's entry" }
        return nil
    }

    private func feedEntry(_ position: UInt64, after hash: Digest) -> SealedFeedEntry {
        FeedCoding.encode(
            FeedEntry(
                incarnation: 1, position: position, previousHash: hash, city: city, answers: log[0].head,
                entryID: log[0].id, kind: .claimFiled, receivedAt: 1, decision: .reserved, policyVersion: 1, keyEpoch: 1
            ))
    }
}

extension Entry {
    /// The entry as it would be with other fields, with bytes and hash of its own.
    fileprivate func with(_ change: (inout EntryDraft) -> Void) -> Entry {
        var draft = EntryDraft(
            city: city, epoch: epoch, sequence: sequence, time: time, kind: kind, feedHead: feedHead, id: id,
            payload: payload, previousHash: previousHash)
        change(&draft)
        return EntryCoding.make(draft)
    }
}
