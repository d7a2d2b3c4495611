import FederationWire
import PostgresClient
import Replication
import TestSupport
import Testing
import VoucherDomain

@testable import RegistryStore

/// Who may write a city's log after the registry was put back: sessions and grants of the time before.
@Suite("Grants after a recovery", .registryDatabase)
struct RecoveredGrantTests {
    private func grant(_ registry: TestRegistry, _ hello: Hello) async throws -> Grant {
        let answer = try await registry.store.greet(hello, now: .noon)
        return try Grant(answer.grant, by: SigningKey.registry.publicKey)
    }

    /// Ends the recovery, which waits for nobody any more.
    private func decide(_ registry: TestRegistry) async throws {
        for _ in 0..<2 { try await registry.decide() }
        try #require(try await registry.store.recoveryReport() == nil)
    }

    private func present(
        _ registry: TestRegistry, _ city: TestCity, feed: FeedHead? = nil, receipt: SignedBytes? = nil,
        call: SignedBytes? = nil
    ) async throws -> RecoveryStanding {
        let seal = try feed.map { try FeedSeal(head: $0, sealedAt: .noon).signed(by: .registry) }
        return try await registry.store.present(
            Presentation(city: city.code, feedSeal: seal, receipt: receipt, call: call), now: .noon)
    }

