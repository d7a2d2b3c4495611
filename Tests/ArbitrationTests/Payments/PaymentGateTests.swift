import TestSupport
import Testing
import VoucherDomain

@testable import Arbitration

@Suite("The gate before an authorisation")
struct PaymentGateTests {
    private static let claim = ClaimName.hangzhou("A")
    private static let shanghai = valid(CityCode("310000"))

    /// A claim of Hangzhou's whose payment is requested; no city was heard since it joined.
    private func waiting() -> PaymentJournal {
        var journal = PaymentJournal()
        journal.bring(to: .requested)
        return journal
    }

    // MARK: Cities

    @Test("a payment is authorised once every other active city has told everything up to past the claim's receipt")
    func othersHeard() {
        var journal = waiting()
        let receipt = journal.receipt(of: Self.claim)

        let outcomes = [
            journal.tick([.heard(.beijing, upTo: receipt), .heard(.shenzhen, upTo: receipt)]),
            journal.tick([.heard(.beijing, upTo: receipt + 1)]),
            journal.tick([.heard(.shenzhen, upTo: receipt + 1)]),
        ]

        #expect(outcomes.map { $0.claims(at: .authorized) } == [[], [], [Self.claim]])
        #expect(journal.state(of: Self.claim) == .authorized)
    }

    @Test("an authorisation states its position, the amount, the witnesses and every key that it binds")
    func authorization() throws {
        var journal = waiting()

        let outcome = journal.tick(hearing: [.beijing, .shenzhen])

        let payment = try #require(journal[Self.claim])
        let authorization = Payment.Authorization(
            position: journal.position, reference: journal.reference(of: Self.claim), amount: .yuan(10), witnesses: 1)
        let bound = outcome.effects.flatMap(\.authorized)
        let effect = Outcome.Effect(
            name: Self.claim, position: payment.position, state: .authorized, payment: payment, authorized: bound)
        #expect(payment.authorization == authorization)
        #expect(outcome == Outcome(decision: .noted, policyVersion: 1, effects: [effect]))
        #expect(bound.map(\.key) == journal.keys(of: Self.claim).sorted())
    }

    @Test("how far the paying city itself was heard does not matter", arguments: [[], [CityCode.hangzhou]])
    func ownCity(heard: [CityCode]) {
        var journal = waiting()

        let outcomes = [journal.tick(hearing: heard), journal.tick(hearing: [.beijing, .shenzhen])]

        #expect(outcomes.map { $0.claims(at: .authorized) } == [[], [Self.claim]])
    }

    @Test("what is asked for after the others were heard is authorised at once")
    func atOnce() {
        var journal = PaymentJournal()
        journal.file(.sample("A", invoices: [.serial(1)]), in: .hangzhou)
        journal.tick(hearing: [.beijing, .shenzhen])

        let outcome = journal.request(Self.claim)

        #expect(outcome.claims(at: .authorized) == [Self.claim])
        #expect(journal[Self.claim]?.authorization?.position == journal.position)
    }

    @Test("what a city has told never sinks")
    func oldReport() {
        var journal = waiting()
        let receipt = journal.receipt(of: Self.claim)

        let outcomes = [
            journal.tick([.heard(.beijing, upTo: receipt + 1)]),
            journal.tick([.heard(.beijing, upTo: receipt - 1), .heard(.shenzhen, upTo: receipt + 1)]),
        ]

        #expect(outcomes.map { $0.claims(at: .authorized) } == [[], [Self.claim]])
    }

    @Test("nobody waits for a suspended city until it is reinstated")
    func suspended() {
        var journal = waiting()
        journal.change(.shenzhen, .suspended)
        let whileSuspended = journal.tick(hearing: [.beijing])
        journal.change(.shenzhen, .reinstated)
        let second = journal.bring(.sample("B", invoices: [.serial(2)]), to: .requested)

        let outcomes = [journal.tick(hearing: [.beijing]), journal.tick(hearing: [.shenzhen])]

        #expect(whileSuspended.claims(at: .authorized) == [Self.claim])
        #expect(outcomes.map { $0.claims(at: .authorized) } == [[], [second]])
    }

