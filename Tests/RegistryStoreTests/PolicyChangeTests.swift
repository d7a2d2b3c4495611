import Arbitration
import DefaultPolicy
import FederationWire
import Replication
import TestSupport
import Testing
import VoucherDomain

@testable import RegistryStore

@Suite("A policy in the middle of a transaction", .registryDatabase)
struct PolicyChangeTests {
    /// The default policy with another outcome for an invoice that is claimed twice.
    private static func policy(version: UInt32, invoiceOnce outcome: String) -> [UInt8] {
        let text = String(decoding: DefaultPolicy.document, as: UTF8.self)
            .replacing("\"version\": 1,", with: "\"version\": \(version),")
            .replacing(
                #""keys": ["invoice"], "holder": "claim", "outcome": "block""#,
                with: #""keys": ["invoice"], "holder": "claim", "outcome": "\#(outcome)""#)
        return Array(text.utf8)
    }

    /// Files claims on one invoice under `before`, publishes `after`, and leaves all of it to one transaction.
    private func registry(claims: Int, before: String, after: String) async throws -> TestRegistry {
        let registry = try await TestRegistry(policy: Self.policy(version: 1, invoiceOnce: before))
        var city = try await registry.join(.shenzhen)
        city.issue(.sample("V1"))
        for number in 1...claims { city.file(.sample("C\(number)", invoices: [.serial(1)])) }
        try await city.push(to: registry)
        try await registry.act(.policyPublished(version: 2, document: Self.policy(version: 2, invoiceOnce: after)))
        return registry
    }

    @Test("claims that were held under the old policy are not judged by the new one")
    func holdThenBlock() async throws {
        let registry = try await registry(claims: 2, before: "hold", after: "block")
        try await registry.decide()

        let second = try #require(try await registry.store.claim(.init(city: .shenzhen, number: "C2")))
        #expect(second.state == .held)
        #expect(second.reasons.map(\.rule) == ["invoice-once"])
        #expect(try await registry.store.recompute { _ in }.faults == [])
    }

    @Test("a key that was taken alone under the old policy is guarded, as when it was decided by itself")
    func blockThenHold() async throws {
        let registry = try await registry(claims: 1, before: "block", after: "hold")
        try await registry.decide()

        #expect(try await registry.numbers("SELECT count(*) FROM claim_key WHERE live AND exclusive") == [1])
    }

    @Test("a policy whose version does not rise is answered invalid and changes nothing")
    func notRising() async throws {
        let registry = try await registry(claims: 1, before: "block", after: "hold")
        try await registry.act(.policyPublished(version: 1, document: DefaultPolicy.document))
        try await registry.decide()

        #expect(try await registry.feed().last?.entry.decision == .invalid)
        #expect(try await registry.store.policyDocuments().first?.policy.version == 2)
    }
}
