import Arbitration
import DefaultPolicy
import FederationWire
import TestSupport
import Testing
import VoucherDomain

@testable import RegistryStore

/// What detectors look at is loaded as far as a batch may meet it. The oracle is the whole fold over the same journal.
@Suite("The neighbours of a claim, as far as they are loaded", .registryDatabase)
struct LoadedNeighbourTests {
    private func expectSameAsWhole(_ registry: TestRegistry) async throws {
        #expect(try await registry.store.recompute { _ in }.faults == [])
    }

    // MARK: Related ones

    /// A claim of the same line as every other one.
    private func line(_ number: String, of buyer: CreditCode, _ invoice: Int) -> Claim {
        .sample(
            number, buyer: buyer, supplier: .otherSupplier, resource: "H20", hours: 100, invoices: [.serial(invoice)])
    }

    @Test("an office that nobody has listed meets the claim of its branch")
    func unlistedHeadOffice() async throws {
        let registry = try await TestRegistry()
        let branch = Register.Company(code: .otherBuyer, name: "", headOffice: .buyer, attributes: [])
        try await registry.act(.companiesListed([branch]))
        var first = try await registry.join(.beijing)
        first.issue(.sample("V1", for: .otherBuyer))
        first.file(line("X", of: .otherBuyer, 1))
        try await first.push(to: registry)
        try await registry.decide()

        var second = try await registry.join(.shenzhen)
        second.issue(.sample("V1"))
        second.file(line("H", of: .buyer, 2))
        try await second.push(to: registry)
        try await registry.decide()

        let claim = try #require(try await registry.store.claim(ClaimName(city: .shenzhen, number: "H")))
        #expect(claim.reasons.map(\.rule) == ["shared-workload", "moved-company"])
        try await expectSameAsWhole(registry)
    }

    @Test("a related company's claim is met while it is folded and not written")
    func relatedInFlight() async throws {
        let registry = try await TestRegistry()
        let phone = Register.Attribute(kind: .phone, hash: .sixteen(3))
        try await registry.act(
            .companiesListed(
                [CreditCode.buyer, .otherBuyer].map {
                    Register.Company(code: $0, name: "", headOffice: nil, attributes: [phone])
                }))
        var first = try await registry.join(.beijing)
        first.issue(.sample("V1"))
        try await first.push(to: registry)
        var second = try await registry.join(.shenzhen)
        second.issue(.sample("V1", for: .otherBuyer))
        try await second.push(to: registry)
        try await registry.decide()
        // While the first of three batches is written, the second one is folded and the third one is read.
        first.write(1)
        try await first.push(to: registry)
        first.file(line("X", of: .buyer, 1))
        try await first.push(to: registry)
        second.file(line("Y", of: .otherBuyer, 2))
        try await second.push(to: registry)

        try await registry.decide(batches: 1)

        let claim = try #require(try await registry.store.claim(ClaimName(city: .shenzhen, number: "Y")))
        #expect(claim.state == .held)
        #expect(claim.reasons.map(\.rule) == ["shared-workload"])
        try await expectSameAsWhole(registry)
    }

    // MARK: Those that leave

    @Test("the latest neighbours that stay are met, though newer ones are withdrawn before", arguments: [1, 5])
    func withdrawn(count: Int) async throws {
        let registry = try await TestRegistry()
        var first = try await registry.join(.beijing)
        first.issue(.sample("V1"))
        first.file(.sample("O", invoices: [.serial(0)]))
        try await first.push(to: registry)
        var second = try await registry.join(.shenzhen)
        second.issue(.sample("V1"))
        let numbers = 1...Trace.mostNeighbours
        for number in numbers { second.file(.sample("C\(number)", invoices: [.serial(number)])) }
        try await second.push(to: registry)
        try await registry.decide()

        for number in numbers.suffix(count) { second.withdraw("C\(number)") }
        second.file(.sample("Y", invoices: [.serial(Trace.mostNeighbours + 1)]))
        try await second.push(to: registry)
        try await registry.decide()

        let claim = try #require(try await registry.store.claim(ClaimName(city: .shenzhen, number: "Y")))
        let found = try #require(claim.reasons.first { $0.rule == "moved-company" })
        #expect(found.blocking == [ClaimName(city: .beijing, number: "O")])
        try await expectSameAsWhole(registry)
    }

    // MARK: Refused ones

    /// The default policy with another outcome of what was refused elsewhere.
    private static func policy(version: UInt32, forumShopping outcome: String) -> [UInt8] {
        let rule = #""causes": ["out-of-window", "invoice-sum-within-contract"] }, "outcome": "#
        let text = String(decoding: DefaultPolicy.document, as: UTF8.self)
            .replacing("\"version\": 1,", with: "\"version\": \(version),")
            .replacing("\(rule)\"hold\"", with: "\(rule)\"\(outcome)\"")
        return Array(text.utf8)
    }

    @Test("a refused claim that a review meets is none of its case's live ones")
    func refused() async throws {
        let registry = try await TestRegistry(policy: Self.policy(version: 1, forumShopping: "flag"))
        var first = try await registry.join(.beijing)
        first.issue(.sample("V1", validity: .days("2025-01-01", "2026-01-01")))
        first.file(.sample("R", invoices: [.serial(1)]))
        try await first.push(to: registry)
        var second = try await registry.join(.shenzhen)
        second.issue(.sample("V1"))
        second.file(.sample("C", invoices: [.serial(1)]))
        try await second.push(to: registry)
        try await registry.act(.policyPublished(version: 2, document: Self.policy(version: 2, forumShopping: "hold")))
        try await registry.decide()
        let names = [ClaimName(city: .shenzhen, number: "C"), ClaimName(city: .beijing, number: "R")]
        try #require(try await registry.store.claim(names[0])?.state == .reserved)

        try await registry.act(.reviewed(names[0]))
        try await registry.decide()

        let found = try #require(try await registry.store.cases(limit: 9).first)
        #expect(found.parties.map(\.claim) == names)
        #expect(found.parties.map(\.isLive) == [true, false])
        #expect(try await registry.numbers("SELECT count(*) FROM conflict_case WHERE stands_alone") == [1])
        try await expectSameAsWhole(registry)
    }
}