    @Test("a new city's watermark starts at its joining: it delays what is filed later, nothing before")
    func joining() {
        var journal = waiting()
        journal.change(Self.shanghai, .joined)
        let later = journal.bring(.sample("B", invoices: [.serial(2)]), to: .requested)

        let outcomes = [journal.tick(hearing: [.beijing, .shenzhen]), journal.tick(hearing: [Self.shanghai])]

        #expect(outcomes.map { $0.claims(at: .authorized) } == [[Self.claim], [later]])
    }

    @Test(
        "what a city says of times after its first entry that the rule book cannot read does not count",
        arguments: [(Int64(-1), false), (0, false), (1, true)])
    func unsupported(after: Int64, opens: Bool) {
        var journal = waiting()
        let time = journal.receipt(of: Self.claim) + after
        journal.append(.unsupported, in: .shenzhen, writtenAt: time)
        journal.append(.unsupported, in: .shenzhen, writtenAt: time + 3_600_000)

        let outcome = journal.tick(hearing: [.beijing, .shenzhen])

        #expect(outcome.claims(at: .authorized) == (opens ? [Self.claim] : []))
    }

    @Test("an unreadable entry of the paying city, or of one that is suspended, delays nothing")
    func unsupportedElsewhere() {
        var journal = waiting()
        journal.append(.unsupported, in: .hangzhou, writtenAt: 0)
        journal.append(.unsupported, in: .shenzhen, writtenAt: 0)
        journal.change(.shenzhen, .suspended)

        let outcome = journal.tick(hearing: [.beijing])

        #expect(outcome.claims(at: .authorized) == [Self.claim])
    }

    // MARK: The dwell

    @Test("a silent city delays a payment until the dwell is over, counted from the first tick after the claim")
    func dwell() {
        var journal = PaymentJournal()
        journal.tick(seconds: 900)
        journal.bring(to: .requested)

        let outcomes = [
            journal.tick(seconds: 900, hearing: [.beijing]),
            journal.tick(seconds: 900),
            journal.tick(milliseconds: 899_999, []),
            journal.tick(milliseconds: 1, []),
        ]

        #expect(outcomes.map { $0.claims(at: .authorized) } == [[], [], [], [Self.claim]])
    }

    @Test("the dwell runs from the claim on, however late its payment is asked for")
    func lateRequest() {
        var journal = PaymentJournal()
        journal.file(.sample("A", invoices: [.serial(1)]), in: .hangzhou)
        for _ in 0..<3 { journal.tick(seconds: 900) }

        let outcome = journal.request(Self.claim)

        #expect(outcome.claims(at: .authorized) == [Self.claim])
    }

    @Test("a tick counts a quarter of an hour at most, and never less than nothing")
    func interval() {
        var journal = waiting()
        journal.tick()

        let intervals: [Int64] = [86_400_000, -86_400_000, 899_999, .max]
        let outcomes = intervals.map { journal.tick(milliseconds: $0, []) }

        #expect(outcomes.map { $0.claims(at: .authorized) } == [[], [], [], [Self.claim]])
    }

    @Test("a city whose entries cannot be read delays the others by one dwell at most")
    func unsupportedDwell() {
        var journal = waiting()
        journal.append(.unsupported, in: .shenzhen, writtenAt: 0)

        let outcomes = (0..<3).map { _ in journal.tick(seconds: 900, hearing: [.beijing, .shenzhen]) }

        #expect(outcomes.map { $0.claims(at: .authorized) } == [[], [], [Self.claim]])
    }

