import Arbitration
import DefaultPolicy
import FederationWire
import PostgresClient
import Replication
import TestSupport
import Testing
import VoucherDomain

@testable import RegistryStore

@Suite("Arbiter", .registryDatabase)
struct ArbiterTests {
    private func registry() async throws -> (TestRegistry, TestCity) {
        let registry = try await TestRegistry()
        return (registry, try await registry.join(.shenzhen))
    }

    @Test("one arbiter at a time: the next one has the lock when the first gives it up")
    func oneAtATime() async throws {
        let (registry, _) = try await registry()
        let (first, second) = (Arbiter(store: registry.store), Arbiter(store: registry.store))

        #expect(try await first.acquire())
        #expect(try await !second.acquire())
        await first.release()
        #expect(try await second.acquire())
        #expect(try await !first.acquire())
    }

    @Test("the arbiters of two databases do not know each other")
    func otherDatabase() async throws {
        let (registry, _) = try await registry()
        let name = "c_\(TestCluster.nextNumber())"
        let pool = PostgresPool(url: try await TestCluster.create(name), size: 1)
        let other = RegistryStore(pool: pool, secrets: .test)
        _ = try await other.migrate(policyDocument: DefaultPolicy.document, now: .noon)
        let (first, second) = (Arbiter(store: registry.store), Arbiter(store: other))

        #expect(try await first.acquire())
        #expect(try await second.acquire())
        try await TestCluster.drop(name)
    }

    @Test("the lock goes with the connection: another process takes over, and the first one hears of it")
    func lostConnection() async throws {
        var (registry, city) = try await registry()
        let (first, second) = (Arbiter(store: registry.store), Arbiter(store: registry.store))
        try #require(try await first.acquire())
        try await TestDatabase.current.terminate(try await registry.arbiterBackend())
        city.write(1)
        try await city.push(to: registry)

        #expect(try await second.acquire())
        let error = await #expect(throws: PostgresError.self) { try await first.decide().decided }
        #expect(error?.isConnectionLoss == true)
        #expect(try await second.decide().decided > 0)
        await #expect(throws: PostgresError.self) { try await first.acquire() }
    }