    @Test("a session that sat out the recovery is over: it pushes and reads nothing, and is greeted once it promised")
    func sessionThatSatItOut() async throws {
        let registry = try await TestRegistry()
        var city = try await registry.join(.shenzhen)
        let other = try await registry.join(.hangzhou)
        city.write(2)
        try await city.push(to: registry)
        try await registry.store.beginRecovery(reason: "test", now: .noon)
        _ = try await present(registry, other, call: try await present(registry, other).call)
        try await registry.store.acceptAbsence(of: .shenzhen, reason: "test", now: .noon)
        try await decide(registry)
        let before = try await registry.receivedState()

        city.write(1)
        let batch = try city.batch(3...3)
        await #expect(throws: PushReview.Fault.outlived(incarnation: 2)) {
            try await registry.receive(batch, from: city.code)
        }
        let report = try city.batch(Array(city.log[1...1]))
        await #expect(throws: PushReview.Fault.outlived(incarnation: 2)) {
            try await registry.receive(report, from: city.code)
        }
        let request = FeedRequest(after: .empty, limit: 10, wait: .zero, sessionEpoch: city.epoch)
        await #expect(throws: PushReview.Fault.outlived(incarnation: 2)) {
            try await registry.store.feed(request, city: city.code, now: .noon)
        }
        for nonce in [city.nonce, .sixteen(9)] {
            let hello = city.hello(nonce: nonce, knowing: city.epoch)
            await #expect(throws: HelloReview.Fault.unpromised(incarnation: 2)) {
                try await registry.store.greet(hello, now: .noon)
            }
        }
        #expect(try await registry.receivedState() == before)

        let standing = try await present(registry, city)
        let call = try RecoveryCall(#require(standing.call), by: SigningKey.registry.publicKey)
        #expect(standing.incarnation == 0)
        #expect(call == RecoveryCall(city: .shenzhen, incarnation: 2, recoveryID: try await registry.recoveryID()))
        #expect(try await present(registry, city, call: standing.call).call == nil)
        let foreign = city.hello(nonce: city.nonce, knowing: city.epoch, promise: 2, to: .sixteen(9))
        await #expect(throws: HelloReview.Fault.unpromised(incarnation: 2)) {
            try await registry.store.greet(foreign, now: .noon)
        }
        let hello = city.hello(nonce: city.nonce, knowing: city.epoch, promise: 2, to: call.recoveryID)
        city.epoch = try await grant(registry, hello).epoch
        #expect(city.epoch.incarnation == 2)
        #expect(try await city.push(to: registry).answers == [.accepted])
    }

    @Test(
        "a receipt tells of a loss by its own incarnation, whatever the city has read of the feed",
        arguments: [(1, 0), (2, 3)] as [(UInt32, UInt32)])
    func receiptOfIncarnation(given: UInt32, begins: UInt32) async throws {
        let registry = try await TestRegistry()
        var city = try await registry.join(.shenzhen)
        try await registry.decide()
        let applied = try await registry.store.feedHead()
        try await registry.store.beginRecovery(reason: "test", now: .noon)
        let call = try await present(registry, city).call
        _ = try await present(registry, city, call: call)
        try await decide(registry)
        city.write(1)
        let receipt = try Receipt(
            id: .sixteen(1), city: city.code, through: city.head,
            feedHead: FeedHead(incarnation: given, position: 1, hash: Digest(.feed, [1])), receivedAt: .noon
        ).signed(by: .registry)

        let standing = try await present(registry, city, feed: applied, receipt: receipt, call: call)

        #expect(standing.incarnation == begins)
    }

    @Test("before the first recovery nobody is called")
    func neverRecovered() async throws {
        let registry = try await TestRegistry()
        let city = try await registry.join(.shenzhen)

        #expect(try await present(registry, city).call == nil)
    }

    @Test("a hello that was said before the recovery changes nothing after it, though it names the last grant again")
    func saidBefore() async throws {
        let registry = try await TestRegistry()
        let city = try await registry.join(.shenzhen)
        try await registry.decide()
        try await TestDatabase.current.copied { copy in
            let said = city.hello(nonce: .sixteen(2), knowing: city.epoch)
            _ = try await grant(registry, said)
            let restored = TestRegistry(opening: copy.pool)
            try await restored.store.beginRecovery(reason: "test", now: .noon)
            let call = try await present(restored, city).call
            _ = try await present(restored, city, call: call)
            try await decide(restored)
            let before = try await restored.receivedState()

            await #expect(throws: HelloReview.Fault.unpromised(incarnation: 2)) {
                try await restored.store.greet(said, now: .noon)
            }

            #expect(try await restored.receivedState() == before)
        }
    }

    /// A registry that was put back to before a grant, under which the city has written two entries; it gives them back.
    private func withLostGrant(
        epoch: ((Epoch) -> Epoch)? = nil, _ body: (TestRegistry, TestCity, _ clone: TestCity) async throws -> Void
    ) async throws {
        let registry = try await TestRegistry()
        var city = try await registry.join(.shenzhen)
        let clone = city
        try await registry.decide()
        try await TestDatabase.current.copied { copy in
            city.epoch = try await grant(registry, city.hello(nonce: .sixteen(2), knowing: city.epoch)).epoch
            if let epoch { city.epoch = epoch(city.epoch) }
            city.write(2)
            let restored = TestRegistry(opening: copy.pool)
            try await restored.store.beginRecovery(reason: "test", now: .noon)
            let receipt = try Receipt(
                id: .sixteen(1), city: city.code, through: city.head, feedHead: .empty, receivedAt: .noon
            ).signed(by: .registry)
            let call = try await present(restored, city, receipt: receipt).call
            _ = try await present(restored, city, receipt: receipt, call: call)
            let page = RefillPage(
                promise: 2, entries: city.log, seal: try city.batch(city.log).signedSeal, receipt: receipt)
            _ = try await restored.store.refill(page, from: city.code, now: .noon)
            try await decide(restored)
            try await body(restored, city, clone)
        }
    }

    @Test("an older node with the city's key does not get past a grant that only the city's own entries tell of")
    func cloneAfterLostGrant() async throws {
        try await withLostGrant { registry, city, clone in
            let recovery = try await registry.recoveryID()
            let stale = clone.hello(nonce: .sixteen(3), knowing: clone.epoch, promise: 2, to: recovery)
            await #expect(throws: HelloReview.Fault.staleEpoch(granted: city.epoch)) {
                try await registry.store.greet(stale, now: .noon)
            }
            let granted = try await grant(
                registry, city.hello(nonce: .sixteen(2), knowing: city.epoch, promise: 2, to: recovery))
            #expect(granted.epoch.incarnation == 2)
        }
    }

    @Test(
        "an epoch that a city makes up spoils nothing but its own log",
        arguments: [Epoch(incarnation: 1, counter: .max, nonce: 1), Epoch(incarnation: .max, counter: 2, nonce: 1)])
    func madeUp(epoch: Epoch) async throws {
        try await withLostGrant(epoch: { _ in epoch }) { registry, city, clone in
            var honest = city
            honest.epoch = clone.epoch
            let hello = honest.hello(
                nonce: .sixteen(2), knowing: clone.epoch, promise: 2, to: try await registry.recoveryID())
            let granted = try await grant(registry, hello)

            #expect(granted.epoch.incarnation == 2)
            #expect(granted.epoch.counter == clone.epoch.counter + 1)
        }
    }

    @Test("a grant that only the feed tells of, and whose answer was lost, is the last one, and its holder is known")
    func grantInTheTail() async throws {
        let registry = try await TestRegistry()
        let city = try await registry.join(.shenzhen)
        let other = try await registry.join(.hangzhou)
        try await registry.decide()
        let known = Int(try await registry.store.feedHead().position)
        try await TestDatabase.current.copied { copy in
            let lost = try await grant(registry, city.hello(nonce: .sixteen(2), knowing: city.epoch)).epoch
            try await registry.decide()
            let feed = try await registry.feed()
            let head = try #require(feed.last).head
            let restored = TestRegistry(opening: copy.pool)
            var call = try await present(restored, other, feed: head).call
            _ = try await present(restored, other, feed: head, call: call)
            call = try await present(restored, city).call
            _ = try await present(restored, city, call: call)
            let page = RefillPage(promise: 2, feed: feed.dropFirst(known).map(\.bytes))
            _ = try await restored.store.refill(page, from: other.code, now: .noon)
            try await decide(restored)

            let recovery = try await restored.recoveryID()
            let stale = city.hello(nonce: .sixteen(3), knowing: city.epoch, promise: 2, to: recovery)
            await #expect(throws: HelloReview.Fault.staleEpoch(granted: lost)) {
                try await restored.store.greet(stale, now: .noon)
            }
            let holder = try await restored.store.ownLog(LogRequest(after: .empty, limit: 1), of: city.code)
            #expect(holder == LogPage(entries: [], receipts: [], grantedEpoch: lost, processNonce: .sixteen(2)))
            let named = city.hello(nonce: .sixteen(3), knowing: lost, promise: 2, to: recovery)
            #expect(try await grant(restored, named).epoch.incarnation == 2)
        }
    }
}
