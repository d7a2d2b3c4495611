import TestSupport
import Testing
import VoucherDomain

@testable import Arbitration

@Suite("The release of an authorisation")
struct ReleaseTests {
    private static let claim = ClaimName.hangzhou("A")

    /// A journal that ends with the authorisation of the claim.
    private func authorized(witnesses: Int64 = 1) -> PaymentJournal {
        var journal = PaymentJournal(PaymentTerms(dwellSeconds: 1_800, witnessCities: witnesses))
        journal.bring(to: .authorized)
        return journal
    }

    /// Cities that have the authorisation tick by tick; it is released at the last one.
    private static let arrivals: [(Int64, [[CityCode]])] = [
        (0, [[.beijing, .shenzhen], [.hangzhou]]),
        (0, [[], [.hangzhou]]),
        (1, [[.hangzhou], [.beijing]]),
        (1, [[.beijing, .shenzhen], [.hangzhou]]),
        (2, [[.hangzhou, .beijing], [.shenzhen]]),
        (2, [[.beijing], [.shenzhen], [.hangzhou]]),
    ]

    @Test(
        "an authorisation is released when the paying city and as many others have it as the policy says",
        arguments: arrivals)
    func arrival(witnesses: Int64, cities: [[CityCode]]) {
        var journal = authorized(witnesses: witnesses)
        let position = journal.position

        let outcomes = cities.map { arrived in journal.tick(arrived.map { .has($0, position) }) }

        #expect(outcomes.dropLast().flatMap { $0.claims(at: .released) } == [])
        #expect(outcomes.last?.claims(at: .released) == [Self.claim])
    }

    @Test("a release changes the stage and nothing else")
    func outcome() throws {
        var journal = authorized()
        let position = journal.position
        var payment = try #require(journal[Self.claim])
        payment.stage = .released

        let outcome = journal.tick([.has(.hangzhou, position), .has(.shenzhen, position)])

        let effect = Outcome.Effect(name: Self.claim, position: payment.position, state: .authorized, payment: payment)
        #expect(outcome == Outcome(decision: .noted, policyVersion: 1, effects: [effect]))
        #expect(journal[Self.claim] == payment)
    }

    @Test("a city that has the feed up to just before the authorisation does not have it")
    func justBefore() {
        var journal = authorized()
        let position = journal.position

        let outcomes = [
            journal.tick([.has(.hangzhou, position), .has(.beijing, position - 1), .has(.shenzhen, position - 1)]),
            journal.tick([.has(.beijing, position)]),
        ]

        #expect(outcomes.map { $0.claims(at: .released) } == [[], [Self.claim]])
    }

    @Test("how far a city has the feed never sinks")
    func oldReport() {
        var journal = authorized()
        let position = journal.position

        let outcomes = [
            journal.tick([.has(.hangzhou, position)]),
            journal.tick([.has(.hangzhou, position - 1), .has(.beijing, position)]),
        ]

        #expect(outcomes.map { $0.claims(at: .released) } == [[], [Self.claim]])
    }

    @Test("a suspended city is no witness")
    func suspended() {
        var journal = authorized()
        let position = journal.position
        journal.change(.beijing, .suspended)

        let outcomes = [
            journal.tick([.has(.hangzhou, position), .has(.beijing, position)]),
            journal.tick([.has(.shenzhen, position)]),
        ]

        #expect(outcomes.map { $0.claims(at: .released) } == [[], [Self.claim]])
    }

    @Test("time alone releases nothing")
    func time() {
        var journal = authorized()

        let outcomes = (0..<10).map { _ in journal.tick(seconds: 900) }

        #expect(outcomes.flatMap { $0.claims(at: .released) } == [])
    }

    @Test("the tick that authorises a payment does not release it")
    func sameTick() {
        var journal = PaymentJournal(PaymentTerms(dwellSeconds: 1_800, witnessCities: 0))
        journal.bring(to: .requested)

        let outcomes = [
            journal.tick(hearing: PaymentJournal.cities), journal.tick(hearing: PaymentJournal.cities),
        ]

        #expect(outcomes.map { $0.claims(at: .authorized) } == [[Self.claim], []])
        #expect(outcomes.map { $0.claims(at: .released) } == [[], [Self.claim]])
    }
}
