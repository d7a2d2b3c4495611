import Arbitration
import DefaultPolicy
import FederationWire
import Replication
import TestSupport
import Testing
import VoucherDomain

@testable import RegistryStore

/// The arbiter folds a batch on the part of the ledger that the batch touches: what one entry of a batch makes another one
/// touch is part of it. The oracle is the whole fold over the same journal.
@Suite("Entries of one batch that reach further together", .registryDatabase)
struct PartialLedgerTests {
    private static let paid = ClaimName(city: .shenzhen, number: "X")

    /// Shenzhen's claim `X`, authorised, by a policy that waits for nobody.
    private func registry(_ claim: Claim) async throws -> TestRegistry { try await authorized(claim).registry }

    /// The same with Shenzhen.
    private func authorized(_ claim: Claim) async throws -> (registry: TestRegistry, city: TestCity) {
        let policy = String(decoding: DefaultPolicy.document, as: UTF8.self)
            .replacing("\"dwell_seconds\": 259200", with: "\"dwell_seconds\": 0")
        let registry = try await TestRegistry(policy: Array(policy.utf8))
        var city = try await registry.join(.shenzhen)
        city.issue(.sample("V1"))
        city.file(claim)
        city.request("X")
        try await city.push(to: registry)
        try await registry.decide()
        try await registry.act(.ticked(TickAct(wallMilliseconds: Int64(UInt64.noon))))
        try await registry.decide()
        let payment = try #require(try await registry.payment(of: Self.paid))
        try #require(payment.stage.isAuthorized)
        return (registry, city)
    }

    private func expectSameAsWhole(_ registry: TestRegistry) async throws {
        #expect(try await registry.store.recompute { _ in }.faults == [])
    }

    @Test("a claim that gives an invoice its other name, and a red letter under the one: who has the other pays back")
    func linkAndRedLetter() async throws {
        let registry = try await registry(
            .sample("X", invoices: [.serial(1, .yuan(100), .paper)], claimed: .yuan(40), group: "G"))
        var city = try await registry.join(.hangzhou)
        city.issue(.sample("V1"))
        city.file(.sample("L", invoices: [.serial(1, .yuan(100), .both)], claimed: .yuan(40), group: "G"))
        city.reverse(.serial(1), by: .serial(9), .yuan(100))
        try await city.push(to: registry)
        try await registry.decide()

        #expect(try await registry.payment(of: Self.paid)?.clawback == .yuan(40))
        try await expectSameAsWhole(registry)
    }

    @Test("a claim that joins a group, and its request: it waits for a member's money that is to come back")
    func joinAndRequest() async throws {
        let registry = try await registry(
            .sample("X", invoices: [.serial(1)], claimed: .yuan(10), receipt: "R1", group: "G"))
        var rival = try await registry.join(.beijing)
        rival.issue(.sample("V1"))
        rival.file(.sample("Y", invoices: [.serial(2)], receipt: "R1"))
        try await rival.push(to: registry)
        try await registry.decide()
        try await registry.rule(for: ClaimName(city: .beijing, number: "Y"), against: Self.paid)
        try #require(try await registry.payment(of: Self.paid)?.isBarred == true)

        var city = try await registry.join(.hangzhou)
        city.issue(.sample("V1"))
        city.file(.sample("M", invoices: [.serial(1)], claimed: .yuan(10), group: "G"))
        city.request("M")
        try await city.push(to: registry)
        try await registry.decide()

        #expect(try await registry.payment(of: ClaimName(city: .hangzhou, number: "M"))?.stage == .requested)
        try await expectSameAsWhole(registry)
    }

    @Test("a red letter of a city that had no claim then, and has one now: told again, it is clawed back once")
    func believedLater() async throws {
        let standing = try await authorized(.sample("X", invoices: [.serial(1)], claimed: .yuan(40), group: "G"))
        let registry = standing.registry
        var city = standing.city
        var teller = try await registry.join(.hangzhou)
        teller.issue(.sample("V1"))
        teller.file(.sample("B", invoices: [.serial(1)], claimed: .yuan(40), group: "G"))
        teller.withdraw("B")
        teller.reverse(.serial(1), by: .serial(9), .yuan(100))
        try await teller.push(to: registry)
        try await registry.decide()
        teller.file(.sample("C", invoices: [.serial(1)], claimed: .yuan(40), group: "G"))
        try await teller.push(to: registry)
        try await registry.decide()
        try #require(try await registry.payment(of: Self.paid)?.clawback == .zero)

        city.reverse(.serial(1), by: .serial(9), .yuan(100))
        try await city.push(to: registry)
        try await registry.decide()
        teller.reverse(.serial(1), by: .serial(9), .yuan(100))
        try await teller.push(to: registry)
        try await registry.decide()

        #expect(try await registry.payment(of: Self.paid)?.clawback == .yuan(40))
        #expect(try await registry.answers(to: teller).last?.entry.decision == .unchanged)
        try await expectSameAsWhole(registry)
    }

    @Test("the request of a claim that won: it waits for the money of the one that a detector had found beside it")
    func requestAfterRuling() async throws {
        let registry = try await registry(.sample("X", invoices: [.serial(1)]))
        let winner = ClaimName(city: .hangzhou, number: "B")
        var city = try await registry.join(.hangzhou)
        city.issue(.sample("V1"))
        city.file(.sample("B", invoices: [.serial(1, .yuan(100), .paper)]))
        try await city.push(to: registry)
        try await registry.decide()
        try await registry.rule(for: winner, against: Self.paid)
        try #require(try await registry.payment(of: Self.paid)?.isBarred == true)

        city.request("B")
        try await city.push(to: registry)
        try await registry.decide()
        try await registry.act(.ticked(TickAct(wallMilliseconds: Int64(UInt64.noon))))
        try await registry.decide()

        #expect(try await registry.payment(of: winner)?.stage == .requested)
        try await expectSameAsWhole(registry)
    }

    @Test("the second request of a payment that failed, and the claim's withdrawal: nothing is left of the payment")
    func requestAndWithdrawal() async throws {
        let standing = try await authorized(.sample("X", invoices: [.serial(1)], receipt: "R1"))
        let registry = standing.registry
        var city = standing.city
        let reference = try #require(try await registry.payment(of: Self.paid)?.authorization?.reference)
        let failure = PaymentAct(claimNumber: "X", step: .failed(reference, .rejected, reason: "账户不存在"))
        city.append(failure.step.kind, PayloadCoding.encode(failure))
        try await city.push(to: registry)
        // A case that closes the gate.
        var rival = try await registry.join(.beijing)
        rival.issue(.sample("V1"))
        rival.file(.sample("Y", invoices: [.serial(2)], receipt: "R1"))
        try await rival.push(to: registry)
        try await registry.decide()
        try #require(try await registry.payment(of: Self.paid)?.stage == .failed)

        city.request("X")
        city.withdraw("X")
        try await city.push(to: registry)
        try await registry.decide()

        #expect(try await registry.payment(of: Self.paid) == nil)
        try await expectSameAsWhole(registry)
    }
}

extension TestCity {
    fileprivate mutating func reverse(_ invoice: Claim.Invoice, by letter: Claim.Invoice, _ amount: Money) {
        let letter = RedLetter(
            invoice: invoice.number, number: letter.number, amount: amount, issuedOn: .on("2026-06-10"))
        append(.invoiceReversed, PayloadCoding.encode(letter))
    }
}

extension TestRegistry {
    fileprivate func payment(of name: ClaimName) async throws -> Payment? {
        try await store.payments(stage: nil, after: 0, limit: 100).first { $0.claim == name }
    }
}
