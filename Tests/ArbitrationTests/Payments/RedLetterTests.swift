import TestSupport
import Testing
import VoucherDomain

@testable import Arbitration

@Suite("D16: invoices that are reversed by red letters")
struct RedLetterTests {
    private static let claim = ClaimName.hangzhou("A")
    private static let bound: [Payment.Stage] = [.authorized, .released, .submitted, .paid]
    private static let letter = Claim.Invoice.serial(901)
    private static let otherLetter = Claim.Invoice.serial(902)

    private static let cofunded = [ClaimName.hangzhou("A"), .beijing("B")]

    /// A claim of 30 yuan in Hangzhou, which is paid, and one of 60 in Beijing, co-funded on one invoice of 100 yuan.
    private func cofunded(secondTo stage: Payment.Stage) -> PaymentJournal {
        var journal = PaymentJournal(with: [.redLetters])
        journal.bring(.sample("A", invoices: [.serial(1)], claimed: .yuan(30), group: "G"), to: .paid)
        journal.bring(
            .sample("B", invoices: [.serial(1)], claimed: .yuan(60), group: "G"), in: .beijing, to: stage)
        return journal
    }

    // MARK: Approved claims

    @Test(
        "what red letters leave of an invoice without cover is clawed back from the approved claim",
        arguments: [(Int64(89), Int64(0)), (90, 0), (91, 1), (95, 5), (100, 10), (120, 10)])
    func amounts(reversed: Int64, clawback: Int64) {
        var journal = PaymentJournal(with: [.redLetters])
        let claim = journal.bring(to: .paid)

        let outcome = journal.reverse(.serial(1), by: Self.letter, .yuan(reversed))

        #expect(outcome.decision == .noted)
        #expect(outcome.effects.map(\.name) == (clawback > 0 ? [claim] : []))
        #expect(outcome.cases == [])
        #expect(journal[claim]?.clawback == .yuan(clawback))
        #expect(journal.state(of: claim) == .paid)
    }

    @Test(
        "the payment of an approved claim goes on, with what is to be paid back, and keeps its keys",
        arguments: bound)
    func stages(stage: Payment.Stage) throws {
        var journal = PaymentJournal(with: [.redLetters])
        let claim = journal.bring(to: stage)
        let keys = journal.keys(of: claim)
        var payment = try #require(journal[claim])
        payment.clawback = .yuan(10)

        journal.reverse(.serial(1), by: Self.letter, .yuan(100))

        #expect(journal[claim] == payment)
        #expect(journal.keys(of: claim) == keys)
    }

    @Test("two amounts of one letter under two names of an invoice count the same in every process")
    func severalAmounts() {
        for serial in 1...20 {
            let (digital, paper) = (Claim.Invoice.serial(serial), Claim.Invoice.serial(serial, .yuan(100), .paper))
            let both = Claim.Invoice.serial(serial, .yuan(100), .both)
            var journal = PaymentJournal()
            journal.reverse(digital, by: Self.letter, .yuan(10))
            journal.reverse(paper, by: Self.letter, .yuan(20), in: .beijing)
            journal.file(.sample("A", invoices: [both]), in: .hangzhou)

            let names = [digital, paper].map { Key.invoice($0.number.primary) }
            let told = journal.fold.ledger.redLetters(of: both.number).letters.values.map(\.amount)
            #expect(told == [names[0] < names[1] ? .yuan(20) : .yuan(10)], "invoice \(serial)")
        }
    }

    @Test("several red letters add up")
    func several() {
        var journal = PaymentJournal(with: [.redLetters])
        let claim = journal.bring(to: .paid)

        var clawbacks: [Money?] = []
        for (serial, yuan) in [(901, Int64(50)), (902, 45), (903, 5)] {
            journal.reverse(.serial(1), by: .serial(serial), .yuan(yuan))
            clawbacks.append(journal[claim]?.clawback)
        }

        #expect(clawbacks == [.zero, .yuan(5), .yuan(10)])
    }

    @Test("approved claims on one invoice pay back in proportion to their shares")
    func proportion() {
        var journal = cofunded(secondTo: .paid)

        journal.reverse(.serial(1), by: Self.letter, .yuan(40))
        let inPart = Self.cofunded.map { journal[$0]?.clawback }
        journal.reverse(.serial(1), by: Self.otherLetter, .yuan(60))
        let inFull = Self.cofunded.map { journal[$0]?.clawback }

        #expect(inPart == [.yuan(10), .yuan(20)])
        #expect(inFull == [.yuan(30), .yuan(60)])
    }

