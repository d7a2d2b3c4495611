import Arbitration
import Foundation
import Replication
import Testing
import VoucherDomain

@testable import FederationWire

@Suite("Payment coding")
struct PaymentCodingTests {
    private static let reference = PaymentReference("000102030405060708090a0b0c0d0e0f")
    private static let bank = PaymentAct.BankRecord(
        transaction: "工行2026-0001", amount: Money(rawValue: 123_456), day: CalendarDate(rawValue: 20_600))

    private static var acts: [PaymentAct] {
        guard let reference else { return [] }
        let steps: [PaymentAct.Step] = [
            .requested, .submitted(reference), .confirmed(reference, bank),
            .failed(reference, .rejected, reason: "账号不符"), .failed(reference, .cancelled, reason: "撤单"),
            .reversed(reference, bank, reason: "红冲"),
        ]
        return steps.map { PaymentAct(claimNumber: "C-1", step: $0) }
    }

    private func content(_ kind: EntryKind, _ payload: [UInt8]) -> JournalEntry.Content {
        PayloadCoding.content(of: EntryDraft.of(kind, payload).entry)
    }

    @Test("every step is read as it was said, by the kind of its entry")
    func steps() {
        #expect(Self.acts.count == 6)
        for act in Self.acts { #expect(content(act.step.kind, PayloadCoding.encode(act)) == .payment(act)) }
    }

    @Test("a step with one thing wrong is faulty, and never another step")
    func faulty() throws {
        let changes: [(EntryKind, (inout WirePaymentAct) -> Void)] = [
            (.paymentRequested, { $0.number = "" }), (.paymentRequested, { $0.number = "A\u{7}" }),
            (.paymentSubmitted, { $0.reference.removeLast() }), (.paymentSubmitted, { $0.reference = .init() }),
            (.paymentConfirmed, { $0.clearBank() }), (.paymentConfirmed, { $0.bank.transaction = "" }),
            (.paymentConfirmed, { $0.bank.transaction = String(repeating: "1", count: 65) }),
            (.paymentConfirmed, { $0.bank.transaction = "1\n2" }), (.paymentConfirmed, { $0.bank.amountFen = 0 }),
            (.paymentConfirmed, { $0.bank.amountFen = -1 }), (.paymentConfirmed, { $0.bank.amountFen = .max }),
            (.paymentConfirmed, { $0.bank.day = .max }), (.paymentFailed, { $0.failure = 0 }),
            (.paymentFailed, { $0.failure = 3 }), (.paymentFailed, { $0.failure = 257 }),
            (.paymentFailed, { $0.reason = "" }), (.paymentReversed, { $0.reason = "" }),
            (.paymentReversed, { $0.bank.amountFen = .min }),
        ]
        for (kind, change) in changes {
            let act = try #require(Self.acts.last { $0.step.kind == kind })
            var message = try WirePaymentAct(decoding: PayloadCoding.encode(act))
            change(&message)
            #expect(content(kind, message.bytes) == .faulty(PayloadCoding.unreadable), "\(kind.rawValue)")
        }
    }

    @Test("a red letter is read as it was said; one without an amount, or that reverses itself, is faulty")
    func redLetters() throws {
        let letter = RedLetter(
            invoice: try InvoiceNumber("26330000000000000001=033001900111:00000001"),
            number: try InvoiceNumber("26330000000000000002"), amount: Money(rawValue: 100),
            issuedOn: CalendarDate(rawValue: 20_600))

        #expect(content(.invoiceReversed, PayloadCoding.encode(letter)) == .invoiceReversed(letter))
        let changes: [(inout WireInvoiceReversed) -> Void] = [
            { $0.amountFen = 0 }, { $0.amountFen = .max }, { $0.number = "26330000000000000001" },
            { $0.invoice = " 26330000000000000001" }, { $0.number = "" }, { $0.issuedOn = .min },
        ]
        for change in changes {
            var message = try WireInvoiceReversed(decoding: PayloadCoding.encode(letter))
            change(&message)
            #expect(content(.invoiceReversed, message.bytes) == .faulty(PayloadCoding.unreadable))
        }
    }

    @Test("a tick carries the seals whole; what the fold sees of them is city, watermark and feed position")
    func ticks() throws {
        let seal = Seal(
            city: .shenzhen, head: .empty, watermark: HybridTime(milliseconds: 77, counter: 3),
            feedHead: FeedHead(incarnation: 1, position: 9, hash: .zero))
        let act = TickAct(
            wallMilliseconds: 1_000, intervalMilliseconds: 5_000_000, seals: [try seal.signed(by: .city)])

        let read = try TickAct(RegistryAct.ticked(act).payload)
        #expect(read == act)
        let report = CityReport(city: .shenzhen, watermark: 77, feedPosition: 9)
        let tick = Tick(wallMilliseconds: 1_000, intervalMilliseconds: Tick.maximumInterval, reports: [report])
        #expect(content(.ticked, RegistryAct.ticked(act).payload) == .ticked(tick))
    }

    @Test("a city whose clock is ahead is heard up to the tick, not beyond")
    func watermarkAhead() throws {
        let seal = Seal(
            city: .shenzhen, head: .empty, watermark: HybridTime(milliseconds: 1_001, counter: 0), feedHead: .empty)
        let act = TickAct(wallMilliseconds: 1_000, intervalMilliseconds: 0, seals: [try seal.signed(by: .city)])
        #expect(try act.tick.reports.map(\.watermark) == [1_000])
    }

    @Test("a payment's stage, reference and amounts travel with the effect, the amounts for its city alone")
    func effects() throws {
        let reference = try #require(Self.reference)
        var effect = FeedEntry.Effect(claimPosition: 5, decision: .authorized, released: [])
        (effect.payment, effect.reference, effect.detail) = (.released, reference, [1, 2, 3])
        var entry = FeedEntry(
            incarnation: 1, position: 9, previousHash: .zero, city: .registry, answers: .empty,
            entryID: try #require(EntryID(rawValue: [UInt8](repeating: 1, count: 16))), kind: .ticked, receivedAt: 0,
            decision: .noted, policyVersion: 1, keyEpoch: 1)
        entry.effects = [effect]

        #expect(try FeedCoding.decode(FeedCoding.encode(entry).bytes).entry == entry)
    }
}
