import FederationWire
import PostgresClient
import Replication
import TestSupport
import Testing
import VoucherDomain

@testable import RegistryStore

/// Whom a recovering registry asks, and whom it believes.
@Suite("Whom a restored registry believes", .registryDatabase)
struct RecoveryTrustTests {
    @Test("a promise to another recovery of the same number does not count, and is outranked")
    func sameNumber() async throws {
        let registry = try await TestRegistry()
        var giver = try await GivingCity(registry.join(.shenzhen), of: registry)
        try await registry.decide()
        try await TestDatabase.current.copied { copy in
            let other = TestRegistry(opening: copy.pool)
            for each in [registry, other] { try await each.store.beginRecovery(reason: "test", now: .noon) }
            try await giver.giveBack(to: registry)
            try await registry.expectRecovered()

            // Both have chosen 2; the city has promised it to the first.
            let standing = try await other.store.present(giver.presentation(), now: .later)
            #expect(standing.incarnation == 3)
            #expect(try await other.store.recoveryReport()?.cities.map(\.hasPromised) == [false])

            giver.call = try RecoveryCall(city: .shenzhen, incarnation: 2, recoveryID: .sixteen(9))
                .signed(by: .registry)
            #expect(try await registry.store.present(giver.presentation(), now: .later).incarnation == 3)
        }
    }

    @Test("the feed is asked of the city that holds most of it, once all have shown what they hold")
    func longest() async throws {
        try await withTwoCities(losing: 3) { registry, restored, city, other in
            var short = try await GivingCity(city, of: registry, applied: Int(registry.store.feedHead().position) - 1)
            var long = try await GivingCity(other, of: registry)

            #expect(try await !short.present(to: restored).wantsFeed)
            #expect(try await long.present(to: restored).wantsFeed)
            #expect(try await !short.present(to: restored).wantsFeed)
            try await long.giveBack(to: restored)
            try await short.giveBack(to: restored)
            try await restored.expectRecovered()
        }
    }

    @Test("a city may not put others in the place of entries that the feed answers, and its own log comes in still")
    func fork() async throws {
        try await withTwoCities { registry, restored, city, other in
            var forked = city
            forked.write(2)
            var honest = city
            honest.file(.sample("C1", invoices: [.serial(1)]), .sample("C2", contract: "HT-2", invoices: [.serial(2)]))
            try await honest.push(to: registry)
            try await registry.decide()
            var tail = try await GivingCity(other, of: registry)
            var liar = try await GivingCity(forked, of: registry, applied: 0) { _ in false }

            // Without a receipt nothing is taken before the feed is there to name it.
            try await liar.giveBack(to: restored)
            #expect(try await restored.log(of: city.code).isEmpty)
            try await tail.giveBack(to: restored)
            await #expect(throws: PushReview.Fault.diverged(sequence: 1)) { try await liar.giveBack(to: restored) }
            var back = try await GivingCity(honest, of: registry)
            try await back.giveBack(to: restored)
            try await restored.expectRecovered()
            #expect(try await restored.answers(to: honest) == (try await registry.answers(to: honest)))
        }
    }

    @Test("an act of an operator before the recovery began follows what the cities hold, with the id that it had")
    func actedOn() async throws {
        try await withTwoCities(isBegun: false) { registry, restored, city, other in
            for isSuspended in [true, false] {
                try await registry.store.setSuspended(isSuspended, other.code, reason: "甲", now: .noon)
            }
            try await registry.decide()
            try await restored.act(.enrolled(.beijing, name: "北京"))
            let act = try #require(try await restored.log(of: .registry).last)
            try await restored.store.beginRecovery(reason: "test", now: .noon)
            for code in [city, other] {
                var giver = try await GivingCity(code, of: registry)
                for _ in 0..<2 { try await giver.giveBack(to: restored) }
            }
            try await restored.expectRecovered()

            #expect(try await restored.feed().starts(with: try await registry.feed()))
            let log = try await restored.log(of: .registry)
            #expect(log.filter { $0.id == act.id }.map(\.payload) == [act.payload])
            #expect(log.last?.id == act.id)
            #expect(try await restored.store.cities().map(\.code).contains(.beijing))
        }
    }

    @Test("a branch that an earlier recovery gave up does not win, nor stop the next one, which keeps it")
    func abandoned() async throws {
        try await withTwoCities(isBegun: false) { registry, restored, city, other in
            try await TestDatabase.current.copied { copy in
                let again = TestRegistry(opening: copy.pool)
                // One city alone saw what came next; the first recovery went on without it.
                var ahead = city
                ahead.write(3)
                try await ahead.push(to: registry)
                try await registry.decide()
                var lost = try await GivingCity(ahead, of: registry)
                try await restored.store.beginRecovery(reason: "test", now: .noon)
                var present = try await GivingCity(other, of: restored)
                try await present.giveBack(to: restored)
                try await restored.store.acceptAbsence(of: city.code, reason: "test", now: .noon)
                try await restored.expectRecovered()
                var current = try await GivingCity(other, of: restored)
                current.call = present.call

                try await again.store.beginRecovery(reason: "test", now: .noon)
                #expect(try await !lost.present(to: again).wantsFeed)
                try await current.giveBack(to: again)
                try await lost.giveBack(to: again)
                try await again.expectRecovered()
                #expect(try await again.feed().starts(with: current.feed))
                #expect(try await again.numbers("SELECT count(*) FROM given_up_feed") == [3])
                #expect(try await again.answers(to: ahead).count == 3)
            }
        }
    }

