import TestSupport
import Testing
import VoucherDomain

@testable import Arbitration

@Suite("Cases that the registry opens by itself")
struct AutomaticCaseTests {
    private static let holder = ClaimName.shenzhen("H")
    private static let refused = ClaimName.hangzhou("R")

    /// A claim on the invoice that all of these tests are about.
    private static func claim(_ number: String, claimed: Money = .yuan(10)) -> Claim {
        .sample(number, invoices: [.serial(1)], claimed: claimed)
    }

    /// `H` of Shenzhen has the invoice; `R` of Hangzhou comes later, and was filed two hours before.
    private static func disputed(
        cases: CaseTerms = CaseTerms()
    ) throws -> (journal: PaymentJournal, id: String) {
        var journal = PaymentJournal(cases: cases)
        journal.file(claim("H"), in: .shenzhen)
        let outcome = journal.file(claim("R"), in: .hangzhou, hoursAgo: 2)
        return (journal, try #require(outcome.caseID))
    }

    // MARK: When there is one

    @Test("a claim that is refused though it was filed first opens a case with the holder, who keeps the key")
    func opened() throws {
        let (journal, id) = try Self.disputed()

        let conflict = try #require(journal.fold.ledger.cases[id])
        #expect(conflict.parties == [.gone(Self.refused), .live(Self.holder)])
        #expect(conflict.rules == ["invoice-once"])
        #expect(conflict.isAutomatic)
        #expect(journal.state(of: Self.refused) == .refused)
        #expect(journal.state(of: Self.holder) == .reserved)
        #expect(journal.keys(of: Self.refused) == [])
    }

    @Test("both cities are told, with the reasons of the refusal")
    func told() throws {
        var journal = PaymentJournal()
        journal.file(Self.claim("H"), in: .shenzhen)

        let outcome = journal.file(Self.claim("R"), in: .hangzhou, hoursAgo: 2)

        let event = try #require(outcome.events.first)
        #expect(outcome.decision == .refused)
        #expect(event.kind == .opened)
        #expect(event.isAutomatic)
        #expect(event.cities == [.hangzhou, .shenzhen])
        #expect(event.reasons == outcome.reasons)
    }

    @Test("a holder whose clock is ahead counts as filed when it was received")
    func clockAhead() {
        var journal = PaymentJournal()
        journal.file(Self.claim("H"), in: .shenzhen, hoursAgo: -48)

        #expect(journal.file(Self.claim("R"), in: .hangzhou, hoursAgo: 1).caseID != nil)
    }

    @Test("a claim that names a feed position was filed after the registry received what stands there")
    func knewTheFeed() {
        var journal = PaymentJournal()
        journal.file(Self.claim("H"), in: .shenzhen, hoursAgo: -1)
        let position = journal.position

        let knowing = journal.file(Self.claim("R"), in: .hangzhou, hoursAgo: 2, knowing: position)
        let notKnowing = journal.file(Self.claim("R2"), in: .hangzhou, hoursAgo: 2, knowing: position - 1)
        let inventing = journal.file(Self.claim("R3"), in: .hangzhou, hoursAgo: 2, knowing: 1_000_000)

        #expect([knowing, notKnowing, inventing].map(\.decision) == [.refused, .refused, .refused])
        #expect([knowing, notKnowing, inventing].map { $0.caseID != nil } == [false, true, true])
    }

    @Test("none is opened by a claim that was not filed first")
    func notEarlier() {
        var journal = PaymentJournal()
        journal.file(Self.claim("H"), in: .shenzhen, hoursAgo: 2)

        #expect(journal.file(Self.claim("R"), in: .hangzhou, hoursAgo: 1).cases == [])
    }

    @Test("none is opened within what the policy lets clocks differ by")
    func margin() {
        var journal = PaymentJournal(cases: CaseTerms(earlierBySeconds: 3_600))
        journal.file(Self.claim("H"), in: .shenzhen)

        #expect(journal.file(Self.claim("R"), in: .hangzhou, hoursAgo: 1).cases == [])
        #expect(journal.file(Self.claim("R2"), in: .hangzhou, hoursAgo: 2).cases.count == 1)
    }

    @Test(
        "none is opened against a holder whose payment is authorised or further on",
        arguments: [Payment.Stage.authorized, .released, .submitted, .paid])
    func approved(stage: Payment.Stage) {
        var journal = PaymentJournal()
        journal.bring(Self.claim("H"), in: .shenzhen, to: stage)

        let outcome = journal.file(Self.claim("R"), in: .hangzhou, hoursAgo: 5)

        #expect(outcome.decision == .refused)
        #expect(outcome.cases == [])
    }

    @Test("none is opened between two claims of one city")
    func oneCity() {
        var journal = PaymentJournal()
        journal.file(Self.claim("H"), in: .hangzhou)

        #expect(journal.file(Self.claim("R"), in: .hangzhou, hoursAgo: 2).cases == [])
    }

    @Test("none is opened by a claim that would be refused anyway: for itself, or for a claim that was filed before it")
    func refusedAnyway() {
        var journal = PaymentJournal()
        journal.file(Self.claim("H"), in: .shenzhen)
        journal.file(.sample("B", invoices: [.serial(2)]), in: .beijing, hoursAgo: 5)

        let unknownVoucher = Claim.sample("R", voucher: "V9", invoices: [.serial(1)])
        let both = Claim.sample("R2", invoices: [.serial(1), .serial(2)])
        let outcomes = [unknownVoucher, both].map { journal.file($0, in: .hangzhou, hoursAgo: 3) }

        #expect(outcomes.map(\.decision) == [.refused, .refused])
        #expect(outcomes.flatMap(\.cases) == [])
    }

    @Test("a cap is disputed when the claim would fit but for later ones; the case names these alone")
    func cap() throws {
        var journal = PaymentJournal()
        journal.publish(version: 2, yearCap: .yuan(100))
        journal.file(.sample("B", invoices: [.serial(2)], claimed: .yuan(40)), in: .beijing, hoursAgo: 5)
        journal.file(.sample("H", invoices: [.serial(3)], claimed: .yuan(40)), in: .shenzhen)

        let fits = journal.file(.sample("R", invoices: [.serial(4)], claimed: .yuan(50)), in: .hangzhou, hoursAgo: 2)
        let never = journal.file(.sample("R2", invoices: [.serial(5)], claimed: .yuan(70)), in: .hangzhou, hoursAgo: 2)

        #expect([fits, never].map(\.decision) == [.refused, .refused])
        #expect(fits.cases.map { $0.parties.map(\.claim) } == [[Self.refused, Self.holder]])
        #expect(fits.events.flatMap(\.reasons).flatMap(\.blocking) == [Self.holder])
        #expect(never.cases == [])
    }

    @Test("a city has as many at a time as the policy says, and others again when these are closed")
    func quota() throws {
        var journal = PaymentJournal(cases: CaseTerms(automaticPerCity: 1))
        journal.file(Self.claim("H"), in: .shenzhen)

        let first = journal.file(Self.claim("R"), in: .hangzhou, hoursAgo: 2)
        let second = journal.file(Self.claim("R2"), in: .hangzhou, hoursAgo: 2)
        let ofAnother = journal.file(Self.claim("R3"), in: .beijing, hoursAgo: 2)
        journal.rule(try #require(first.caseID), keep: [Self.holder])
        let third = journal.file(Self.claim("R4"), in: .hangzhou, hoursAgo: 2)

        #expect([first, second, ofAnother, third].map { $0.caseID != nil } == [true, false, true, true])
    }

    @Test("a policy may do without")
    func none() {
        var journal = PaymentJournal(cases: CaseTerms(automaticPerCity: 0))
        journal.file(Self.claim("H"), in: .shenzhen)

        #expect(journal.file(Self.claim("R"), in: .hangzhou, hoursAgo: 2).cases == [])
    }

    // MARK: What it delays

    @Test("a payment waits for one dwell, and then the case that nobody contested ends by itself")
    func lapses() throws {
        var (journal, id) = try Self.disputed()
        journal.request(Self.holder)
        var ends: [Outcome] = []
        for _ in 0..<3 { ends.append(journal.tick(seconds: 900, hearing: PaymentJournal.cities)) }

        #expect(ends.map { $0.claims(at: .authorized) } == [[], [], [Self.holder]])
        #expect(ends.flatMap(\.events).map(\.kind) == [.lapsed])
        #expect(journal.fold.ledger.cases[id]?.isClosed == true)
        #expect(journal.state(of: Self.refused) == .refused)
    }

    @Test("a case that the refused claim's city contests waits for a ruling, and the payment does not")
    func contested() throws {
        var (journal, id) = try Self.disputed()
        journal.answer(id, .contest, by: .hangzhou)
        journal.request(Self.holder)
        var ends: [Outcome] = []
        for _ in 0..<3 { ends.append(journal.tick(seconds: 900, hearing: PaymentJournal.cities)) }

        #expect(ends.map { $0.claims(at: .authorized) } == [[], [], [Self.holder]])
        #expect(journal.fold.ledger.cases[id]?.isClosed == false)
    }

    @Test("what the holder's city says keeps no case alive")
    func holderAnswers() throws {
        var (journal, id) = try Self.disputed()
        journal.answer(id, .contest, by: .shenzhen)
        for _ in 0..<3 { journal.tick(seconds: 900) }

        #expect(journal.fold.ledger.cases[id]?.isClosed == true)
    }

    @Test("further cases delay no longer than the first one")
    func oneDwell() throws {
        var (journal, _) = try Self.disputed()
        journal.request(Self.holder)
        journal.tick(seconds: 900, hearing: PaymentJournal.cities)
        journal.tick(seconds: 900, hearing: PaymentJournal.cities)
        let second = journal.file(Self.claim("R2"), in: .beijing, hoursAgo: 3)
        let later = journal.tick(seconds: 900, hearing: PaymentJournal.cities)

        #expect(second.caseID != nil)
        #expect(later.claims(at: .authorized) == [Self.holder])
    }

    @Test("the refused claim's city may give way: the case ends at once")
    func givesWay() throws {
        var (journal, id) = try Self.disputed()
        journal.request(Self.holder)

        let answer = journal.answer(id, .withdraw, by: .hangzhou)

        #expect(answer.events.map(\.kind) == [.answered, .settled])
        #expect(journal.fold.ledger.cases[id]?.isClosed == true)
        #expect(journal.tick(hearing: PaymentJournal.cities).claims(at: .authorized) == [Self.holder])
    }

    @Test("it ends with the last holder that goes")
    func holderGoes() throws {
        var (journal, id) = try Self.disputed()

        let outcome = journal.withdraw(Self.holder)

        #expect(outcome.events.map(\.kind) == [.settled])
        #expect(journal.fold.ledger.cases[id]?.isClosed == true)
        #expect(journal.file(Self.claim("R5"), in: .hangzhou).decision == .reserved)
    }

    // MARK: How it ends

    @Test("a ruling against the holder frees the key for the next claim; the refused one stays refused")
    func wins() throws {
        var (journal, id) = try Self.disputed()

        journal.rule(id, keep: [Self.refused], out: [Self.holder])

        #expect(journal.state(of: Self.holder) == .refused)
        #expect(journal.state(of: Self.refused) == .refused)
        #expect(journal.file(Self.claim("R2"), in: .hangzhou).decision == .reserved)
    }

    @Test("an appeal keeps it alive, and delays nothing any more")
    func appealed() throws {
        var (journal, id) = try Self.disputed()
        for _ in 0..<3 { journal.tick(seconds: 900) }
        journal.answer(id, .appeal, by: .hangzhou)

        let request = journal.request(Self.holder)
        journal.tick(seconds: 900)

        #expect(journal.fold.ledger.cases[id]?.isClosed == false)
        #expect(request.claims(at: .authorized) == [Self.holder])
    }

    @Test("a case that the operators reopen is one like any other: it waits for a ruling, and payments for it")
    func reopened() throws {
        var (journal, id) = try Self.disputed()
        journal.rule(id, keep: [Self.holder])
        journal.append(.caseReopened(caseID: id, reason: "新证据", by: "王"))
        journal.request(Self.holder)
        let ends = (0..<5).map { _ in journal.tick(seconds: 900, hearing: PaymentJournal.cities) }

        #expect(ends.flatMap { $0.claims(at: .authorized) } == [])
        #expect(journal.fold.ledger.cases[id]?.isClosed == false)
    }
}
