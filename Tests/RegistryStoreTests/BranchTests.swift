import Arbitration
import FederationWire
import PostgresClient
import Replication
import TestSupport
import Testing
import VoucherDomain

@testable import RegistryStore

/// Two registries that both went on deciding: the longer branch stands, and the other one is kept and taken in.
@Suite("Two registries that both decided", .registryDatabase)
struct BranchTests {
    @Test(
        "what a restored database had decided by itself gives way to what cities hold, byte for byte", arguments: 1...4)
    func ownBranch(seed: Int) async throws {
        let registry = try await TestRegistry(policy: PushedJournal.policy)
        let database = TestDatabase.current
        var copies: [TestDatabase] = []
        let journal = try await PushedJournal(
            seed: UInt64(seed), length: 120, decidesMeanwhile: true, registry: registry,
            atHalf: { _ in copies.append(try await database.copied()) })
        try await registry.decide()
        let copy = try #require(copies.first)
        let restored = TestRegistry(opening: copy.pool)
        let cities = journal.cities.values.sorted { $0.code < $1.code }
        // By itself it decides what one city had sent later, and an act that the other registry knows nothing of.
        try await restored.act(.enrolled(.guangzhou, name: "广州"))
        try await pushRest(of: cities[seed % 3], to: restored)
        try await restored.decide()
        let (feed, own) = (try await registry.feed(), try await restored.feed())
        let common = zip(feed, own).prefix { $0 == $1 }.count
        try #require(common < own.count && own.count < feed.count)

        try await restored.store.beginRecovery(reason: "test", now: .noon)
        var givers: [GivingCity] = []
        for city in cities { givers.append(try await GivingCity(city, of: registry)) }
        try await giveBack(&givers, to: restored)
        #expect(try await restored.store.recoveryReport()?.phase == "rewinding")
        try await restored.expectRecovered()

        #expect(try await restored.feed().starts(with: feed))
        #expect(try await givenUp(restored) == own.dropFirst(common).map(\.bytes))
        let acts = try await restored.log(of: .registry).filter { $0.kind == .cityEnrolled }
        #expect(try acts.contains { try RegistryAct(membershipIn: $0) == .enrolled(.guangzhou, name: "广州") })
        #expect(try await restored.numbers("SELECT count(*) FROM batch WHERE NOT folded") == [0])
        try await copy.drop()
    }