    @Test("a claim is paid under the terms of the policy that it was decided under")
    func ownTerms() {
        var journal = waiting()
        journal.publish(version: 2, PaymentTerms(dwellSeconds: 0, witnessCities: 0))
        journal.file(.sample("B", invoices: [.serial(2)]), in: .hangzhou)

        let later = journal.request(.hangzhou("B"))
        let outcomes = (0..<3).map { _ in journal.tick(seconds: 900) }

        #expect(later.claims(at: .authorized) == [.hangzhou("B")])
        #expect(outcomes.map { $0.claims(at: .authorized) } == [[], [], [Self.claim]])
        let witnesses = [Self.claim, .hangzhou("B")].map { journal[$0]?.authorization?.witnesses }
        #expect(witnesses == [1, 0])
    }

    // MARK: Cases

    @Test("as long as a case is open, none of the claims that it names is authorised, not even by the dwell")
    func openCase() throws {
        var journal = waiting()
        let other = ClaimName.shenzhen("B")
        let claim = Claim.sample("C", invoices: [.serial(3)], receipt: "R1")
        journal.file(claim, in: .hangzhou)
        journal.request(.hangzhou("C"))
        let held = journal.file(.sample("B", invoices: [.serial(2)], receipt: "R1"), in: .shenzhen)
        journal.request(other)

        let barred = (0..<4).map { _ in journal.tick(seconds: 900, hearing: PaymentJournal.cities) }
        journal.rule(try #require(held.caseID), keep: [.hangzhou("C"), other])
        let opened = journal.tick()

        #expect(barred.flatMap { $0.claims(at: .authorized) } == [Self.claim])
        #expect(opened.claims(at: .authorized) == [.hangzhou("C"), other])
    }

    @Test("the payment of a claim that is held may be asked for, and waits until it is ruled on")
    func heldClaim() throws {
        var journal = PaymentJournal()
        let other = ClaimName.shenzhen("B")
        journal.file(.sample("A", invoices: [.serial(1)], receipt: "R1"), in: .hangzhou)
        let held = journal.file(.sample("B", invoices: [.serial(2)], receipt: "R1"), in: .shenzhen)

        let requested = journal.request(other)
        let waits = journal.tick(hearing: PaymentJournal.cities)
        journal.rule(try #require(held.caseID), keep: [other], out: [Self.claim])
        let opened = journal.tick()

        #expect(requested.claims(at: .requested) == [other])
        #expect(requested.effects.map(\.state) == [.held])
        #expect(waits.claims(at: .authorized) == [])
        #expect(opened.claims(at: .authorized) == [other])
    }

    @Test("a held claim that is ruled out takes its request with it")
    func ruledOut() throws {
        var journal = PaymentJournal()
        let other = ClaimName.shenzhen("B")
        journal.file(.sample("A", invoices: [.serial(1)], receipt: "R1"), in: .hangzhou)
        let held = journal.file(.sample("B", invoices: [.serial(2)], receipt: "R1"), in: .shenzhen)
        journal.request(other)
        journal.rule(try #require(held.caseID), keep: [Self.claim], out: [other])

        let outcome = journal.tick(hearing: PaymentJournal.cities)

        #expect(outcome.claims(at: .authorized) == [])
        #expect(journal[other] == nil)
        #expect(journal.state(of: other) == .refused)
    }

    // MARK: Requests

    @Test("a request is not taken for a claim that was never filed, or holds nothing")
    func impossibleRequests() {
        var journal = PaymentJournal()
        journal.file(.sample("A", invoices: [.serial(1)]), in: .hangzhou)
        journal.withdraw(Self.claim)
        let before = journal.fold

        let outcomes = [journal.request(Self.claim), journal.request(.hangzhou("never filed"))]

        #expect(outcomes[0] == .refusedPayment(of: Self.claim, "the claim is not reserved"))
        #expect(outcomes[1].decision == .invalid)
        #expect(journal.fold == before)
    }

    @Test(
        "a second request changes nothing unless the first one failed",
        arguments: [Payment.Stage.requested, .authorized, .released, .submitted, .paid, .reversed])
    func secondRequest(stage: Payment.Stage) {
        var journal = PaymentJournal()
        let claim = journal.bring(to: stage)
        let before = journal.fold

        let outcome = journal.request(claim)

        #expect(outcome == .unchanged(claim))
        #expect(journal.fold == before)
    }
}
