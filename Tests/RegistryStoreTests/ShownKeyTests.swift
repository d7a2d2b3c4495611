import FederationWire
import PostgresClient
import Replication
import TestSupport
import Testing
import VoucherDomain

@testable import RegistryStore

/// A city that has changed its key in the time that a restored registry has lost, and shows the registry's own word for it.
@Suite("A key that a restored registry does not know", .registryDatabase)
struct ShownKeyTests {
    private let newKey = SigningKey.of(.beijing)

    /// Lets a city join again with another key.
    private func rotate(_ registry: TestRegistry, to key: SigningKey) async throws -> (TestCity, Membership) {
        let secret = try await registry.store.rotateKey(.shenzhen, expiresAt: .later).secret
        let answer = try await registry.store.join(
            JoinRequest(city: .shenzhen, secret: secret, publicKey: key.publicKey, processNonce: .sixteen(5)),
            now: .noon)
        let membership = try Membership(#require(answer.membership), by: SigningKey.registry.publicKey)
        return (TestCity(.shenzhen, key: key, epoch: membership.epoch, nonce: .sixteen(5)), membership)
    }

    /// A registry on which a city has changed its key and pushed three entries since the copy was made, and the copy, which
    /// gets back what it has lost.
    private func withNewKey(
        isSuspended: Bool = false, isDecided: Bool = false,
        _ body: (
            _ registry: TestRegistry, _ restored: TestRegistry, _ city: TestCity, _ other: TestCity, Membership
        ) async throws -> Void
    ) async throws {
        let registry = try await TestRegistry()
        _ = try await registry.join(.shenzhen)
        let other = try await registry.join(.hangzhou)
        func suspend(_ isSuspended: Bool) async throws {
            try await registry.store.setSuspended(isSuspended, .shenzhen, reason: "test", now: .noon)
        }
        if isSuspended { try await suspend(true) }
        try await registry.decide()
        try await TestDatabase.current.copied { copy in
            if isSuspended { try await suspend(false) }
            var (city, membership) = try await rotate(registry, to: newKey)
            city.write(3)
            try await city.push(to: registry)
            if isDecided { try await registry.decide() }
            let restored = TestRegistry(opening: copy.pool)
            try await restored.store.beginRecovery(reason: "test", now: .noon)
            try await body(registry, restored, city, other, membership)
        }
    }

    private func giveBack(_ givers: inout [GivingCity], to registry: TestRegistry) async throws {
        for _ in 0..<2 { for index in givers.indices { try await givers[index].giveBack(to: registry) } }
    }

    /// The key is the city's from then on, and the log tells of it once.
    private func expectTaken(_ restored: TestRegistry, of city: TestCity) async throws {
        try await restored.expectRecovered()
        #expect(try await restored.store.credentials(of: .shenzhen)?.key == newKey.publicKey)
        let keys = [SigningKey.of(.shenzhen).publicKey, newKey.publicKey]
        #expect(try await restored.store.publicKeys()[.shenzhen] == keys)
        #expect(try await restored.store.shownKey(of: .shenzhen) == nil)
        #expect(try await restored.answers(to: city).count == 3)
    }

    @Test("what a city gives back is taken under the key that it has shown, which the registry then registers anew")
    func heard() async throws {
        try await withNewKey { registry, restored, city, other, membership in
            var givers = [try await GivingCity(city, of: registry), try await GivingCity(other, of: registry)]
            await #expect(throws: PushReview.Fault.badSeal("wrong signature")) {
                try await givers[0].giveBack(to: restored)
            }

            #expect(try await restored.store.meet(membership, now: .noon) == .heard)
            #expect(try await restored.store.shownKey(of: .shenzhen) == newKey.publicKey)
            try await giveBack(&givers, to: restored)
            try await expectTaken(restored, of: city)
        }
    }

