import Arbitration
import DefaultPolicy
import FederationWire
import TestSupport
import Testing
import VoucherDomain

@testable import RegistryStore

/// What detectors look at is loaded as far as a batch may meet it. The oracle is the whole fold over the same journal.
@Suite("The neighbours of a claim, as far as they are loaded", .database)
struct LoadedNeighbourTests {
    private func expectSameAsWhole(_ registry: TestRegistry) async throws {
        #expect(try await registry.store.recompute { _ in }.faults == [])
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
