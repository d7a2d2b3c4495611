import Arbitration
import FederationWire
import GRDB
import Replication
import Testing
import VoucherDomain

@testable import CityStore

/// Submission, and what the registry says is wrong with a step.
extension PaymentTests {
    // MARK: Submission

    @Test("the word that the instruction goes to the bank is received once a receipt covers it, and not before")
    func submissionReceived() throws {
        try desk.reach(.released)
        try desk.take(.submit)
        #expect(try !desk.view().isSubmissionReceived)
        let log = try node.log()
        let (receipt, signed) = try registry.receipt(through: log[log.count - 2].head)
        try node.store.store(receipt, signed: signed, now: .noon)
        #expect(try !desk.view().isSubmissionReceived)
        try node.push(to: registry)

        #expect(try desk.view().isSubmissionReceived)
        #expect(try desk.view().stage == "released")
    }

    @Test("after a failure the payment is asked for again, and its submission is received anew")
    func secondRound() throws {
        try desk.reach(.submitted)
        try desk.takeAndSync(PaymentDesk.cancelled)
        #expect(try desk.view().stage == "failed")
        #expect(try desk.entries { try desk.take(.request) } == [.paymentRequested])
        #expect(try desk.entries { try desk.take(.request) } == [])
        try node.sync(with: registry)
        // Beijing was heard before.
        #expect(try desk.view().stage == "authorized")
        #expect(try desk.agrees())
        #expect(try !desk.view().isSubmissionReceived)
        try desk.hear([.shenzhen, .beijing])
        #expect(try desk.view().stage == "released")
        #expect(try !desk.view().isSubmissionReceived)
        #expect(try desk.entries { try desk.take(.submit) } == [.paymentSubmitted])
        #expect(try !desk.view().isSubmissionReceived)
        try node.push(to: registry)

        #expect(try desk.view().isSubmissionReceived)
    }

    // MARK: What the registry says is wrong

    @Test("what the registry refuses shows as a problem, and may then be said again")
    func problem() throws {
        let wrong = CityStore.PaymentStep.confirm(PaymentDesk.record("工行2026-0001", 2_000_001))
        try desk.reach(.submitted)
        for _ in 1...2 {
            #expect(try desk.entries { try desk.take(wrong) } == [.paymentConfirmed])
            #expect(try desk.view().problem == nil)
            try node.sync(with: registry)
            #expect(try desk.view().problem?.contains("20000.00 yuan were authorised") == true)
            #expect(try desk.view().stage == "submitted")
        }
        try desk.takeAndSync(.confirm(PaymentDesk.bank))

        #expect(try desk.view().problem == nil)
        #expect(try desk.view().stage == "paid")
        #expect(try desk.agrees())
    }

    @Test("the answer to an earlier step is no answer to the last one")
    func earlierProblem() throws {
        try desk.reach(.submitted)
        try desk.take(.confirm(PaymentDesk.record("工行2026-0001", 1)))
        try desk.take(.confirm(PaymentDesk.bank))
        try node.sync(with: registry)

        #expect(try desk.view().problem == nil)
        #expect(try desk.view().stage == "paid")
    }

    @Test(
        "a request that the registry does not take is refused, and may be made again",
        arguments: [Outcome.Decision.refused, .invalid, .unsupported])
    func refusedRequest(decision: Outcome.Decision) throws {
        try desk.reach(.asked)
        try node.push(to: registry)
        let answer = registry.answer(try #require(try node.log().last), decision)
        try node.store.apply([answer], sealed: answer.head, detailKey: TestNode.identity.detailKey, now: .noon)

        #expect(try desk.view().stage == "refused")
        #expect(try desk.view().problem != nil)
        #expect(try desk.entries { try desk.take(.request) } == [.paymentRequested])
        #expect(try desk.view().stage == "asked")
        #expect(try desk.view().problem == nil)
    }
}
