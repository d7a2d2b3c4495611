import TestSupport
import Testing
import VoucherDomain

@testable import Arbitration

@Suite("Withdrawals and rulings that meet a payment")
struct TooLateTests {
    private static let claim = ClaimName.hangzhou("A")
    private static let winner = ClaimName.shenzhen("B")
    private static let bound: [Payment.Stage] = [.authorized, .released, .submitted, .paid]
    private static let unpaid: [Payment.Stage] = [.authorized, .released, .submitted]

    /// The claim at a stage.
    private func journal(_ stage: Payment.Stage) -> PaymentJournal {
        var journal = PaymentJournal()
        journal.bring(.sample("A", invoices: [.serial(1)], receipt: "R1"), to: stage)
        return journal
    }

    /// The claim at a stage and ruled out, for the sake of a later one with the same bank receipt.
    private func ruledOut(_ stage: Payment.Stage) -> PaymentJournal {
        var journal = journal(stage)
        let held = journal.file(.sample("B", invoices: [.serial(2)], receipt: "R1"), in: .shenzhen)
        journal.rule(valid(held.caseID), keep: [Self.winner], out: [Self.claim])
        return journal
    }

    // MARK: Withdrawals

    @Test("a withdrawal after the authorisation comes too late and changes nothing", arguments: bound)
    func withdrawnTooLate(stage: Payment.Stage) {
        var journal = PaymentJournal()
        let claim = journal.bring(to: stage)
        let before = journal.fold

        let outcome = journal.withdraw(claim)

        #expect(outcome == Outcome(decision: .tooLate, claim: claim, policyVersion: 1))
        #expect(journal.fold == before)
    }

    @Test("a withdrawal before the authorisation ends the request")
    func withdrawnInTime() {
        var journal = PaymentJournal()
        let claim = journal.bring(to: .requested)

        let outcome = journal.withdraw(claim)
        let later = journal.tick(hearing: PaymentJournal.cities)

        #expect(outcome.decision == .withdrawn)
        #expect(later.claims(at: .authorized) == [])
        #expect(journal[claim] == nil)
        #expect(journal.state(of: claim) == .withdrawn)
        #expect(journal.keys(of: claim) == [])
    }

    @Test("a claim whose payment failed may be withdrawn again")
    func withdrawnAfterFailure() {
        var journal = PaymentJournal()
        let claim = journal.bring(to: .failed)

        let outcome = journal.withdraw(claim)

        #expect(outcome.decision == .withdrawn)
        #expect(journal.keys(of: claim) == [])
    }

    @Test("a withdrawal after all was paid back changes nothing")
    func withdrawnAfterReversal() {
        var journal = PaymentJournal()
        let claim = journal.bring(to: .reversed)
        let before = journal.fold

        let outcome = journal.withdraw(claim)

        #expect(outcome == .unchanged(claim))
        #expect(journal.fold == before)
    }

    // MARK: Rulings

