import FederationWire
import PostgresClient
import Replication
import TestSupport
import Testing
import VoucherDomain

@testable import RegistryStore

@Suite("Pushes that are refused as a whole", .registryDatabase)
struct RefusedPushTests {
    /// Shenzhen, joined, with two of its five entries received.
    private func registry() async throws -> (TestRegistry, TestCity) {
        let registry = try await TestRegistry()
        var city = try await registry.join(.shenzhen)
        city.write(2)
        try await city.push(to: registry)
        city.write(3)
        return (registry, city)
    }

    /// Pushes, and expects that nothing of it is stored.
    private func fault(
        of batch: PushBatch, by code: CityCode = .shenzhen, to registry: TestRegistry
    ) async throws -> PushReview.Fault? {
        let before = try await registry.receivedState()
        let fault = await #expect(throws: PushReview.Fault.self) { try await registry.receive(batch, from: code) }
        #expect(try await registry.receivedState() == before)
        return fault
    }

    @Test("a batch after a gap is refused, and says from which entry it goes on")
    func gap() async throws {
        let (registry, city) = try await registry()

        let fault = try await fault(of: city.batch(4...5), to: registry)
        #expect(fault == .ahead(sequence: 3))
    }

    @Test("another entry under a sequence that is known is two histories")
    func diverged() async throws {
        let (registry, _) = try await registry()
        let other = try await registry.clone(of: .shenzhen, entries: 2)

        let fault = try await fault(of: other.batch(1...2), to: registry)
        #expect(fault == .diverged(sequence: 1))
    }

    @Test("an entry that does not continue the log is refused")
    func brokenLink() async throws {
        let (registry, _) = try await registry()
        let other = try await registry.clone(of: .shenzhen, entries: 3)

        let fault = try await fault(of: other.batch(3...3), to: registry)
        #expect(fault == .chain(.brokenLink(sequence: 3)))
    }

    @Test("the seal of another key is refused")
    func foreignSeal() async throws {
        let (registry, city) = try await registry()

        let fault = try await fault(of: city.batch(3...5, sealedBy: .of(.beijing)), to: registry)
        #expect(fault == .badSeal("wrong signature"))
    }

    @Test("the batch of another city is refused, also from a city that has joined")
    func otherCity() async throws {
        let (registry, city) = try await registry()
        let other = try await registry.join(.beijing)
        var batch = try city.batch(3...5, sealedBy: other.key)
        batch = PushBatch(
            sessionEpoch: other.epoch, entries: batch.entries, seal: batch.seal, signedSeal: batch.signedSeal)

        #expect(try await fault(of: batch, by: .beijing, to: registry) != nil)
    }

    @Test("a node of an older epoch is fenced, also with a batch that is known")
    func fenced() async throws {
        let (registry, city) = try await registry()
        let hello = city.hello(nonce: .sixteen(8), knowing: city.epoch)
        let answer = try await registry.store.greet(hello, now: .noon)
        let granted = try Grant(answer.grant, by: SigningKey.registry.publicKey).epoch

        #expect(try await fault(of: city.batch(3...5), to: registry) == .fenced(granted: granted))
        #expect(try await fault(of: city.batch(1...2), to: registry) == .fenced(granted: granted))
    }

    @Test("a suspended city is refused; once it is reinstated it goes on, and its keys are as they were")
    func suspended() async throws {
        let (registry, city) = try await registry()
        try await registry.decide()
        try await registry.store.setSuspended(true, .shenzhen, reason: "调查", now: .noon)

        #expect(try await fault(of: city.batch(3...5), to: registry) == .suspended)
        try await registry.store.setSuspended(false, .shenzhen, reason: "调查结束", now: .noon)
        let answer = try await registry.receive(city.batch(3...5), from: .shenzhen)
        #expect(answer.answers == [.accepted, .accepted, .accepted])
        try await registry.decide()
        let acts = try await registry.feed().filter { $0.entry.city == .registry }.suffix(2).map(\.entry.kind)
        #expect(acts == [.citySuspended, .cityReinstated])
    }

    @Test("what was received before a suspension is decided after it")
    func receivedBefore() async throws {
        let (registry, city) = try await registry()
        try await registry.store.setSuspended(true, .shenzhen, reason: "调查", now: .noon)
        try await registry.decide()

        #expect(try await registry.answers(to: city).count == 2)
    }
}

extension TestRegistry {
    /// A node with the city's key and epoch, and a log of its own.
    fileprivate func clone(of code: CityCode, entries: Int) async throws -> TestCity {
        let bytes = try await store.pool.run { try CityRow.lock(code, $0).grantedEpoch?.bytes ?? [] }
        var clone = TestCity(code, key: .of(code), epoch: try #require(Epoch(bytes: bytes)), nonce: .sixteen(9))
        clone.write(entries)
        return clone
    }
}
