import Arbitration
import FederationWire
import PostgresClient
import Replication
import TestSupport
import Testing
import VoucherDomain

@testable import RegistryStore

/// Cities that come when the recovery is over.
extension BranchTests {
    @Test(
        "a city that comes after a recovery, with a tail of its own, is sent back and overwrites nothing",
        arguments: [true, false])
    func latecomer(hasDecided: Bool) async throws {
        try await withBranches { registry, restored, cities in
            var city = cities.0
            try await registry.act(.enrolled(.guangzhou, name: "广州"))
            try await write(3, &city, registry)
            let tail = try await registry.feed().suffix(4).map(\.bytes)
            let end = try await registry.store.feedHead()
            _ = try await recover(restored, without: city, with: cities.1)
            // Of its own incarnation an open registry may not have decided anything when the city comes.
            if hasDecided { try await restored.expectRecovered() }
            let (feed, log) = (try await restored.feed(), try await restored.log(of: .registry))
            try #require(log.contains { $0.kind == .registryRecovered })

            var late = try await GivingCity(city, of: registry)
            try await late.giveBack(to: restored)

            #expect(try await restored.store.recoveryReport() == nil)
            #expect(try await restored.feed() == feed)
            // What operators did there is named, and not done when the city chooses.
            #expect(try await restored.log(of: .registry) == log)
            #expect(try await actsGivenUp(restored) == 1)
            #expect(try await givenUp(restored) == tail)
            let standing = try await restored.store.present(late.presentation(), now: .later)
            let call = try RecoveryCall(#require(standing.call), by: SigningKey.registry.publicKey)
            #expect(call.wayBack?.from == end)
            let back = try #require(call.wayBack?.to)
            #expect(feed[Int(back.position) - 1].head == back)
            try await restored.expectRecovered()
        }
    }

    @Test("a case names what a late tail had reserved and is refused here, and in whose favour, once and for all")
    func tailOpensCase() async throws {
        try await withBranches { registry, restored, cities in
            var (city, other) = cities
            func file(_ city: inout TestCity, on registry: TestRegistry) async throws {
                city.issue(.sample("V1"))
                city.file(.sample("A", invoices: [.serial(1)]))
                try await city.push(to: registry)
                try await registry.decide()
            }
            try await file(&city, on: registry)
            try await file(&other, on: restored)
            _ = try await recover(restored, without: city, with: other)
            try await restored.expectRecovered()
            var late = try await GivingCity(city, of: registry)
            try await late.giveBack(to: restored)
            try await restored.store.followBranches(now: .later)
            #expect(try await restored.log(of: .registry).filter { $0.kind == .tailKept } == [])

            try await greet(&city, restored)
            let log = city.log.count
            _ = try await restored.receive(city.batch(1...log), from: city.code)
            try await restored.decide()
            for _ in 0..<2 {
                try await restored.store.followBranches(now: .later)
                try await restored.expectRecovered()
            }

            #expect(try await restored.log(of: .registry).filter { $0.kind == .tailKept }.count == 1)
            let cases = try await restored.store.cases(limit: 9)
            #expect(cases.map(\.rules) == [["given-up-branch"]])
            let names = [city, other].map { ClaimName(city: $0.code, number: "A") }
            #expect(cases.map { $0.parties.map(\.claim) } == [names])
            #expect(cases.map { $0.parties.map(\.isLive) } == [[false, true]])
        }
    }

    @Test("an incarnation that had begun and decided nothing is not that of the tail which comes in its place")
    func begunAndNotDecided() async throws {
        try await withBranches { registry, restored, cities in
            var city = cities.0
            try await write(3, &city, registry)
            let feed = try await registry.feed()
            let giver = try await recover(restored, without: city, with: cities.1)
            try #require(try await restored.store.recoveryReport() == nil)
            try #require(try await restored.numbers("SELECT max(number) FROM incarnation") == [2])

            try await restored.store.beginRecovery(reason: "test", now: .noon)
            var givers = [giver, try await GivingCity(city, of: registry)]
            try await giveBack(&givers, to: restored)
            try await restored.expectRecovered()

            #expect(try await restored.feed().starts(with: feed))
            #expect(try await restored.store.feedHead().incarnation == 3)
        }
    }

    @Test("a tail that does not end in the head that was sealed is not kept, and its city is not asked again")
    func lyingLatecomer() async throws {
        try await withLatecomer { _, restored, latecomer in
            var late = latecomer
            var standing = try await late.present(to: restored)
            // Asked from further back until both agree, then with another entry at the end.
            while standing.wantsFeed, late.feed[Int(standing.feedHead.position) - 1].hash != standing.feedHead.hash {
                let page = try #require(try late.page(standing))
                standing = try await restored.store.refill(page, from: late.city.code, now: .later)
            }
            var entries = late.feed.dropFirst(Int(standing.feedHead.position)).map(\.entry)
            entries[entries.count - 1].decision = .reserved
            let page = RefillPage(promise: 2, feed: entries.map { FeedCoding.encode($0).bytes })

            let refusal = await #expect(throws: RegistryRefusal.self) {
                try await restored.store.refill(page, from: late.city.code, now: .later)
            }
            #expect(refusal?.message.contains("does not end in the head") ?? false)
            standing = try await late.present(to: restored)
            #expect(!standing.wantsFeed)
            #expect(standing.call == nil)
            #expect(try await givenUp(restored) == [])
            // Operators are told what helps: no absence can be accepted where no recovery is under way.
            let refused = try #require(try await restored.store.refusedFeeds().first)
            #expect(refused.message.contains("national-registry city rotate-key"))
            #expect(!refused.message.contains("absence"))
        }
    }