    @Test(
        "a city's entry of a kind that only the registry writes ends no transaction, and each entry is decided once",
        arguments: [EntryKind.caseRuled, .ticked, .policyPublished])
    func foreignKind(kind: EntryKind) async throws {
        var (registry, city) = try await registry()
        var other = try await registry.join(.hangzhou)
        try await registry.decide()
        other.write(1)
        try await other.push(to: registry)
        city.issue(.sample("V1"))
        city.file(.sample("C1", invoices: [.serial(1)]))
        city.append(kind, [1])
        city.file(.sample("C2", contract: "HT-2", invoices: [.serial(2)]))
        try await city.push(to: registry)
        try await registry.decide()

        #expect(
            try await registry.numbers("SELECT count(*) FROM feed GROUP BY city_code, sequence HAVING count(*) > 1")
                == [])
        #expect(try await registry.texts("SELECT claim_no FROM claim WHERE state = 2 ORDER BY 1") == ["C1", "C2"])
        #expect(try await registry.store.recompute { _ in }.faults == [])
        #expect(try await registry.store.verify { _ in }.faults == [])
    }

    @Test("a process that lost the lock decides nothing, even once it is connected again")
    func withoutTheLock() async throws {
        var (registry, city) = try await registry()
        let (first, second) = (Arbiter(store: registry.store), Arbiter(store: registry.store))
        try #require(try await first.acquire())
        try await TestDatabase.current.terminate(try await registry.arbiterBackend())
        _ = try? await first.decide()
        try #require(try await second.acquire())
        city.write(1)
        try await city.push(to: registry)
        _ = try? await first.decide()

        #expect(try await registry.store.feedHead() == .empty)
    }

    @Test("positions are gapless from 1, each linked to the one before, and keep the order of every log")
    func positions() async throws {
        var (registry, city) = try await registry()
        var other = try await registry.join(.beijing)
        for count in [3, 1, 4] {
            city.write(count)
            other.write(count + 1)
            try await city.push(to: registry)
            try await other.push(to: registry)
            try await registry.decide()
        }

        let feed = try await registry.feed()
        let head = try FeedPage.follow(feed, from: .empty, sealed: try await registry.store.feedHead())
        #expect(head.position == 7 + 8 + 11)
        for code in [CityCode.registry, .shenzhen, .beijing] {
            let sequences = feed.filter { $0.entry.city == code }.map(\.entry.answers.sequence)
            #expect(sequences == Array(1...UInt64(sequences.count)))
        }
        #expect(feed.filter { $0.entry.city == .shenzhen }.map(\.entry.answers) == city.log.map(\.head))
    }

    @Test("a new arbiter goes on where the one before it stopped")
    func restart() async throws {
        var (registry, city) = try await registry()
        var decided = 0
        for round in 1...3 {
            city.write(round)
            try await city.push(to: registry)
            let arbiter = Arbiter(store: registry.store)
            try #require(try await arbiter.acquire())
            var report: Arbiter.Report
            repeat {
                report = try await arbiter.decide()
                decided += report.decided
            } while report.more
            #expect(try await arbiter.decide().decided == 0)
            await arbiter.release()
        }

        let feed = try await registry.feed()
        #expect(decided == feed.count)
        _ = try FeedPage.follow(feed, from: .empty, sealed: try #require(feed.last).head)
        #expect(try await registry.answers(to: city).map(\.entry.answers) == city.log.map(\.head))
    }

    @Test("nothing that was decided is decided again, whatever is pushed once more")
    func onlyOnce() async throws {
        var (registry, city) = try await registry()
        city.write(4)
        try await city.push(to: registry)
        try await registry.decide()
        let before = try await registry.foldedState()
        try await registry.receive(city.batch(1...4), from: .shenzhen)
        try await registry.receive(city.batch(2...3), from: .shenzhen)

        #expect(try await registry.decide() == 0)
        #expect(try await registry.foldedState() == before)
    }

    @Test("a transaction that fails leaves nothing behind and no gap")
    func aborted() async throws {
        var (registry, city) = try await registry()
        try await registry.decide()
        let before = try await registry.foldedState()
        let head = try await registry.store.feedHead()
        city.issue(.sample("V1"))
        city.file(.sample("C1", invoices: [.serial(1)]), .sample("C2", invoices: [.serial(1)]))
        try await city.push(to: registry)
        try await registry.run("ALTER TABLE finding RENAME TO gone")

        await #expect(throws: PostgresError.self) { try await registry.decide() }
        try await registry.run("ALTER TABLE gone RENAME TO finding")
        #expect(try await registry.foldedState() == before)
        #expect(try await registry.store.feedHead() == head)
        #expect(try await registry.numbers("SELECT count(*) FROM batch WHERE NOT folded") == [1])

        #expect(try await registry.decide() == 3)
        #expect(try await registry.answers(to: city).map(\.entry.position) == (1...3).map { head.position + $0 })
        #expect(try await registry.store.recompute { _ in }.faults == [])
    }

    @Test("an arbiter that is killed in the middle of its transaction leaves nothing behind and no gap")
    func killed() async throws {
        var (registry, city) = try await registry()
        city.write(5)
        try await city.push(to: registry)
        let arbiter = Arbiter(store: registry.store)
        try #require(try await arbiter.acquire())
        let backend = try await registry.arbiterBackend()
        let before = try await registry.foldedState()
        // While this lock is held, the arbiter waits at its COPY into the feed, and is killed there.
        async let killed: Void = registry.store.pool.run { session in
            try session.transaction {
                try session.run(script: "LOCK TABLE feed IN EXCLUSIVE MODE")
                while try session.execute(
                    "SELECT 1 FROM pg_locks WHERE pid = $1::int8::int4 AND NOT granted", [.int8(backend)]
                ).count == 0 {}
                try session.execute("SELECT pg_terminate_backend($1::int8::int4, 20000)", [.int8(backend)])
            }
        }
        while try await registry.numbers(
            "SELECT 1 FROM pg_locks WHERE relation = 'feed'::regclass AND mode = 'ExclusiveLock' AND granted"
        ).isEmpty {}

        let error = await #expect(throws: PostgresError.self) { _ = try await arbiter.decide() }
        try await killed
        #expect(error?.isConnectionLoss == true)
        #expect(try await registry.foldedState() == before)
        #expect(try await registry.decide() == 9)
        #expect(try await registry.feed().map(\.entry.position) == Array(1...9))
    }

    @Test("what several cities push while the arbiter works is decided once, each log in its order")
    func beside() async throws {
        let registry = try await TestRegistry()
        var cities: [TestCity] = []
        for code in [CityCode.beijing, .hangzhou, .shenzhen] { cities.append(try await registry.join(code)) }
        let total = 10 + 3 * 20 * 2
        try await withThrowingTaskGroup(of: Void.self) { group in
            for city in cities {
                group.addTask {
                    var city = city
                    for _ in 0..<20 {
                        city.write(2)
                        try await city.push(to: registry)
                    }
                }
            }
            group.addTask {
                let arbiter = Arbiter(store: registry.store)
                try #require(try await arbiter.acquire())
                while try await registry.store.feedHead().position < UInt64(total) {
                    if try await arbiter.decide().decided == 0 { _ = try await arbiter.waitForWork(milliseconds: 100) }
                }
                await arbiter.release()
            }
            try await group.waitForAll()
        }

        let feed = try await registry.feed()
        #expect(feed.map(\.entry.position) == Array(1...UInt64(total)))
        for city in cities {
            let answers = feed.filter { $0.entry.city == city.code }.map(\.entry.answers)
            #expect(answers == (try await registry.log(of: city.code)).map(\.head))
        }
        #expect(try await registry.store.verify { _ in }.faults == [])
    }

    @Test("more batches than one transaction takes are decided in several, in order")
    func manyBatches() async throws {
        let registry = try await TestRegistry()
        // The policy is decided alone.
        try await registry.decide()
        try await registry.store.pool.transaction { session in
            for number in 1...1_200 {
                try RegistryStore.append(.suspended(.beijing, reason: "\(number)"), session, .test, now: .noon)
            }
        }
        let arbiter = Arbiter(store: registry.store)
        try #require(try await arbiter.acquire())

        let first = try await arbiter.decide()
        #expect(first.decided == 1_000)
        #expect(first.more)
        let second = try await arbiter.decide()
        #expect(second.decided == 200)
        #expect(!second.more)
        #expect(try await registry.feed().map(\.entry.answers.sequence) == Array(1...1_201))
    }

    @Test("a batch that is committed wakes the arbiter")
    func woken() async throws {
        var (registry, city) = try await registry()
        let arbiter = Arbiter(store: registry.store)
        try #require(try await arbiter.acquire())
        #expect(try await !arbiter.waitForWork(milliseconds: 0))
        city.write(1)
        try await city.push(to: registry)

        #expect(try await arbiter.waitForWork(milliseconds: 20_000))
    }
}

extension TestRegistry {
    /// The server process that holds the arbiter's lock in this database.
    fileprivate func arbiterBackend() async throws -> Int64 {
        let backends = try await numbers(
            """
            SELECT l.pid FROM pg_locks l JOIN pg_database d ON d.oid = l.database
            WHERE l.locktype = 'advisory' AND l.objid = \(Locks.arbiter) AND d.datname = current_database()
            """)
        try #require(backends.count == 1)
        return backends[0]
    }
}
