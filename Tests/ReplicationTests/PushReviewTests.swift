import Testing
import VoucherDomain

@testable import Replication

@Suite("Push review")
struct PushReviewTests {
    private let log = makeLog(6)
    private let registry = PushReviewFixture(known: 3)

    @Test("a sealed batch that follows the head is accepted whole")
    func accepts() throws {
        let batch = try registry.batch(Array(log[3...]), watermark: log[5].time)
        let accepted = try registry.review(batch).get()

        #expect(accepted.answers == [.accepted, .accepted, .accepted])
        #expect(accepted.appended.map(\.entry) == Array(log[3...]))
        #expect(accepted.appended.allSatisfy { $0.fault == nil })
        #expect(accepted.head == log[5].head)
        #expect(accepted.time == log[5].time)
        #expect(accepted.watermark == log[5].time)
    }

    @Test("the same batch again stores nothing and is answered `already known`")
    func idempotent() throws {
        let again = PushReviewFixture(known: 6)
        let accepted = try again.review(again.batch(Array(log[3...]), watermark: log[5].time)).get()

        #expect(accepted.answers == [.alreadyKnown, .alreadyKnown, .alreadyKnown])
        #expect(accepted.appended.isEmpty)
        #expect(accepted.head == log[5].head)
        #expect(accepted.time == log[5].time)
    }

    @Test("an older batch that comes late changes neither head nor watermark")
    func lateRepeat() throws {
        let later = PushReviewFixture(known: 6, watermark: log[5].time)
        let accepted = try later.review(later.batch([log[1], log[2]], watermark: log[2].time)).get()

        #expect(accepted.answers == [.alreadyKnown, .alreadyKnown])
        #expect(accepted.head == log[5].head)
        #expect(accepted.watermark == log[5].time)
    }

    @Test("a batch that overlaps what is known stores only the rest")
    func overlaps() throws {
        let accepted = try registry.review(registry.batch(Array(log[1...4]))).get()

        #expect(accepted.answers == [.alreadyKnown, .alreadyKnown, .accepted, .accepted])
        #expect(accepted.appended.map(\.entry) == [log[3], log[4]])
        #expect(accepted.head == log[4].head)
    }

    @Test("an empty batch raises the watermark alone")
    func emptyBatch() throws {
        let accepted = try registry.review(registry.batch([], seal: log[2].head, watermark: log[5].time)).get()

        #expect(accepted.answers.isEmpty)
        #expect(accepted.appended.isEmpty)
        #expect(accepted.head == log[2].head)
        #expect(accepted.watermark == log[5].time)
    }