    @Test("another city goes on where a silent sender stopped; what is past the head that was shown is not taken")
    func senders() async throws {
        try await withTwoCities(losing: 3) { registry, restored, city, other in
            var (first, second) = (try await GivingCity(city, of: registry), try await GivingCity(other, of: registry))
            let start = try await restored.store.feedHead().position
            _ = try await first.present(to: restored)
            _ = try await second.present(to: restored)
            var standing = try await first.present(to: restored)
            let page = try #require(try first.page(standing, limit: 2))
            _ = try await restored.store.refill(page, from: city.code, now: .later)

            #expect(try await !second.present(to: restored).wantsFeed)
            standing = try await second.present(to: restored, now: .later + 10_001)
            #expect(standing.wantsFeed)
            #expect(standing.feedHead.position == start + 2)

            // The rest, and one more that no seal covers.
            let rest = second.feed.dropFirst(Int(start) + 2)
            var more = try #require(rest.last).entry
            (more.position, more.previousHash) = (more.position + 1, try #require(rest.last).hash)
            let pages = rest.map(\.bytes) + [FeedCoding.encode(more).bytes]
            let end = try await restored.store.refill(
                RefillPage(promise: try second.promise(standing), feed: pages), from: other.code, now: .later + 10_001)
            #expect(!end.wantsFeed)
            #expect(try await restored.store.recoveryReport()?.feedHas == second.feed.last?.entry.position)
            try await first.giveBack(to: restored)
            try await restored.expectRecovered()
        }
    }

    @Test("a city that is left out after it came is not heard again; one that comes late is")
    func leftOut() async throws {
        try await withTwoCities { registry, restored, city, other in
            var (first, second) = (try await GivingCity(city, of: registry), try await GivingCity(other, of: registry))
            try await restored.store.acceptAbsence(of: city.code, reason: "test", now: .noon)
            _ = try await first.present(to: restored)
            #expect(try await restored.store.recoveryReport()?.cities.compactMap(\.absenceReason) == [])
            try await restored.store.acceptAbsence(of: city.code, reason: "test", now: .noon)
            let standing = try await first.present(to: restored)
            #expect(try await restored.store.recoveryReport()?.cities.compactMap(\.absenceReason) == ["test"])
            let page = RefillPage(promise: try first.promise(standing), feed: first.feed.map(\.bytes))
            let refusal = await #expect(throws: RegistryRefusal.self) {
                try await restored.store.refill(page, from: city.code, now: .later)
            }
            #expect(refusal?.code == .recovering)
            try await second.giveBack(to: restored)
            try await restored.expectRecovered()
        }
    }

    @Test("the token of a city that joined in the lost time is spent")
    func spentToken() async throws {
        let registry = try await TestRegistry()
        var other = try await GivingCity(registry.join(.hangzhou), of: registry, applied: 0)
        let secret = try await registry.store.enroll(.shenzhen, name: "深圳", expiresAt: .later, now: .noon)
        try await registry.decide()
        try await TestDatabase.current.copied { copy in
            let restored = TestRegistry(opening: copy.pool)
            func join(_ registry: TestRegistry, key: SigningKey) async throws {
                let request = JoinRequest(
                    city: .shenzhen, secret: secret, publicKey: key.publicKey, processNonce: .sixteen(3))
                _ = try await registry.store.join(request, now: .noon)
            }
            try await join(registry, key: .of(.shenzhen))
            try await registry.decide()
            other = try await GivingCity(other.city, of: registry)
            try await restored.store.beginRecovery(reason: "test", now: .noon)
            try await other.giveBack(to: restored)
            try await restored.store.acceptAbsence(of: .shenzhen, reason: "test", now: .noon)
            try await restored.expectRecovered()

            let refusal = await #expect(throws: RegistryRefusal.self) { try await join(restored, key: .of(.beijing)) }
            #expect(refusal?.code == .tokenUnusable)
        }
    }

    @Test("a database that was put back to a moment in a recovery begins anew, above what that had chosen")
    func midway() async throws {
        try await withTwoCities(losing: 3) { registry, restored, city, other in
            var givers = [try await GivingCity(city, of: registry), try await GivingCity(other, of: registry)]
            func giveBack(to registry: TestRegistry) async throws {
                for _ in 0..<2 { for index in givers.indices { try await givers[index].giveBack(to: registry) } }
            }
            try await giveBack(to: restored)
            #expect(try await restored.store.recoveryReport()?.phase == "replaying")

            try await restored.store.beginRecovery(reason: "test", above: 2, now: .noon)

            let report = try #require(try await restored.store.recoveryReport())
            #expect(report.phase == "collecting")
            #expect(report.incarnation == 3)
            #expect(report.cities.map(\.hasPromised) == [false, false])
            try await giveBack(to: restored)
            try await restored.expectRecovered()
            #expect(try await restored.store.feedHead().incarnation == 3)
            #expect(try await restored.feed().starts(with: try await registry.feed()))
        }
    }

    /// A registry with two cities, and a copy of its database; in recovery unless `isBegun` is false.
    private func withTwoCities(
        losing count: Int = 0, isBegun: Bool = true,
        _ body: (TestRegistry, TestRegistry, TestCity, TestCity) async throws -> Void
    ) async throws {
        let registry = try await TestRegistry()
        var (city, other) = (try await registry.join(.shenzhen), try await registry.join(.hangzhou))
        try await registry.decide()
        try await TestDatabase.current.copied { copy in
            let restored = TestRegistry(opening: copy.pool)
            if isBegun { try await restored.store.beginRecovery(reason: "test", now: .noon) }
            if count > 0 {
                city.write(count)
                try await city.push(to: registry)
                try await registry.decide()
            }
            try await body(registry, restored, city, other)
        }
    }
}
