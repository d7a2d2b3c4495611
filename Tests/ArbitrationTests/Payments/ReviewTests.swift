import TestSupport
import Testing
import VoucherDomain

@testable import Arbitration

@Suite("Holding a claim against the rule book once more")
struct ReviewTests {
    private static let claim = ClaimName.hangzhou("A")
    private static let detector = Rule.detector("related-parties", "D10")
    private static let finding = Reason.detected("related-parties", .relatedParties, [.same(.phone)])

    /// A reserved claim under a policy that looks for related parties.
    private func reserved() -> PaymentJournal {
        var journal = PaymentJournal(with: [Self.detector])
        journal.file(.sample("A", invoices: [.serial(1)]), in: .hangzhou)
        return journal
    }

    /// The same, and buyer and supplier of the claim turn out to share a telephone.
    private func related() -> PaymentJournal {
        var journal = reserved()
        journal.listRelated()
        return journal
    }

    // MARK: At the request

    @Test("what became known after the filing opens a case when the payment is asked for, and the payment waits")
    func request() throws {
        var journal = related()

        let requested = journal.request(Self.claim)
        let waits = journal.tick(hearing: PaymentJournal.cities)

        let conflict = try #require(requested.cases.first)
        #expect(requested.decision == .noted)
        #expect(requested.cases.count == 1)
        #expect(conflict.parties == [.live(Self.claim)])
        #expect(conflict.rules == ["related-parties"])
        #expect(requested.events.map(\.kind) == [.opened])
        #expect(requested.events.flatMap(\.reasons) == [Self.finding])
        #expect(requested.claims(at: .requested) == [Self.claim])
        #expect(waits.claims(at: .authorized) == [])
        #expect(journal.state(of: Self.claim) == .reserved)
    }

