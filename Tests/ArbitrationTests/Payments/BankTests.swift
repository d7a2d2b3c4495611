import TestSupport
import Testing
import VoucherDomain

@testable import Arbitration

@Suite("What cities say of the bank")
struct BankTests {
    private static let isPaidOtherwise = "it was paid before under the bank's number T1"

    // MARK: Submission

    @Test("only what is released is submitted, and once")
    func submission() {
        var journal = PaymentJournal()
        let claim = journal.bring(to: .authorized)
        let early = journal.submit(claim)
        journal.tick(hearing: PaymentJournal.cities)

        let outcomes = [journal.submit(claim), journal.submit(claim)]

        #expect(early == .refusedPayment(of: claim, "it is not released"))
        #expect(outcomes[0].claims(at: .submitted) == [claim])
        #expect(outcomes[1] == .unchanged(claim))
        #expect(journal.state(of: claim) == .authorized)
    }

    @Test("nothing happens under a reference before there is one")
    func notAuthorized() {
        var journal = PaymentJournal()
        let claim = journal.bring(to: .requested)
        let before = journal.fold

        let outcomes = [
            journal.submit(claim, under: .sample), journal.confirm(claim, under: .sample),
            journal.fail(claim, under: .sample), journal.refund(claim, under: .sample),
        ]

        let expected = Outcome.refusedPayment(of: claim, "the claim's payment was never authorised")
        #expect(outcomes == [Outcome](repeating: expected, count: 4))
        #expect(journal.fold == before)
    }

    @Test(
        "nothing happens under another reference",
        arguments: [Payment.Stage.authorized, .released, .submitted, .paid, .failed, .reversed])
    func wrongReference(stage: Payment.Stage) {
        var journal = PaymentJournal()
        let claim = journal.bring(to: stage)
        let before = journal.fold

        let outcomes = [
            journal.submit(claim, under: .sample), journal.confirm(claim, under: .sample),
            journal.fail(claim, under: .sample), journal.refund(claim, under: .sample),
        ]

        let expected = Outcome.refusedPayment(of: claim, "the payment was authorised under another reference")
        #expect(outcomes == [Outcome](repeating: expected, count: 4))
        #expect(journal.fold == before)
    }

    @Test("another city's word on a payment is not taken")
    func otherCity() {
        var journal = PaymentJournal()
        let claim = journal.bring(to: .released)
        let before = journal.fold

        let outcome = journal.submit(.shenzhen(claim.number), under: journal.reference(of: claim))

        #expect(outcome.decision == .invalid)
        #expect(journal.fold == before)
    }

    // MARK: Confirmation

    @Test("a confirmation that is told again changes nothing, and one under another number of the bank's is refused")
    func confirmedTwice() {
        var journal = PaymentJournal()
        let claim = journal.bring(to: .submitted)
        let first = journal.confirm(claim, "T1")
        let paid = journal.fold

        let outcomes = [journal.confirm(claim, "T1"), journal.confirm(claim, "T2")]

        #expect(first.claims(at: .paid) == [claim])
        #expect(outcomes == [.unchanged(claim), .refusedPayment(of: claim, Self.isPaidOtherwise)])
        #expect(journal.fold == paid)
        #expect(journal.state(of: claim) == .paid)
        #expect(journal[claim]?.transaction == "T1")
    }

    @Test("a confirmation that is told again after all was paid back still changes nothing")
    func confirmedAfterReversal() {
        var journal = PaymentJournal()
        let claim = journal.bring(to: .reversed)
        let before = journal.fold

        let outcomes = [journal.confirm(claim, "T1"), journal.confirm(claim, "T2")]

        #expect(outcomes == [.unchanged(claim), .refusedPayment(of: claim, Self.isPaidOtherwise)])
        #expect(journal.fold == before)
    }

    @Test("a confirmation of another amount is refused", arguments: [(Int64(11), "11.00"), (9, "9.00")])
    func otherAmount(yuan: Int64, text: String) {
        var journal = PaymentJournal()
        let claim = journal.bring(to: .submitted)
        let before = journal.fold

        let outcome = journal.confirm(claim, "T1", .yuan(yuan))

        #expect(outcome == .refusedPayment(of: claim, "\(text) yuan were paid, 10.00 yuan were authorised"))
        #expect(journal.fold == before)
    }

    @Test("a confirmation that is told again with another amount is refused")
    func toldAgainWithOtherAmount() {
        var journal = PaymentJournal()
        let claim = journal.bring(to: .paid)
        let before = journal.fold

        let outcome = journal.confirm(claim, "T1", .yuan(11))

        #expect(outcome.decision == .refused)
        #expect(journal.fold == before)
    }

    @Test("what the bank has paid is recorded even where it should not have been asked yet")
    func paidEarly() {
        var journal = PaymentJournal()
        let claim = journal.bring(to: .authorized)

        let outcome = journal.confirm(claim)

        #expect(outcome.claims(at: .paid) == [claim])
        #expect(journal.state(of: claim) == .paid)
    }

    // MARK: Rejection and cancellation