    @Test("what a city holds gives way to the database's own longer branch; its entries follow, and it is sent back")
    func citysBranch() async throws {
        try await withBranches { registry, restored, cities in
            var (city, other) = cities
            try await write(2, &city, registry)
            try await write(5, &other, restored)
            let (feed, own) = (try await registry.feed(), try await restored.feed())
            let common = zip(feed, own).prefix { $0 == $1 }.count

            let givers = try await beginRecovery(of: restored, from: [(city, registry), (other, restored)])
            try await restored.expectRecovered()

            #expect(try await restored.feed().starts(with: own))
            #expect(try await givenUp(restored) == feed.dropFirst(common).map(\.bytes))
            #expect(try await restored.answers(to: city).count == 2)
            let standing = try await restored.store.present(givers[0].presentation(), now: .later)
            #expect(standing.incarnation == 0)
            let call = try RecoveryCall(#require(standing.call), by: SigningKey.registry.publicKey)
            let back = RecoveryCall.WayBack(from: feed[feed.count - 1].head, to: own[common - 1].head)
            #expect(call.wayBack == back)
            // The other one's feed stands, and it is not called again.
            #expect(try await restored.store.present(givers[1].presentation(), now: .later).call == nil)
        }
    }

    @Test("where cities hold two branches besides its own, the longest stands and both others are kept")
    func threeBranches() async throws {
        try await withBranches { registry, restored, cities in
            var (city, other) = cities
            let third = try await TestDatabase.current.copied()
            let another = TestRegistry(opening: third.pool)
            try await write(2, &city, another)
            try await write(6, &other, registry)
            try await restored.act(.enrolled(.guangzhou, name: "广州"))
            try await restored.decide()
            let feeds = [try await another.feed(), try await restored.feed()]
            let feed = try await registry.feed()

            try await beginRecovery(of: restored, from: [(city, another), (other, registry)])
            try await restored.expectRecovered()

            #expect(try await restored.feed().starts(with: feed))
            let kept = try await givenUp(restored)
            for branch in feeds {
                for entry in branch where !feed.contains(entry) { #expect(kept.contains(entry.bytes)) }
            }
            #expect(try await restored.answers(to: city).count == 2)
            try await third.drop()
        }
    }

    @Test(
        "a recovery that begins anew after the own branch was given up comes to the same end", arguments: [false, true])
    func beginsAnew(isRewound: Bool) async throws {
        try await withBranches { registry, restored, cities in
            var (city, other) = cities
            try await write(2, &city, restored)
            try await write(6, &other, registry)
            let feed = try await registry.feed()
            var givers = try await beginRecovery(of: restored, from: [(city, registry), (other, registry)])
            try #require(try await restored.store.recoveryReport()?.phase == "rewinding")
            if isRewound {
                let arbiter = Arbiter(store: restored.store)
                try #require(try await arbiter.acquire())
                #expect(try await arbiter.decide().decided == 0)
                await arbiter.release()
                try #require(try await restored.store.recoveryReport()?.phase == "replaying")
            }

            try await restored.store.beginRecovery(reason: "test", now: .noon)
            #expect(try await restored.decide() == 0)
            try await giveBack(&givers, to: restored)
            try await restored.expectRecovered()

            #expect(try await restored.feed().starts(with: feed))
            #expect(try await restored.answers(to: city).count == 2)
        }
    }

    @Test("who reads while the tables are made anew finds them as they were, not empty")
    func readMeanwhile() async throws {
        let registry = try await TestRegistry()
        var (city, other) = (try await registry.join(.shenzhen), try await registry.join(.hangzhou))
        city.issue(.sample("V1"))
        city.file(.sample("A", invoices: [.serial(1)]))
        try await city.push(to: registry)
        try await registry.decide()
        let copy = try await TestDatabase.current.copied()
        let restored = TestRegistry(opening: copy.pool)
        try await restored.act(.enrolled(.guangzhou, name: "广州"))
        try await restored.decide()
        try await write(6, &other, registry)
        try await beginRecovery(of: restored, from: [(city, registry), (other, registry)])
        try #require(try await restored.store.recoveryReport()?.phase == "rewinding")

        let (url, dialect) = (copy.url, restored.store.dialect)
        let claims = try await restored.store.pool.run { session in
            let reader = try PostgresSession(url: url)
            try session.transaction {
                try TableRewind.run(session, .test, dialect)
                try reader.run(script: "BEGIN ISOLATION LEVEL REPEATABLE READ")
                try reader.execute("SELECT 1 FROM registry")
            }
            return try reader.execute("SELECT count(*) FROM claim").int(0, 0)
        }

        #expect(claims == 1)
        try await restored.expectRecovered()
        try await copy.drop()
    }

    @Test("a branch that was given up stands after all where nobody comes who has the longer one")
    func standsAfterAll() async throws {
        try await withBranches { registry, restored, cities in
            var (city, other) = cities
            try await write(2, &city, restored)
            try await write(6, &other, registry)
            let own = try await restored.feed()
            var givers = [try await GivingCity(city, of: restored), try await GivingCity(other, of: registry)]
            try await restored.store.beginRecovery(reason: "test", now: .noon)
            try await giveBack(&givers, to: restored)
            try #require(try await restored.store.recoveryReport()?.phase == "rewinding")

            try await restored.store.beginRecovery(reason: "test", now: .noon)
            try await restored.store.acceptAbsence(of: other.code, reason: "test", now: .noon)
            for _ in 0..<3 { try await givers[0].giveBack(to: restored) }
            try await restored.expectRecovered()

            #expect(try await restored.feed().starts(with: own))
            #expect(try await restored.store.present(givers[0].presentation(), now: .later).call == nil)
        }
    }

    // MARK: What is said of a branch

    @Test("an answer to a case of a branch that was given up is rejected, whether it waits or comes later")
    func strayAnswer() async throws {
        try await withBranches { registry, restored, cities in
            var (city, other) = cities
            // The same receipt in two claims opens a case on the branch that is given up.
            city.issue(.sample("V1"))
            city.file(
                .sample("A", invoices: [.serial(1)], receipt: "R1"),
                .sample("B", invoices: [.serial(2)], receipt: "R1"))
            try await city.push(to: restored)
            try await restored.decide()
            let conflict = try #require(try await restored.store.cases(limit: 9).first)
            let seen = try await restored.store.feedHead()
            func answer(_ city: inout TestCity) {
                city.feedHead = seen
                let answer = CaseAnswer(caseID: conflict.id, kind: .contest, reason: "说明", evidence: [])
                city.append(.caseAnswered, PayloadCoding.encode(answer))
            }
            answer(&city)
            try await city.push(to: restored)
            try await write(20, &other, registry)

            try await beginRecovery(of: restored, from: [(city, restored), (other, registry)])
            try await restored.expectRecovered()
            city.feedHead = .empty
            try await greet(&city, restored)
            answer(&city)
            let late = try await city.push(to: restored)
            try await restored.decide()

            #expect(late.answers == [.rejected(PushReview.strayAnswer)])
            let answers = try await restored.answers(to: city)
            #expect(answers.map(\.entry.decision) == [.noted, .reserved, .held, .invalid, .invalid])
            #expect(try await restored.store.recompute { _ in }.faults == [])
            // The clock of what is rejected binds nothing after it.
            let clock = try await restored.numbers(
                "SELECT log_time FROM city WHERE city_code = \(city.code.rawValue)")
            #expect(clock == [Int64(bitPattern: city.log[2].time.rawValue)])
        }
    }

    @Test("a policy of the branch that was given up binds nothing, not even in the process that had it in force")
    func policies() async throws {
        try await withBranches { registry, restored, cities in
            var (city, other) = cities
            for (each, cap) in [(registry, Money.yuan(15)), (restored, Money.yuan(1_000))] {
                try await each.act(
                    .policyPublished(version: 2, document: CappedPolicy.document(version: 2, yearCap: cap)))
                try await each.decide()
            }
            try await write(1, &city, restored)
            try await write(6, &other, registry)

            try await beginRecovery(of: restored, from: [(city, registry), (other, registry)])
            try await restored.expectRecovered()
            let published = try await restored.store.policyDocuments().map(\.document)
            #expect(published == [CappedPolicy.document(version: 2, yearCap: .yuan(15))])
            try await greet(&city, restored)
            city.issue(.sample("V1"))
            city.file(.sample("A", invoices: [.serial(1)]), .sample("B", invoices: [.serial(2)]))
            try await city.push(to: restored)
            try await restored.decide()

            // Two claims of 10 yuan in one year: the second is above the cap that stands.
            #expect(try await restored.answers(to: city).suffix(2).map(\.entry.decision) == [.reserved, .refused])
            #expect(try await restored.store.recompute { _ in }.faults == [])
        }
    }

    // MARK: Steps

    /// A registry with two cities and a copy of its database, of which neither knows that there are two.
    func withBranches(
        policy: [UInt8]? = nil,
        _ body: (TestRegistry, TestRegistry, (TestCity, TestCity)) async throws -> Void
    ) async throws {
        let registry = if let policy { try await TestRegistry(policy: policy) } else { try await TestRegistry() }
        let cities = (try await registry.join(.shenzhen), try await registry.join(.hangzhou))
        try await registry.decide()
        try await TestDatabase.current.copied { copy in
            try await body(registry, TestRegistry(opening: copy.pool), cities)
        }
    }

    func write(_ count: Int, _ city: inout TestCity, _ registry: TestRegistry) async throws {
        city.write(count)
        try await city.push(to: registry)
        try await registry.decide()
    }

    /// A registry that has recovered greets a city, and grants it an epoch of its own incarnation.
    func greet(_ city: inout TestCity, _ registry: TestRegistry) async throws {
        let hello = city.hello(
            nonce: .sixteen(9), knowing: city.epoch, promise: 2, to: try await registry.recoveryID())
        city.epoch = try Grant(
            try await registry.store.greet(hello, now: .noon).grant, by: SigningKey.registry.publicKey
        ).epoch
    }

    func pushRest(of city: TestCity, to registry: TestRegistry) async throws {
        let known = try await registry.log(of: city.code).count
        guard known < city.log.count else { return }
        _ = try await registry.receive(city.batch((known + 1)...city.log.count), from: city.code)
    }

    /// Lets a copy recover without a city, with what another one gives back of the copy's own feed.
    ///
    /// - Returns: The other one, as it has promised.
    func recover(
        _ restored: TestRegistry, without city: TestCity, with other: TestCity
    ) async throws -> GivingCity {
        try await restored.store.beginRecovery(reason: "test", now: .noon)
        var giver = try await GivingCity(other, of: restored)
        try await giver.giveBack(to: restored)
        try await restored.store.acceptAbsence(of: city.code, reason: "test", now: .noon)
        return giver
    }

    /// Begins a recovery in which cities give back what they have of these registries.
    ///
    /// - Returns: The cities, as they have promised.
    @discardableResult
    func beginRecovery(
        of restored: TestRegistry, from shown: [(TestCity, TestRegistry)]
    ) async throws -> [GivingCity] {
        try await restored.store.beginRecovery(reason: "test", now: .noon)
        var givers: [GivingCity] = []
        for (city, registry) in shown { givers.append(try await GivingCity(city, of: registry)) }
        try await giveBack(&givers, to: restored)
        return givers
    }

    /// Each shows what it has, several times over: whoever has most gives the feed, then the others give what they have
    /// besides.
    func giveBack(_ givers: inout [GivingCity], to registry: TestRegistry) async throws {
        for _ in 0..<4 { for index in givers.indices { try await givers[index].giveBack(to: registry) } }
    }

    /// How many acts of operators were named because they are not done again.
    func actsGivenUp(_ registry: TestRegistry) async throws -> Int64? {
        try await registry.numbers("SELECT count(*) FROM audit_event WHERE action = 'act given up'").first
    }

    /// The feed entries that do not stand, in their order.
    func givenUp(_ registry: TestRegistry) async throws -> [[UInt8]] {
        try await registry.store.pool.run { session in
            let result = try session.execute("SELECT bytes FROM given_up_feed ORDER BY position, hash")
            return (0..<result.count).map { result.bytes($0, 0) }
        }
    }

    /// A tick of five minutes by which cities have the whole feed and have told everything.
    func tick(_ registry: TestRegistry, _ cities: [TestCity]) async throws {
        try await registry.decide()
        let head = try await registry.store.feedHead()
        let seals = try cities.map { city in
            try Seal(
                city: city.code, head: city.head, watermark: HybridTime(milliseconds: .noon + 1_000), feedHead: head
            ).signed(by: city.key)
        }
        try await registry.act(
            .ticked(
                TickAct(wallMilliseconds: Int64(UInt64.noon), intervalMilliseconds: 300_000, seals: seals)))
        try await registry.decide()
    }
}

extension CityCode {
    static let guangzhou = valid(CityCode("440100"))
}
