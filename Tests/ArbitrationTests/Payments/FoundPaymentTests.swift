import TestSupport
import Testing
import VoucherDomain

@testable import Arbitration

@Suite("Payments that a history has released which was given up")
struct FoundPaymentTests {
    private static let holder = ClaimName.hangzhou("A")
    private static let other = ClaimName.shenzhen("B")
    private static let bound: [Payment.Stage] = [.authorized, .released, .submitted, .paid]
    private static let frozen = "it is frozen: a case decides first"

    /// A claim at a stage, and one that was refused because it names the same invoice; the payment of the latter is found.
    private func contested(_ stage: Payment.Stage) throws -> (journal: PaymentJournal, found: Outcome, caseID: String) {
        var journal = PaymentJournal()
        journal.bring(.sample("A", invoices: [.serial(1)]), to: stage)
        let refused = journal.file(.sample("B", invoices: [.serial(1)]), in: .shenzhen)
        try #require(refused.decision == .refused)
        let found = journal.find(Self.other)
        return (journal, found, try #require(found.cases.first).id)
    }

    // MARK: Binding

    @Test("a claim that is reserved is released at once, under the reference that was found, and nothing is contested")
    func reserved() {
        var journal = PaymentJournal()
        let claim = journal.bring(to: .requested)
        let keys = journal.keys(of: claim)

        let outcome = journal.find(claim)

        #expect(outcome.claims(at: .released) == [claim])
        #expect(outcome.cases == [])
        #expect(journal.state(of: claim) == .authorized)
        #expect(journal.reference(of: claim) == .sample)
        #expect(journal.keys(of: claim) == keys)
        #expect(journal.submit(claim).decision == .noted)
    }

    @Test("a claim that was withdrawn holds its keys again, and a later one on the same invoice is refused")
    func withdrawn() {
        var journal = PaymentJournal()
        let claim = journal.bring(to: .requested)
        let keys = journal.keys(of: claim)
        journal.withdraw(claim)

        journal.find(claim)

        #expect(journal.state(of: claim) == .authorized)
        #expect(journal.keys(of: claim) == keys)
        #expect(journal.file(.sample("B", invoices: [.serial(1)]), in: .shenzhen).decision == .refused)
        #expect(journal.withdraw(claim).decision == .tooLate)
    }

    @Test("the same once more changes nothing; what is out under another reference is frozen by a case of its own")
    func again() throws {
        var journal = PaymentJournal()
        let claim = journal.bring(to: .requested)
        journal.find(claim)

        #expect(journal.find(claim) == .unchanged(claim))
        let reference = try #require(PaymentReference(rawValue: [UInt8](repeating: 9, count: 16)))
        let other = journal.find(claim, under: reference)

        #expect(other.cases.map { $0.parties.map(\.claim) } == [[claim]])
        #expect(journal[claim]?.isFrozen == true)
        #expect(journal.reference(of: claim) == .sample)
        #expect(journal.find(claim, under: reference) == .unchanged(claim))
    }

    @Test("what no entry of a city's log has filed binds nothing")
    func notFiled() {
        var journal = PaymentJournal()
        let before = journal.fold.ledger.occupancies

        #expect(journal.append(.paymentFound(.sample, filing: nil)).decision == .invalid)
        #expect(journal.fold.ledger.occupancies == before)
    }

    // MARK: Freezing

    @Test("where the key has another authorised holder, both are frozen and a case names both", arguments: bound)
    func frozen(stage: Payment.Stage) throws {
        let (journal, found, caseID) = try contested(stage)

        #expect(journal.state(of: Self.other) == .authorized)
        #expect(journal[Self.other]?.stage == .released)
        #expect(journal[Self.holder]?.stage == stage)
        for claim in [Self.holder, Self.other] {
            #expect(journal[claim]?.frozenBy == [caseID])
            #expect(journal[claim]?.owed == .zero)
        }
        #expect(found.cases.map { $0.parties.map(\.claim) } == [[Self.other, Self.holder]])
        #expect(found.cases.map(\.rules) == [["given-up-branch"]])
        #expect(!journal.keys(of: Self.other).isDisjoint(with: journal.keys(of: Self.holder)))
    }

    @Test("a frozen payment is neither released nor submitted; what the bank has done is recorded")
    func gates() throws {
        var (journal, _, _) = try contested(.authorized)

        let outcomes = (0..<4).map { _ in journal.tick(seconds: 900, hearing: PaymentJournal.cities) }

        #expect(outcomes.flatMap { $0.claims(at: .released) } == [])
        #expect(journal.submit(Self.other) == .refusedPayment(of: Self.other, Self.frozen))
        #expect(journal.confirm(Self.other).decision == .noted)
        #expect(journal[Self.other]?.stage == .paid)
        #expect(journal[Self.other]?.isFrozen == true)
    }

    @Test("where the other holder is only reserved, it waits for a ruling and what is out goes on")
    func unpaidHolder() throws {
        var (journal, _, _) = try contested(.requested)

        let outcomes = (0..<4).map { _ in journal.tick(seconds: 900, hearing: PaymentJournal.cities) }

        #expect(outcomes.flatMap { $0.claims(at: .authorized) } == [])
        #expect(journal[Self.other]?.isFrozen == false)
        #expect(journal.submit(Self.other).decision == .noted)
    }

    // MARK: Rulings

    @Test(
        "who a ruling goes against is to pay back; who it is for goes on once that is done", arguments: [true, false])
    func ruling(isPaid: Bool) throws {
        let (start, _, caseID) = try contested(.authorized)
        var journal = start
        if isPaid { journal.confirm(Self.other) }

        journal.rule(caseID, keep: [Self.holder], out: [Self.other])
        let waits = journal.tick(hearing: PaymentJournal.cities)
        let owed = journal[Self.other]?.owed
        let end = isPaid ? journal.refund(Self.other) : journal.fail(Self.other, .cancelled)
        let goesOn = journal.tick(hearing: PaymentJournal.cities)

        #expect(waits.claims(at: .released) == [])
        #expect(owed == .yuan(10))
        #expect(end.effects.map(\.name) == [Self.other, Self.holder])
        #expect(journal.keys(of: Self.other) == [])
        #expect(goesOn.claims(at: .released) == [Self.holder])
    }

    @Test("a ruling that keeps both thaws both")
    func bothKept() throws {
        let (start, _, caseID) = try contested(.released)
        var journal = start

        journal.rule(caseID, keep: [Self.holder, Self.other])

        #expect(journal[Self.holder]?.isFrozen == false)
        #expect(journal[Self.other]?.isFrozen == false)
        #expect(journal.submit(Self.holder).decision == .noted)
        #expect(journal.submit(Self.other).decision == .noted)
    }

    @Test("a ruling thaws all that its case froze, more than the case names, too")
    func manyFrozen() throws {
        var journal = PaymentJournal()
        let holders = (1...Reason.mostNamed + 1).map { number in
            journal.bring(.sample("A\(number)", contract: "HT-300", invoices: [.serial(number)]), to: .authorized)
        }
        journal.file(.sample("B", contract: "HT-300", invoices: [.serial(900)]), in: .shenzhen)
        let conflict = try #require(journal.find(Self.other).cases.first)
        try #require(holders.allSatisfy { journal[$0]?.isFrozen == true })

        journal.rule(conflict.id, keep: conflict.parties.map(\.claim))

        #expect((holders + [Self.other]).filter { journal[$0]?.isFrozen != false } == [])
    }

    @Test("a ruling that is turned round leaves whom it is for by then frozen until the other's money is back")
    func turnedRound() throws {
        let (start, _, caseID) = try contested(.released)
        for first in [[Self.holder], [Self.holder, Self.other]] {
            var journal = start
            journal.rule(caseID, keep: first, out: first.count == 1 ? [Self.other] : [])
            journal.append(.caseReopened(caseID: caseID, reason: "新证据", by: "王"))

            journal.rule(caseID, keep: [Self.other], out: [Self.holder])

            #expect(journal[Self.holder]?.barredBy == [caseID])
            #expect(journal[Self.other]?.isBarred == false)
            #expect(journal.submit(Self.other) == .refusedPayment(of: Self.other, Self.frozen))
            journal.fail(Self.holder, .cancelled)
            #expect(journal.submit(Self.other).decision == .noted)
        }
    }

    @Test("a case that ends because one of both is paid back thaws the other")
    func settled() throws {
        let (start, _, caseID) = try contested(.released)
        var journal = start
        journal.confirm(Self.other)

        journal.refund(Self.other)

        #expect(journal.fold.ledger.cases[caseID]?.isClosed == true)
        #expect(journal.state(of: Self.other) == .reversed)
        #expect(journal[Self.holder]?.isFrozen == false)
    }

    @Test("what the bank refuses while it is frozen is reserved as before, and the other stays frozen until a ruling")
    func failed() throws {
        let (start, _, caseID) = try contested(.released)
        var journal = start

        journal.fail(Self.other)

        #expect(journal.state(of: Self.other) == .reserved)
        #expect(journal[Self.holder]?.isFrozen == true)
        journal.rule(caseID, keep: [Self.holder], out: [Self.other])
        #expect(journal[Self.holder]?.isFrozen == false)
    }

    // MARK: Kept tails

    @Test("a tail that is kept opens one case on the claims that it had otherwise, as far as they are known")
    func tail() {
        var journal = PaymentJournal()
        journal.bring(.sample("A", invoices: [.serial(1)]), to: .requested)
        journal.file(.sample("B", invoices: [.serial(1)]), in: .shenzhen)
        let names = [Self.other, Self.holder, .beijing("Z")]

        let outcome = journal.append(.tailKept(names))

        let parties = [
            ConflictCase.Party(claim: Self.other, isLive: false), ConflictCase.Party(claim: Self.holder, isLive: true),
        ]
        #expect(outcome.cases.map(\.parties) == [parties])
        #expect(outcome.cases.map(\.rules) == [["given-up-branch"]])
        #expect(journal.tick(hearing: PaymentJournal.cities).claims(at: .authorized) == [])
        #expect(journal.append(.tailKept(names)).decision == .unchanged)
        #expect(journal.append(.tailKept([.beijing("Z")])).cases == [])
    }
}

extension PaymentJournal {
    /// A payment of a claim that was filed is found.
    @discardableResult
    fileprivate mutating func find(_ name: ClaimName, under reference: PaymentReference = .sample) -> Outcome {
        let filing = entries.last { entry in
            guard case .claimFiled(let claim) = entry.content else { return false }
            return entry.city == name.city && claim.number == name.number
        }
        return append(.paymentFound(reference, filing: filing))
    }
}