    @Test("a payment that failed gives `reserved` back, and the next one has the same reference", arguments: failures)
    func failure(failure: PaymentAct.Failure, stage: Payment.Stage) {
        var journal = PaymentJournal()
        let claim = journal.bring(to: stage)
        let (keys, reference) = (journal.keys(of: claim), journal.reference(of: claim))

        let failed = journal.fail(claim, failure)
        let (state, standing) = (journal.state(of: claim), journal.keys(of: claim))
        let again = journal.request(claim)

        #expect(failed.claims(at: .failed) == [claim])
        #expect(state == .reserved)
        #expect(standing == keys)
        #expect(again.claims(at: .authorized) == [claim])
        #expect(journal.reference(of: claim) == reference)
        #expect(journal.keys(of: claim) == keys)
    }

    private static let failures: [(PaymentAct.Failure, Payment.Stage)] = [
        (.rejected, .submitted), (.cancelled, .authorized), (.cancelled, .released), (.cancelled, .submitted),
    ]

    @Test("a failure that is told again changes nothing, and a confirmation after it is refused")
    func afterFailure() {
        var journal = PaymentJournal()
        let claim = journal.bring(to: .failed)
        let before = journal.fold

        let outcomes = [journal.fail(claim), journal.confirm(claim)]

        let problem = "the bank had refused it, or the reference was cancelled"
        #expect(outcomes == [.unchanged(claim), .refusedPayment(of: claim, problem)])
        #expect(journal.fold == before)
    }

    @Test("what was paid cannot fail any more")
    func failedAfterPayment() {
        var journal = PaymentJournal()
        let claim = journal.bring(to: .paid)
        let before = journal.fold

        let outcome = journal.fail(claim)

        #expect(outcome == .refusedPayment(of: claim, "it was paid: money that comes back is a reversal"))
        #expect(journal.fold == before)
    }

    // MARK: Reversal

    @Test("a claim that is paid back in parts holds all of its keys until the last part is there")
    func parts() {
        var journal = PaymentJournal()
        let claim = journal.bring(to: .paid)
        let keys = journal.keys(of: claim)

        let first = journal.refund(claim, "R1", .yuan(4))
        let (state, standing, refunded) = (journal.state(of: claim), journal.keys(of: claim), journal[claim]?.refunded)
        let blocked = journal.file(.sample("B", invoices: [.serial(1)]), in: .beijing)
        let last = journal.refund(claim, "R2", .yuan(6))
        let free = journal.file(.sample("C", invoices: [.serial(1)]), in: .beijing)

        #expect(first.claims(at: .paid) == [claim])
        #expect(state == .paid)
        #expect(standing == keys)
        #expect(refunded == .yuan(4))
        #expect(blocked.decision == .refused)
        #expect(last.claims(at: .reversed) == [claim])
        #expect(Set(last.released.map(\.key)) == keys)
        #expect(journal.keys(of: claim) == [])
        #expect(free.decision == .reserved)
    }

    @Test("a claim that is paid back at once is reversed, and never paid again")
    func atOnce() {
        var journal = PaymentJournal()
        let claim = journal.bring(to: .paid)
        journal.refund(claim, "R1", .yuan(10))
        let payment = journal[claim]

        let again = journal.request(claim)
        journal.tick(hearing: PaymentJournal.cities)

        #expect(journal.state(of: claim) == .reversed)
        #expect(again == .unchanged(claim))
        #expect(journal[claim] == payment)
        #expect(payment?.stage == .reversed)
        #expect(payment?.generation == 1)
    }

    @Test("a refund that is told twice counts once")
    func toldTwice() {
        var journal = PaymentJournal()
        let claim = journal.bring(to: .paid)
        journal.refund(claim, "R1", .yuan(5))
        let before = journal.fold

        let again = journal.refund(claim, "R1", .yuan(5))

        #expect(again == .unchanged(claim))
        #expect(journal.fold == before)
        #expect(journal[claim]?.refunded == .yuan(5))
    }

    @Test("the last refund, told once more, changes nothing either")
    func lastToldTwice() {
        var journal = PaymentJournal()
        let claim = journal.bring(to: .reversed)
        let before = journal.fold

        let again = journal.refund(claim, "R1", .yuan(10))

        #expect(again == .unchanged(claim))
        #expect(journal.fold == before)
    }

    @Test("no more comes back than is out")
    func tooMuch() {
        var journal = PaymentJournal()
        let claim = journal.bring(to: .paid)
        let first = journal.refund(claim, "R1", .yuan(10, fen: 1))
        journal.refund(claim, "R2", .yuan(4))
        let before = journal.fold

        let second = journal.refund(claim, "R3", .yuan(6, fen: 1))

        #expect(
            first == .refusedPayment(of: claim, "10.01 yuan came back, no more than 10.00 were out"))
        #expect(second == .refusedPayment(of: claim, "6.01 yuan came back, no more than 6.00 were out"))
        #expect(journal.fold == before)
    }

    @Test(
        "nothing comes back that was not paid",
        arguments: [Payment.Stage.authorized, .released, .submitted, .failed])
    func refundBeforePayment(stage: Payment.Stage) {
        var journal = PaymentJournal()
        let claim = journal.bring(to: stage)
        let before = journal.fold

        let outcome = journal.refund(claim)

        #expect(outcome == .refusedPayment(of: claim, "it is not paid"))
        #expect(journal.fold == before)
    }
}