    @Test("what was noted of a city that came late is forgotten where its node was put back: it promises first")
    func latecomerPutBack() async throws {
        try await withLatecomer { registry, restored, latecomer in
            var late = latecomer
            let noted = try await late.present(to: restored)
            try #require(noted.wantsFeed)

            // Before its promise, and before it had anything of the feed.
            for applied in [late.feed.count, 0] {
                let earlier = try await GivingCity(late.city, of: registry, applied: applied)
                let standing = try await restored.store.present(earlier.presentation(), now: .later)
                #expect(standing.call != nil)
                #expect(!standing.wantsFeed)
                #expect(try await late.present(to: restored) == noted)
            }

            let unpromised = RefillPage(promise: 1, feed: late.feed.suffix(3).map(\.bytes))
            let refusal = await #expect(throws: RegistryRefusal.self) {
                try await restored.store.refill(unpromised, from: .shenzhen, now: .later)
            }
            #expect(refusal?.code == .recovering)
        }
    }

    @Test("an open registry takes no entries of a city that came late: its answer asks for what it has asked before")
    func latecomersEntries() async throws {
        try await withLatecomer { _, restored, latecomer in
            var late = latecomer
            let standing = try await late.present(to: restored)
            let entries = try #require(try late.page(.open(standing.logHead, .empty)))
            let part = try #require(try late.page(standing))

            let same = try await restored.store.refill(entries, from: late.city.code, now: .later)
            #expect(same.asksAgain(as: standing))
            let next = try await restored.store.refill(part, from: late.city.code, now: .later)
            #expect(!next.asksAgain(as: standing))
        }
    }

    /// A city that comes when a copy has recovered without it, with three entries that the copy knows nothing of.
    private func withLatecomer(
        _ body: (_ registry: TestRegistry, _ restored: TestRegistry, _ late: GivingCity) async throws -> Void
    ) async throws {
        try await withBranches { registry, restored, cities in
            var city = cities.0
            try await write(3, &city, registry)
            _ = try await recover(restored, without: city, with: cities.1)
            try await restored.expectRecovered()
            try await body(registry, restored, GivingCity(city, of: registry))
        }
    }
}