    @Test("a key that what came back tells of is no news when the recovery ends")
    func told() async throws {
        try await withNewKey(isDecided: true) { registry, restored, city, other, membership in
            #expect(try await restored.store.meet(membership, now: .noon) == .heard)
            var givers = [try await GivingCity(city, of: registry), try await GivingCity(other, of: registry)]
            try await giveBack(&givers, to: restored)
            try await expectTaken(restored, of: city)
        }
    }

    @Test("a key that the log tells of counts no more, and of those that it does not tell of the newest does")
    func newest() async throws {
        try await withNewKey { registry, restored, _, _, membership in
            let (_, later) = try await rotate(registry, to: .of(.hangzhou))
            let old = Membership(
                city: .shenzhen, name: membership.name, publicKey: SigningKey.of(.shenzhen).publicKey,
                epoch: Epoch(incarnation: 1, counter: 90, nonce: 1))

            #expect(try await restored.store.meet(old, now: .noon) == .replaced)
            #expect(try await restored.store.shownKey(of: .shenzhen) == nil)
            for _ in 0..<2 { #expect(try await restored.store.meet(membership, now: .noon) == .heard) }
            #expect(try await restored.store.meet(later, now: .noon) == .heard)
            #expect(try await restored.store.meet(membership, now: .noon) == .replaced)
            #expect(try await restored.store.shownKey(of: .shenzhen) == later.publicKey)
            #expect(try await restored.numbers("SELECT count(*) FROM audit_event WHERE action = 'key shown'") == [2])
        }
    }

    @Test("a key that the city had before the one which the log tells of last counts no more, wherever it is shown")
    func outlived() async throws {
        try await withNewKey { registry, restored, city, other, membership in
            var givers = [try await GivingCity(other, of: registry)]
            try await restored.store.acceptAbsence(of: .shenzhen, reason: "its key is nowhere", now: .noon)
            try await giveBack(&givers, to: restored)
            try await restored.expectRecovered()
            _ = try await rotate(restored, to: .of(.hangzhou))

            #expect(try await restored.store.meet(membership, now: .noon) == .replaced)
            #expect(try await restored.store.lostMembers() == [])
            try await restored.store.beginRecovery(reason: "again", now: .noon)
            #expect(try await restored.store.meet(membership, now: .noon) == .replaced)
            #expect(try await restored.store.shownKey(of: .shenzhen) == nil)
        }
    }

    @Test("outside of a recovery no key is taken from what a city shows, nor for a city that has not joined")
    func notOtherwise() async throws {
        try await withNewKey { registry, restored, _, _, membership in
            let stranger = Membership(
                city: .beijing, name: "北京", publicKey: newKey.publicKey, epoch: membership.epoch)
            #expect(try await restored.store.meet(stranger, now: .noon) == .lost(isNews: true))
            #expect(try await restored.store.shownKey(of: .beijing) == nil)
            let before = try await registry.receivedState()
            let unknown = Membership(
                city: .shenzhen, name: "深圳", publicKey: SigningKey.of(.hangzhou).publicKey,
                epoch: Epoch(incarnation: 1, counter: membership.epoch.counter + 1, nonce: 1))
            #expect(try await registry.store.meet(unknown, now: .noon) == .lost(isNews: true))
            #expect(try await registry.store.lostMembers().map(\.isKnown) == [true])
            #expect(try await registry.receivedState() == before)
        }
    }

    @Test("a city that was suspended stays so under the key that it has shown")
    func suspended() async throws {
        try await withNewKey(isSuspended: true) { registry, restored, city, other, membership in
            #expect(try await restored.store.meet(membership, now: .noon) == .heard)
            var givers = [try await GivingCity(city, of: registry), try await GivingCity(other, of: registry)]
            try await giveBack(&givers, to: restored)
            try await restored.expectRecovered()

            #expect(try await restored.store.credentials(of: .shenzhen)?.isSuspended == true)
            #expect(try await restored.store.credentials(of: .shenzhen)?.key == newKey.publicKey)
            let code = CityCode.shenzhen.rawValue
            #expect(try await restored.numbers("SELECT active::int FROM member WHERE city_code = \(code)") == [0])
        }
    }
}
