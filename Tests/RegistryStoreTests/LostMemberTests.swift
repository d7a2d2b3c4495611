import FederationWire
import PostgresClient
import Replication
import TestSupport
import Testing
import VoucherDomain

@testable import RegistryStore

/// A city that joined in the time that a restored registry has lost, and shows the registry's own word for it.
@Suite("A city that nothing tells of any more", .registryDatabase)
struct LostMemberTests {
    private func join(_ registry: TestRegistry, nonce: UInt8) async throws -> Membership {
        let secret = try await registry.store.enroll(.shenzhen, name: "深圳", expiresAt: .later, now: .noon)
        let answer = try await registry.store.join(
            JoinRequest(
                city: .shenzhen, secret: secret, publicKey: SigningKey.of(.shenzhen).publicKey,
                processNonce: .sixteen(nonce)), now: .noon)
        return try Membership(#require(answer.membership), by: SigningKey.registry.publicKey)
    }

    /// A registry that a city has joined since the copy was made, and the copy, which gets back what it has lost.
    private func withLostCity(
        _ body: (_ registry: TestRegistry, _ restored: TestRegistry, _ other: TestCity, Membership) async throws -> Void
    ) async throws {
        let registry = try await TestRegistry()
        let other = try await registry.join(.hangzhou)
        try await registry.decide()
        try await TestDatabase.current.copied { copy in
            let membership = try await join(registry, nonce: 1)
            let restored = TestRegistry(opening: copy.pool)
            try await restored.store.beginRecovery(reason: "test", now: .noon)
            try await body(registry, restored, other, membership)
        }
    }

    @Test("it is named once, after the recovery, too, until it has joined again")
    func named() async throws {
        try await withLostCity { registry, restored, other, membership in
            #expect(try await restored.store.meet(membership, now: .noon) == .lost(isNews: true))
            #expect(try await restored.store.meet(membership, now: .later) == .lost(isNews: false))

            let lost = RegistryStore.LostMember(
                city: .shenzhen, name: "深圳", key: SigningKey.of(.shenzhen).publicKey, isKnown: false, shownAt: .noon)
            #expect(try await restored.store.lostMembers() == [lost])
            #expect(lost.message.contains("city enroll"))
            #expect(try await restored.numbers("SELECT count(*) FROM audit_event WHERE action = 'city lost'") == [1])
            var giver = try await GivingCity(other, of: registry)
            try await giver.giveBack(to: restored)
            try await restored.expectRecovered()
            #expect(try await restored.store.lostMembers() == [lost])
            _ = try await join(restored, nonce: 2)
            #expect(try await restored.store.lostMembers() == [])
        }
    }

    @Test("it is named no more once another city's feed tells of it")
    func told() async throws {
        try await withLostCity { registry, restored, other, membership in
            try await registry.decide()
            #expect(try await restored.store.meet(membership, now: .noon) == .lost(isNews: true))

            var giver = try await GivingCity(other, of: registry)
            try await giver.giveBack(to: restored)

            #expect(try await restored.store.lostMembers() == [])
            #expect(try await restored.store.recoveryReport()?.cities.map(\.code) == [.hangzhou, .shenzhen])
            #expect(try await restored.store.meet(membership, now: .noon) == .replaced)
        }
    }

    @Test("operators may go on without it: it is named again only under a newer key")
    func accepted() async throws {
        try await withLostCity { _, restored, _, membership in
            _ = try await restored.store.meet(membership, now: .noon)
            try await restored.store.acceptAbsence(of: .shenzhen, reason: "test", now: .noon)

            #expect(try await restored.store.lostMembers() == [])
            #expect(try await restored.store.meet(membership, now: .noon) == .lost(isNews: false))
            #expect(try await restored.store.lostMembers() == [])
            let newer = Membership(
                city: .shenzhen, name: "深圳", publicKey: SigningKey.of(.beijing).publicKey,
                epoch: Epoch(incarnation: 1, counter: membership.epoch.counter + 1, nonce: 1))
            #expect(try await restored.store.meet(newer, now: .noon) == .lost(isNews: true))
            #expect(try await restored.store.lostMembers().map(\.key) == [SigningKey.of(.beijing).publicKey])
            // The city that is waited for is another matter.
            let refusal = await #expect(throws: RegistryRefusal.self) {
                try await restored.store.acceptAbsence(of: .hangzhou, reason: "test", now: .noon)
            }
            #expect(refusal?.message.contains("no city would be left") ?? false)
        }
    }
}