    @Test("a watermark may be 301 seconds ahead of the registry's clock and of the last entry, and no more")
    func earlyWatermark() throws {
        let latest = log[5].time.milliseconds + 301_000
        let allowed = try registry.batch([], seal: log[2].head, watermark: HybridTime(milliseconds: latest))
        let early = try registry.batch([], seal: log[2].head, watermark: HybridTime(milliseconds: latest + 1))

        #expect(try registry.review(allowed).get().watermark == HybridTime(milliseconds: latest))
        #expect(
            throws: PushReview.Fault.badSeal("its watermark is ahead of its last entry and of the registry's clock")
        ) { try registry.review(early).get() }
    }

    @Test("an empty batch whose seal names another head than the registry's is refused")
    func emptyBatchElsewhere() throws {
        let batch = try registry.batch([], seal: log[1].head)

        #expect(throws: PushReview.Fault.badSeal("it does not name the batch's last entry")) {
            try registry.review(batch).get()
        }
    }

    @Test("a suspended city pushes nothing")
    func suspended() throws {
        let registry = PushReviewFixture(known: 3, isSuspended: true)
        let batch = try registry.batch([log[3]])

        #expect(throws: PushReview.Fault.suspended) { try registry.review(batch).get() }
    }

    @Test("a session under any epoch but the one granted last is fenced", arguments: [Epoch.first, .third])
    func fenced(epoch: Epoch) throws {
        let batch = try registry.batch([log[3]], session: epoch)

        #expect(throws: PushReview.Fault.fenced(granted: .second)) { try registry.review(batch).get() }
    }

    @Test("a session that was granted by an earlier incarnation of the registry is over, also for what is known")
    func outlived() throws {
        for batch in try [registry.batch([log[3]]), registry.batch([log[2]]), registry.batch([])] {
            #expect(throws: PushReview.Fault.outlived(incarnation: 2)) {
                try registry.review(batch, incarnation: 2).get()
            }
        }
    }

    @Test("one entry more than a batch may have is refused before its seal is read")
    func tooMany() throws {
        let batch = try registry.batch([Entry](repeating: log[3], count: 2_001), key: .fixed(9))

        #expect(throws: PushReview.Fault.tooManyEntries(2_001)) { try registry.review(batch).get() }
    }

    @Test("a seal by another key, for another city or over another entry is refused")
    func badSeals() throws {
        let byStranger = try registry.batch([log[3]], key: .fixed(9))
        let ofOther = try registry.batch([log[3]], city: .beijing)
        let overOther = try registry.batch([log[3], log[4]], seal: log[3].head)

        #expect(throws: PushReview.Fault.badSeal("wrong signature")) { try registry.review(byStranger).get() }
        #expect(throws: PushReview.Fault.badSeal("it names city 110000")) { try registry.review(ofOther).get() }
        #expect(throws: PushReview.Fault.badSeal("it does not name the batch's last entry")) {
            try registry.review(overOther).get()
        }
    }

    @Test("a batch that starts past the head tells of a restore, and so does a report over what the registry has not")
    func ahead() throws {
        let batch = try registry.batch([log[4], log[5]])
        let report = try registry.batch([], seal: log[4].head)

        #expect(throws: PushReview.Fault.ahead(sequence: 4)) { try registry.review(batch).get() }
        #expect(throws: PushReview.Fault.ahead(sequence: 5)) { try registry.review(report).get() }
    }

    @Test("an entry that does not link to the head is refused with the whole batch")
    func brokenLink() throws {
        let loose = EntryDraft.following(log[2].head).changing { $0.previousHash = log[0].hash }.entry
        let batch = try registry.batch([loose])

        #expect(throws: PushReview.Fault.chain(.brokenLink(sequence: 4))) { try registry.review(batch).get() }
    }

    @Test("an entry of another city in the batch is refused with the whole batch")
    func otherCity() throws {
        let foreign = EntryDraft.following(log[2].head, city: .beijing).entry
        let batch = try registry.batch([foreign])

        #expect(throws: PushReview.Fault.chain(.otherCity(.beijing))) { try registry.review(batch).get() }
    }

    @Test("another entry under a known number is a second history")
    func diverged() throws {
        let forked = EntryDraft.following(log[1].head).changing { $0.payload = [9] }.entry
        let batch = try registry.batch([forked])

        #expect(throws: PushReview.Fault.diverged(sequence: 3)) { try registry.review(batch).get() }
    }

    @Test("a batch out of log order is refused, or its seal would not cover the new head")
    func outOfOrder() throws {
        let batch = try registry.batch([log[3], log[4], log[0]])

        #expect(throws: PushReview.Fault.self) { try registry.review(batch).get() }
    }

    @Test("every fault is a sentence that names what was found")
    func messages() {
        let faults: [PushReview.Fault] = [
            .suspended, .fenced(granted: .third), .badSeal("wrong"), .chain(.brokenLink(sequence: 12)),
            .diverged(sequence: 13), .tooManyEntries(2_001), .outlived(incarnation: 14),
        ]

        for (fault, named) in zip(faults, ["suspended", "3", "wrong", "12", "13", "2001", "14"]) {
            #expect(fault.message.contains(named))
        }
    }
}