    @Test("what is reversed in small parts is clawed back in the same proportion as at once")
    func smallParts() {
        var journal = cofunded(secondTo: .paid)
        journal.reverse(.serial(1), by: Self.letter, .yuan(10))

        for serial in 902...904 { journal.reverse(.serial(1), by: .serial(serial), Money(rawValue: 1)) }

        #expect(Self.cofunded.map { journal[$0]?.clawback } == [Money(rawValue: 1), Money(rawValue: 2)])
    }

    @Test("a case on a reversed invoice of very many claims says how many it does not name")
    func veryMany() throws {
        var journal = PaymentJournal(with: [.redLetters])
        for number in 1...Reason.mostNamed + 4 {
            journal.file(
                .sample("A\(number)", invoices: [.serial(1)], claimed: Money(rawValue: 10), group: "G"), in: .hangzhou)
        }

        let outcome = journal.reverse(.serial(1), by: Self.letter, .yuan(100))

        // The one that the case is about is in no list.
        let reason = try #require(outcome.events.first?.reasons.first)
        #expect(reason.blocking.count == Reason.mostNamed)
        #expect(reason.unnamed == 3)
    }

    @Test("a claim with several invoices pays back its share of the one that is reversed, no more")
    func oneOfSeveral() {
        var journal = PaymentJournal(with: [.redLetters])
        let claim = journal.bring(
            .sample("A", invoices: [.serial(1, .yuan(300)), .serial(2, .yuan(100))], claimed: .yuan(20)), to: .paid)

        journal.reverse(.serial(1), by: Self.letter, .yuan(300))

        #expect(journal[claim]?.clawback == .yuan(15))
    }

    @Test("a payment that fails after a red letter leaves the claim reserved: nobody has ruled against it")
    func failure() {
        var journal = PaymentJournal(with: [.redLetters])
        let claim = journal.bring(to: .submitted)
        let keys = journal.keys(of: claim)
        journal.reverse(.serial(1), by: Self.letter, .yuan(95))

        journal.fail(claim, .rejected)

        #expect(journal.state(of: claim) == .reserved)
        #expect(journal.keys(of: claim) == keys)
    }

    @Test("the next payment of such a claim waits for a case on its invoice")
    func afterFailure() {
        var journal = PaymentJournal(with: [.redLetters])
        let claim = journal.bring(to: .submitted)
        journal.reverse(.serial(1), by: Self.letter, .yuan(95))
        journal.fail(claim, .rejected)

        let outcome = journal.request(claim)

        let reasons = outcome.events.flatMap(\.reasons).map(\.withoutKey)
        #expect(reasons == [.reversed(.yuan(95), uncovered: .yuan(5))])
        #expect(outcome.claims(at: .authorized) == [])
        #expect(journal[claim]?.stage == .requested)
    }

    // MARK: Unpaid claims

    @Test("a claim that is not approved yet gets a case, which its payment waits for")
    func unpaid() throws {
        var journal = PaymentJournal(with: [.redLetters])
        journal.file(.sample("A", invoices: [.serial(1)]), in: .hangzhou)

        let outcome = journal.reverse(.serial(1), by: Self.letter, .yuan(100))
        let requested = journal.request(Self.claim)
        let waits = journal.tick(hearing: PaymentJournal.cities)

        let conflict = try #require(outcome.cases.first)
        #expect(outcome.effects == [])
        #expect(outcome.cases.count == 1)
        #expect(conflict.parties == [.live(Self.claim)])
        #expect(conflict.rules == ["reversed-invoice"])
        #expect(outcome.events.flatMap(\.reasons) == [.reversed(.yuan(100), uncovered: .yuan(10))])
        #expect(requested.cases == [])
        #expect([requested, waits].flatMap { $0.claims(at: .authorized) } == [])
        #expect(journal.state(of: Self.claim) == .reserved)
    }