    @Test("a claim that is kept in that case is paid")
    func kept() throws {
        var journal = related()
        let requested = journal.request(Self.claim)
        journal.tick(hearing: PaymentJournal.cities)

        journal.rule(try #require(requested.cases.first).id, keep: [Self.claim])
        let outcome = journal.tick()

        #expect(outcome.claims(at: .authorized) == [Self.claim])
    }

    @Test("a claim that is ruled out in that case is refused, and its request ends")
    func ruledOut() throws {
        var journal = related()
        let requested = journal.request(Self.claim)
        journal.rule(try #require(requested.cases.first).id, out: [Self.claim])

        let outcome = journal.tick(hearing: PaymentJournal.cities)

        #expect(outcome.claims(at: .authorized) == [])
        #expect(journal.state(of: Self.claim) == .refused)
        #expect(journal[Self.claim] == nil)
        #expect(journal.keys(of: Self.claim) == [])
    }

    @Test("where nothing new is known, no case is opened")
    func nothingNew() {
        var journal = reserved()

        let requested = journal.request(Self.claim)
        journal.tick(hearing: PaymentJournal.cities)

        #expect(requested.cases == [])
        #expect(requested.events == [])
        #expect(journal.state(of: Self.claim) == .authorized)
    }

    @Test("the same finding never opens a second case, be the first one open or closed")
    func foundOnce() throws {
        var journal = related()
        let requested = journal.request(Self.claim)
        let open = journal.review(Self.claim)
        journal.rule(try #require(requested.cases.first).id, keep: [Self.claim])
        let closed = journal.review(Self.claim)
        journal.tick(hearing: PaymentJournal.cities)
        journal.fail(Self.claim, .cancelled)

        let again = journal.request(Self.claim)

        #expect([open, closed] == [Outcome](repeating: Outcome(decision: .unchanged, policyVersion: 1), count: 2))
        #expect(again.cases == [])
        #expect(again.claims(at: .authorized) == [Self.claim])
    }

    @Test("what a case has named as the claim was filed opens no second one")
    func knownFromFiling() throws {
        var journal = PaymentJournal(with: [Self.detector])
        journal.listRelated()
        let held = journal.file(.sample("A", invoices: [.serial(1)]), in: .hangzhou)
        let whileHeld = journal.request(Self.claim)
        journal.rule(try #require(held.caseID), keep: [Self.claim])
        let reviewed = journal.review(Self.claim)

        #expect(whileHeld.cases == [])
        #expect(reviewed.decision == .unchanged)
    }

    @Test("claims that a ruling lets stand side by side are no news to each other")
    func sideBySide() throws {
        var journal = PaymentJournal()
        journal.file(.sample("A", invoices: [.serial(1)], receipt: "R1"), in: .hangzhou)
        let held = journal.file(.sample("B", invoices: [.serial(2)], receipt: "R1"), in: .shenzhen)
        let names = [Self.claim, .shenzhen("B")]
        journal.rule(try #require(held.caseID), keep: names)

        let requests = names.map { journal.request($0) }
        let outcome = journal.tick(hearing: PaymentJournal.cities)

        #expect(requests.flatMap(\.cases) == [])
        #expect(outcome.claims(at: .authorized) == names)
    }

    // MARK: Another policy

    @Test("a breach of a newer policy opens a case and is never a refusal, whatever the rule says of new claims")
    func newerPolicy() throws {
        var journal = reserved()
        let nextYear = Policy.Programme(name: "算力券", from: .on("2027-01-01"), until: .on("2028-01-01"))
        journal.publish(version: 2, programmes: [nextYear])

        let requested = journal.request(Self.claim)
        let waits = journal.tick(hearing: PaymentJournal.cities)

        #expect(requested.decision == .noted)
        #expect(requested.reasons == [])
        #expect(requested.cases.map(\.rules) == [["out-of-window"]])
        #expect(requested.events.flatMap(\.reasons).map(\.outcome) == [.hold])
        #expect(waits.claims(at: .authorized) == [])
        #expect(journal.state(of: Self.claim) == .reserved)
        #expect(journal.keys(of: Self.claim) != [])
    }

    @Test("a lower cap binds later claims only")
    func lowerCap() {
        var journal = reserved()
        journal.publish(version: 2, yearCap: .yuan(5))

        let requested = journal.request(Self.claim)
        let later = journal.file(.sample("B", invoices: [.serial(2)]), in: .hangzhou)

        #expect(requested.cases == [])
        #expect(later.decision == .refused)
    }

    @Test("a rule that only flags opens no case")
    func flag() {
        var journal = PaymentJournal(with: [.detector("related-parties", "D10", .flag)])
        journal.file(.sample("A", invoices: [.serial(1)]), in: .hangzhou)
        journal.listRelated()

        let requested = journal.request(Self.claim)

        #expect(requested.cases == [])
    }

    // MARK: The nightly pass

    @Test("a review opens the case of a claim that nobody asks payment for")
    func review() {
        var journal = related()
        let finds = journal.fold.findsSomethingNew(in: Self.claim)

        let outcome = journal.review(Self.claim)

        #expect(finds)
        #expect(outcome.decision == .noted)
        #expect(outcome.effects == [])
        #expect(outcome.cases.map(\.parties) == [[.live(Self.claim)]])
        #expect(outcome.events.flatMap(\.reasons) == [Self.finding])
        #expect(!journal.fold.findsSomethingNew(in: Self.claim))
        #expect(journal.state(of: Self.claim) == .reserved)
    }

    @Test("a review that finds nothing new changes nothing")
    func idleReview() {
        var journal = reserved()
        let before = journal.fold

        let outcome = journal.review(Self.claim)

        #expect(!before.findsSomethingNew(in: Self.claim))
        #expect(outcome == Outcome(decision: .unchanged, policyVersion: 1))
        #expect(journal.fold == before)
    }

    @Test(
        "a review finds nothing in a claim that is approved or holds nothing any more",
        arguments: [Payment.Stage.authorized, .released, .submitted, .paid, .reversed])
    func boundClaim(stage: Payment.Stage) {
        var journal = PaymentJournal(with: [Self.detector])
        let claim = journal.bring(to: stage)
        journal.listRelated()

        let outcome = journal.review(claim)

        #expect(outcome == Outcome(decision: .unchanged, policyVersion: 1))
    }

    @Test("a review of a claim that was never filed is invalid")
    func unknownClaim() {
        var journal = reserved()

        let outcome = journal.review(.hangzhou("never filed"))

        #expect(outcome == .invalid("no claim with that number was filed"))
    }

    @Test("a claim that is held stays held when it is kept in the case of a review, until its own case is ruled on")
    func heldClaim() throws {
        var journal = PaymentJournal(with: [Self.detector])
        let name = ClaimName.shenzhen("B")
        journal.file(.sample("A", invoices: [.serial(1)], receipt: "R1"), in: .hangzhou)
        let held = journal.file(.sample("B", invoices: [.serial(2)], receipt: "R1"), in: .shenzhen)
        journal.listRelated()
        let reviewed = journal.review(name)

        journal.rule(try #require(reviewed.cases.first).id, keep: [name])
        let inBetween = journal.state(of: name)
        journal.rule(try #require(held.caseID), keep: [Self.claim, name])

        #expect(reviewed.cases.map(\.rules) == [["related-parties"]])
        #expect(inBetween == .held)
        #expect(journal.state(of: name) == .reserved)
    }
}

extension PaymentJournal {
    /// Lists the buyer and the supplier of the samples with one telephone.
    fileprivate mutating func listRelated() {
        list(.sample(.buyer, [.sample(.phone)]), .sample(.supplier, [.sample(.phone)]))
    }
}