    @Test(
        "a ruling against an approved claim frees no key, stops its payment and asks for all of it back",
        arguments: bound)
    func ruling(stage: Payment.Stage) throws {
        var journal = journal(stage)
        let keys = journal.keys(of: Self.claim)
        let held = journal.file(.sample("B", invoices: [.serial(2)], receipt: "R1"), in: .shenzhen)
        var payment = try #require(journal[Self.claim])
        payment.barredBy = [try #require(held.caseID)]
        let state = journal.state(of: Self.claim)

        let outcome = journal.rule(try #require(held.caseID), keep: [Self.winner], out: [Self.claim])

        #expect(outcome.released == [])
        #expect(journal.keys(of: Self.claim) == keys)
        #expect(journal[Self.claim] == payment)
        #expect(journal[Self.claim]?.owed == .yuan(10))
        #expect(journal.state(of: Self.claim) == state)
        #expect(journal.state(of: Self.winner) == .reserved)
        #expect(outcome.cases.map(\.isClosed) == [true])
    }

    @Test("a ruling in another case that keeps a claim does not let go what a ruling has stopped", arguments: bound)
    func anotherCase(stage: Payment.Stage) throws {
        var journal = ruledOut(stage)
        let payment = try #require(journal[Self.claim])
        let other = journal.file(.sample("C", invoices: [.serial(3)], receipt: "R1"), in: .beijing)

        journal.rule(try #require(other.caseID), keep: [Self.claim, Self.winner, .beijing("C")])

        #expect(journal[Self.claim] == payment)
        #expect(journal[Self.claim]?.owed == .yuan(10))
    }

    @Test("each case that has stopped a payment lets it go by a ruling of its own", arguments: bound)
    func twoCases(stage: Payment.Stage) throws {
        var journal = journal(stage)
        let second = journal.file(.sample("B", invoices: [.serial(2)], receipt: "R1"), in: .shenzhen)
        let third = journal.file(.sample("C", invoices: [.serial(3)], receipt: "R1"), in: .beijing)
        let cases = [try #require(second.caseID), try #require(third.caseID)]
        journal.rule(cases[0], keep: [Self.winner], out: [Self.claim])
        journal.rule(cases[1], keep: [.beijing("C"), Self.winner], out: [Self.claim])

        var stopped: [Bool?] = []
        for id in cases {
            journal.append(.caseReopened(caseID: id, reason: "新证据", by: "李"))
            journal.rule(id, keep: try #require(journal.fold.ledger.cases[id]).parties.map(\.claim))
            stopped.append(journal[Self.claim]?.isBarred)
        }

        #expect(stopped == [true, false])
        #expect(journal[Self.claim]?.owed == .zero)
    }

    @Test("what a ruling has stopped is not submitted", arguments: [Payment.Stage.authorized, .released])
    func stopped(stage: Payment.Stage) {
        var journal = ruledOut(stage)

        let outcome = journal.submit(Self.claim)

        let problem = "it was stopped: do not pay it, and cancel the reference"
        #expect(outcome == .refusedPayment(of: Self.claim, problem))
        #expect(journal[Self.claim]?.stage == stage)
    }

    @Test(
        "once its reference is cancelled, a claim that was ruled out is refused and gives back its keys",
        arguments: unpaid)
    func cancelled(stage: Payment.Stage) {
        var journal = ruledOut(stage)
        let keys = journal.keys(of: Self.claim)

        let outcome = journal.fail(Self.claim, .cancelled)

        #expect(outcome.claims(at: .failed) == [Self.claim])
        #expect(Set(outcome.released.map(\.key)) == keys)
        #expect(journal.state(of: Self.claim) == .refused)
        #expect(journal.keys(of: Self.claim) == [])
    }

    @Test("once all is paid back, a claim that was ruled out gives back its keys")
    func paidBack() {
        var journal = ruledOut(.paid)
        let outstanding = journal[Self.claim]?.outstanding
        journal.refund(Self.claim, "R1", .yuan(4))
        let rest = journal[Self.claim]?.outstanding

        journal.refund(Self.claim, "R2", .yuan(6))

        #expect([outstanding, rest, journal[Self.claim]?.outstanding] == [.yuan(10), .yuan(6), .zero])
        #expect(journal.state(of: Self.claim) == .reversed)
        #expect(journal.keys(of: Self.claim) == [])
    }

    @Test("a ruling against a claim whose payment is only asked for frees its keys at once")
    func unauthorized() {
        let journal = ruledOut(.requested)

        #expect(journal.state(of: Self.claim) == .refused)
        #expect(journal[Self.claim] == nil)
        #expect(journal.keys(of: Self.claim) == [])
    }

    // MARK: Who won

    @Test("the claim that won is not authorised while the one that lost is bound to the same key", arguments: bound)
    func winnerWaits(stage: Payment.Stage) {
        var journal = ruledOut(stage)

        let requested = journal.request(Self.winner)
        let outcomes = (0..<4).map { _ in journal.tick(seconds: 900, hearing: PaymentJournal.cities) }

        #expect(([requested] + outcomes).flatMap { $0.claims(at: .authorized) } == [])
        #expect(journal.keys(of: Self.claim).contains(.bankReceipt("R1")))
    }

    @Test(
        "the claim that won is authorised once the money of the other is back or can never go out",
        arguments: bound)
    func winnerGoesOn(stage: Payment.Stage) {
        var journal = ruledOut(stage)
        journal.request(Self.winner)
        if stage == .paid { journal.refund(Self.claim) } else { journal.fail(Self.claim, .cancelled) }

        journal.tick(hearing: PaymentJournal.cities)

        #expect(journal.state(of: Self.winner) == .authorized)
    }

    @Test(
        "a claim that won waits for the money of the one that lost where a detector, and no key, has found them",
        arguments: bound)
    func winnerByDetector(stage: Payment.Stage) {
        var journal = PaymentJournal(with: [.detector("invoice-alias", "D03")])
        let winner = ClaimName.hangzhou("B")
        journal.bring(.sample("A", contract: "HT-7-7-7", invoices: [.serial(1)]), to: stage)
        let alias = Claim.Invoice.serial(1, .yuan(100), .paper)
        let held = journal.file(.sample("B", contract: "HT-7-7-7", invoices: [alias]), in: .hangzhou)
        journal.rule(valid(held.caseID), keep: [winner], out: [Self.claim])

        let requested = journal.request(winner)
        let waits = (0..<4).map { _ in journal.tick(seconds: 900, hearing: PaymentJournal.cities) }
        if stage == .paid { journal.refund(Self.claim) } else { journal.fail(Self.claim, .cancelled) }
        let opened = journal.tick(hearing: PaymentJournal.cities)

        #expect(held.reasons.map(\.rule) == ["invoice-alias"])
        #expect(requested.claims(at: .requested) == [winner])
        #expect(([requested] + waits).flatMap { $0.claims(at: .authorized) } == [])
        #expect(opened.claims(at: .authorized) == [winner])
    }

    @Test("a claim that won does not wait for one that the case let go again")
    func winnerBesideKept() throws {
        var journal = PaymentJournal(with: [.detector("invoice-alias", "D03")])
        let winner = ClaimName.hangzhou("B")
        journal.bring(to: .paid)
        let alias = Claim.Invoice.serial(1, .yuan(100), .paper)
        let held = journal.file(.sample("B", invoices: [alias]), in: .hangzhou)
        let id = try #require(held.caseID)
        journal.rule(id, keep: [winner], out: [Self.claim])
        journal.append(.caseReopened(caseID: id, reason: "新证据", by: "李"))
        journal.rule(id, keep: [winner, Self.claim])

        journal.request(winner)
        journal.tick(hearing: PaymentJournal.cities)

        #expect(journal.state(of: winner) == .authorized)
    }

    @Test("a claim that won waits for the one that lost, even if an earlier ruling gave both a partner in common")
    func winnerInGroup() {
        var journal = PaymentJournal()
        let (loser, friend, winner) = (ClaimName.hangzhou("A"), ClaimName.shenzhen("B"), ClaimName.beijing("C"))
        journal.file(.sample("A", invoices: [.serial(1)], receipt: "R1"), in: .hangzhou)
        let first = journal.file(.sample("B", invoices: [.serial(2)], receipt: "R1"), in: .shenzhen)
        journal.rule(valid(first.caseID), keep: [loser, friend])
        journal.request(loser)
        journal.tick(hearing: PaymentJournal.cities)
        let second = journal.file(.sample("C", invoices: [.serial(3)], receipt: "R1"), in: .beijing)
        journal.rule(valid(second.caseID), keep: [friend, winner], out: [loser])

        let requested = journal.request(winner)
        let outcome = journal.tick(hearing: PaymentJournal.cities)

        #expect(journal.state(of: loser) == .authorized)
        #expect([requested, outcome].flatMap { $0.claims(at: .authorized) } == [])
    }
}