    @Test("a claim that is kept in that case is paid, and the same red letters open no second one")
    func kept() throws {
        var journal = PaymentJournal(with: [.redLetters])
        journal.file(.sample("A", invoices: [.serial(1)]), in: .hangzhou)
        let reversed = journal.reverse(.serial(1), by: Self.letter, .yuan(100))
        journal.rule(try #require(reversed.cases.first).id, keep: [Self.claim])

        let requested = journal.request(Self.claim)
        journal.tick(hearing: PaymentJournal.cities)

        #expect(requested.cases == [])
        #expect(journal.state(of: Self.claim) == .authorized)
    }

    @Test("of two claims on one invoice the paid one pays back its part, and the other one gets the case")
    func mixed() {
        var journal = cofunded(secondTo: .requested)

        let outcome = journal.reverse(.serial(1), by: Self.letter, .yuan(40))

        #expect(outcome.effects.map(\.name) == [Self.cofunded[0]])
        #expect(journal[Self.cofunded[0]]?.clawback == .yuan(10))
        #expect(outcome.cases.map(\.parties) == [[.live(Self.cofunded[1])]])
    }

    @Test("a red letter that leaves enough for the claims opens no case")
    func covered() {
        var journal = PaymentJournal(with: [.redLetters])
        journal.file(.sample("A", invoices: [.serial(1)]), in: .hangzhou)

        let outcome = journal.reverse(.serial(1), by: Self.letter, .yuan(90))

        #expect(outcome.decision == .noted)
        #expect(outcome.effects == [])
        #expect(outcome.cases == [])
    }

    // MARK: Told again, or under another name

    @Test("a red letter that is told twice counts once")
    func toldTwice() {
        var journal = PaymentJournal(with: [.redLetters])
        let claim = journal.bring(.sample("A", invoices: [.serial(1)], claimed: .yuan(90)), to: .paid)
        journal.reverse(.serial(1), by: Self.letter, .yuan(40))
        let before = journal.fold

        let again = journal.reverse(.serial(1), by: Self.letter, .yuan(40), in: .beijing)

        #expect(again == Outcome(decision: .unchanged, policyVersion: 1))
        #expect(journal.fold == before)
        #expect(journal[claim]?.clawback == .yuan(30))
    }

    /// A claim of 30 yuan in Hangzhou, which is paid; a red letter on its invoice that Beijing told when it had no
    /// claim there; and a claim of 60 yuan that Beijing has filed since.
    private func toldByStranger(_ amount: Money) -> PaymentJournal {
        var journal = PaymentJournal(with: [.redLetters])
        journal.bring(.sample("A", invoices: [.serial(1)], claimed: .yuan(30), group: "G"), to: .paid)
        journal.file(.sample("B", invoices: [.serial(1)], claimed: .yuan(60), group: "G"), in: .beijing)
        journal.withdraw(.beijing("B"))
        journal.reverse(.serial(1), by: Self.letter, amount, in: .beijing)
        journal.file(.sample("C", invoices: [.serial(1)], claimed: .yuan(60), group: "G"), in: .beijing)
        return journal
    }

    @Test(
        "what a city told before it was believed is clawed back as soon as it is told again, once",
        arguments: [CityCode.hangzhou, .beijing])
    func believedLater(city: CityCode) {
        var journal = toldByStranger(.yuan(100))
        let before = journal[Self.claim]?.clawback

        let again = journal.reverse(.serial(1), by: Self.letter, .yuan(100), in: city)
        let told = journal[Self.claim]?.clawback
        let repeats = [CityCode.hangzhou, .beijing].map {
            journal.reverse(.serial(1), by: Self.letter, .yuan(100), in: $0)
        }

        #expect(before == .zero)
        #expect(journal.state(of: .beijing("C")) == .held)
        #expect(again.effects.map(\.name) == [Self.claim])
        #expect(told == .yuan(30))
        #expect(repeats.map(\.decision) == [.unchanged, .unchanged])
        #expect(journal[Self.claim]?.clawback == .yuan(30))
    }

    @Test("what a city told before it was believed is clawed back with the next red letter on the invoice")
    func believedByTheNext() {
        var journal = toldByStranger(.yuan(40))

        journal.reverse(.serial(1), by: Self.otherLetter, .yuan(60))

        #expect(journal[Self.claim]?.clawback == .yuan(30))
    }

    @Test("a claim that was kept though its city's red letter left it without cover answers for later ones alone")
    func keptInSpite() {
        var journal = PaymentJournal(with: [.redLetters])
        journal.reverse(.serial(1), by: Self.letter, .yuan(95))
        let held = journal.file(.sample("A", invoices: [.serial(1)]), in: .hangzhou)
        journal.rule(valid(held.caseID), keep: [Self.claim])
        journal.request(Self.claim)
        journal.tick(hearing: PaymentJournal.cities)

        journal.reverse(.serial(1), by: Self.otherLetter, .yuan(5))

        #expect(journal.state(of: Self.claim) == .authorized)
        #expect(journal[Self.claim]?.clawback == .yuan(5))
    }

    @Test("a red letter goes on counting when the city that told it has no claim on the invoice any more")
    func tellerGone() {
        var journal = PaymentJournal(with: [.redLetters])
        let teller = journal.file(.sample("A", invoices: [.serial(1)]), in: .hangzhou).claim
        journal.reverse(.serial(1), by: Self.letter, .yuan(100))
        journal.withdraw(valid(teller))

        let outcome = journal.file(.sample("B", invoices: [.serial(1)]), in: .beijing)

        #expect(outcome.verdict == Verdict(.held, [.reversed(.yuan(100), uncovered: .yuan(10))]))
    }

    @Test("a red letter that is told with another amount is invalid")
    func otherAmount() {
        var journal = PaymentJournal(with: [.redLetters])
        journal.bring(to: .paid)
        journal.reverse(.serial(1), by: Self.letter, .yuan(95))
        let before = journal.fold

        let outcome = journal.reverse(.serial(1), by: Self.letter, .yuan(96))

        let number = Self.letter.number.text
        #expect(outcome == .invalid("red-letter invoice \(number) was told with another amount before"))
        #expect(journal.fold == before)
    }

    @Test(
        "a red letter reaches a claim under whichever name both give the invoice",
        arguments: [
            (Claim.Invoice.Naming.both, Claim.Invoice.Naming.digital), (.both, .paper), (.both, .both),
            (.digital, .both), (.paper, .both),
        ])
    func names(claimed: Claim.Invoice.Naming, reversed: Claim.Invoice.Naming) {
        var journal = PaymentJournal(with: [.redLetters])
        let claim = journal.bring(.sample("A", invoices: [.serial(1, .yuan(100), claimed)]), to: .paid)

        journal.reverse(.serial(1, .yuan(100), reversed), by: Self.letter, .yuan(100))

        #expect(journal[claim]?.clawback == .yuan(10))
    }

    @Test(
        "a red letter counts once, under whichever names of its invoice it is told",
        arguments: [
            (Claim.Invoice.Naming.both, Claim.Invoice.Naming.paper), (.digital, .both), (.digital, .paper),
            (.paper, .digital),
        ])
    func toldUnderTwoNames(first: Claim.Invoice.Naming, second: Claim.Invoice.Naming) {
        var journal = PaymentJournal(with: [.redLetters])
        let claim = journal.bring(
            .sample("A", invoices: [.serial(1, .yuan(100), .both)], claimed: .yuan(90)), to: .paid)
        journal.reverse(.serial(1, .yuan(100), first), by: Self.letter, .yuan(40))

        let again = journal.reverse(.serial(1, .yuan(100), second), by: Self.letter, .yuan(40))

        #expect(again.decision == .unchanged)
        #expect(journal[claim]?.clawback == .yuan(30))
    }

    // MARK: Claims that come later

    @Test("a later claim that a reversed invoice does not cover is held")
    func laterClaim() {
        var journal = PaymentJournal(with: [.redLetters])
        journal.reverse(.serial(1), by: Self.letter, .yuan(100))

        let outcome = journal.file(.sample("A", invoices: [.serial(1)]), in: .hangzhou)

        #expect(outcome.verdict == Verdict(.held, [.reversed(.yuan(100), uncovered: .yuan(10))]))
        #expect(outcome.cases.map(\.parties) == [[.live(Self.claim)]])
    }

    @Test(
        "a later claim is held under any name by which the red letter and it know the invoice",
        arguments: [(Claim.Invoice.Naming.both, Claim.Invoice.Naming.paper), (.digital, .both), (.paper, .both)])
    func laterClaimByName(claimed: Claim.Invoice.Naming, reversed: Claim.Invoice.Naming) {
        var journal = PaymentJournal(with: [.redLetters])
        journal.reverse(.serial(1, .yuan(100), reversed), by: Self.letter, .yuan(95))

        let outcome = journal.file(.sample("A", invoices: [.serial(1, .yuan(100), claimed)]), in: .hangzhou)

        #expect(outcome.verdict == Verdict(.held, [.reversed(.yuan(95), uncovered: .yuan(5))]))
    }

    @Test("a later claim that the rest of the invoice covers is reserved")
    func laterClaimCovered() {
        var journal = PaymentJournal(with: [.redLetters])
        journal.reverse(.serial(1), by: Self.letter, .yuan(90))

        let outcome = journal.file(.sample("A", invoices: [.serial(1)]), in: .hangzhou)

        #expect(outcome.verdict == Verdict(.reserved))
    }

    @Test("where the policy has no rule on them, red letters change nothing")
    func noRule() {
        var journal = PaymentJournal()
        let claim = journal.bring(to: .paid)

        let outcome = journal.reverse(.serial(1), by: Self.letter, .yuan(100))
        journal.reverse(.serial(2), by: Self.otherLetter, .yuan(100))
        let later = journal.file(.sample("B", invoices: [.serial(2)]), in: .hangzhou)

        #expect(outcome.decision == .noted)
        #expect(outcome.effects == [])
        #expect(outcome.cases == [])
        #expect(journal[claim]?.clawback == .zero)
        #expect(later.verdict == Verdict(.reserved))
    }
}
