import Testing
import VoucherDomain

@testable import Replication

@Suite("Entries that a push rejects")
struct RejectedEntryTests {
    private let log = makeLog(3)

    /// Pushes the changed fourth entry and a good fifth one; both must come into the log.
    private func push(
        _ registry: PushReviewFixture = PushReviewFixture(known: 3), _ change: (inout EntryDraft) -> Void
    ) throws -> PushReview.Accepted {
        let bad = EntryDraft.following(log[2].head).changing(change).entry
        let good = EntryDraft.following(bad.head).changing {
            $0.epoch = max($0.epoch, bad.epoch)
            $0.id = .numbered(900)
        }.entry
        let accepted = try registry.review(registry.batch([bad, good])).get()
        #expect(accepted.appended.map(\.entry) == [bad, good])
        #expect(accepted.head == good.head)
        return accepted
    }

    @Test("an id that another entry has is rejected, and the next entry flows")
    func knownID() throws {
        let accepted = try push { $0.id = .numbered(1) }

        #expect(accepted.answers == [.rejected("its id is already used by another entry"), .accepted])
        #expect(accepted.appended.map(\.fault) == ["its id is already used by another entry", nil])
    }

    @Test("an id used twice within the batch is rejected the second time")
    func repeatedID() throws {
        let accepted = try push { $0.id = .numbered(900) }

        #expect(accepted.answers == [.accepted, .rejected("its id is already used by another entry")])
    }

    @Test("a clock that does not rise is rejected, and the log's time stays at its highest")
    func clock() throws {
        let accepted = try push { $0.time = log[2].time }

        #expect(accepted.answers == [.rejected("its clock does not rise"), .accepted])
        #expect(accepted.time == EntryDraft.following(accepted.appended[0].entry.head).time)
    }

    @Test("an entry filed before the city's own watermark is rejected, one filed at it is not")
    func watermark() throws {
        let breached = PushReviewFixture(known: 3, watermark: HybridTime(milliseconds: 1_004_001))
        let kept = PushReviewFixture(known: 3, watermark: HybridTime(milliseconds: 1_004_000))

        #expect(
            try push(breached) { _ in }.answers
                == [.rejected("it is filed before the city's own watermark"), .accepted])
        #expect(try push(kept) { _ in }.answers == [.accepted, .accepted])
    }

    @Test("an entry under an epoch that was never granted has the batch refused: no later epoch could follow it")
    func epoch() throws {
        #expect(throws: PushReview.Fault.chain(.ungrantedEpoch(sequence: 4))) { try push { $0.epoch = .third } }
    }

    @Test("a rejected entry's clock binds nothing after it")
    func rejectedClock() throws {
        let accepted = try push {
            $0.id = .numbered(1)
            $0.time = HybridTime(milliseconds: 40_000_000_000_000)
        }

        #expect(accepted.answers == [.rejected("its id is already used by another entry"), .accepted])
    }

    @Test("an answer to a case of a history that was given up is rejected, and its clock binds nothing after it")
    func strayAnswer() throws {
        let registry = PushReviewFixture(known: 3)
        let stray = EntryDraft.following(log[2].head).changing {
            $0.kind = .caseAnswered
            $0.time = HybridTime(milliseconds: 4_000_000_000_000)
        }.entry
        let next = EntryDraft.following(stray.head).changing { $0.id = .numbered(900) }.entry

        let accepted = try registry.review(
            registry.batch([stray, next]), isStray: { $0.kind == .caseAnswered }
        ).get()

        #expect(accepted.answers == [.rejected(PushReview.strayAnswer), .accepted])
        #expect(accepted.appended.map(\.fault) == [PushReview.strayAnswer, nil])
        #expect(accepted.time == next.time)
    }

    @Test("a clock that leaves no room to rise is rejected")
    func endOfTime() throws {
        let accepted = try push { $0.time = HybridTime(milliseconds: 32_503_680_000_001) }

        #expect(accepted.answers == [.rejected("its clock is beyond the year 2999"), .accepted])
    }

    @Test("the registry's own kinds are rejected in a city's log", arguments: [UInt32(100), 104, 105, 199])
    func registryKind(kind: UInt32) throws {
        let accepted = try push { $0.kind = EntryKind(rawValue: kind) }

        #expect(accepted.answers == [.rejected("its kind belongs to the registry's log"), .accepted])
    }

    @Test("kinds of a newer version are accepted, to be answered later", arguments: [UInt32(99), 200, .max])
    func unknownKind(kind: UInt32) throws {
        let accepted = try push { $0.kind = EntryKind(rawValue: kind) }

        #expect(accepted.answers == [.accepted, .accepted])
    }

    @Test("a payload over the limit is rejected, one at the limit is not")
    func payload() throws {
        let over = try push { $0.payload = [UInt8](repeating: 0, count: Entry.maximumPayloadBytes + 1) }
        let most = try push { $0.payload = [UInt8](repeating: 0, count: Entry.maximumPayloadBytes) }

        #expect(over.answers == [.rejected("its payload is over 262144 bytes"), .accepted])
        #expect(most.answers == [.accepted, .accepted])
    }
}

/// A registry that knows the first entries of the log that ``makeLog(_:epoch:)`` makes.
struct PushReviewFixture {
    private let log = makeLog(6)
    private let key = SigningKey.fixed(1)
    private let standing: CityStanding

    init(known: Int, isSuspended: Bool = false, watermark: HybridTime = .zero) {
        self.standing = CityStanding(
            city: .shenzhen, isSuspended: isSuspended, publicKey: key.publicKey, grantedEpoch: .second,
            head: log[known - 1].head, time: log[known - 1].time, watermark: watermark)
    }

    /// A batch under a seal over its last entry, with whatever is to be wrong about it.
    func batch(
        _ entries: [Entry], session: Epoch = .second, seal head: LogHead? = nil, city: CityCode = .shenzhen,
        watermark: HybridTime = .zero, key: SigningKey? = nil
    ) throws -> PushBatch {
        let end = head ?? entries.last?.head ?? .empty
        let seal = Seal(city: city, head: end, watermark: watermark, feedHead: .empty)
        let body = Array(city.description.utf8) + end.hash.rawValue
        return PushBatch(
            sessionEpoch: session, entries: entries, seal: seal, signedSeal: try (key ?? self.key).sign(.seal, body))
    }

    func review(
        _ batch: PushBatch, incarnation: UInt32 = 1, isStray: (Entry) -> Bool = { _ in false }
    ) -> Result<PushReview.Accepted, PushReview.Fault> {
        let known = Array(log.prefix(Int(standing.head.sequence)))
        return PushReview.review(
            batch, standing: standing, incarnation: incarnation,
            knownHash: { sequence in known.first { $0.sequence == sequence }?.hash },
            isKnownID: { id in known.contains { $0.id == id } }, isStray: isStray,
            now: log[log.count - 1].time.milliseconds)
    }
}
