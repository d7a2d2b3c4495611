import Arbitration
import FederationWire
import PostgresClient
import Replication
import Synchronization
import TestSupport
import Testing
import VoucherDomain

@testable import RegistryStore

@Suite("Feed", .registryDatabase)
struct FeedTests {
    /// A registry whose feed has ten entries: the policy, the city's three acts, and six of its entries.
    private func registry() async throws -> (TestRegistry, TestCity) {
        let registry = try await TestRegistry()
        var city = try await registry.join(.shenzhen)
        city.write(6)
        try await city.push(to: registry)
        try await registry.decide()
        return (registry, city)
    }

    private func request(_ city: TestCity, after: FeedHead = .empty, limit: Int = 100) -> FeedRequest {
        FeedRequest(after: after, limit: limit, wait: .zero, sessionEpoch: city.epoch)
    }

    private func page(_ registry: TestRegistry, _ request: FeedRequest) async throws -> FeedAnswer {
        try await registry.store.feed(request, city: .shenzhen, now: .noon)
    }

    /// What the page says and seals, checked as a city checks it.
    private func follow(_ page: FeedAnswer, from cursor: FeedHead) throws -> (
        entries: [SealedFeedEntry], head: FeedHead
    ) {
        let entries = try page.entries.map { try FeedCoding.decode($0) }
        let seal = try FeedSeal(page.seal, by: SigningKey.registry.publicKey)
        return (entries, try FeedPage.follow(entries, from: cursor, sealed: seal.head))
    }

    @Test("the whole feed, byte for byte, under a seal over its head")
    func whole() async throws {
        let (registry, city) = try await registry()

        let page = try await page(registry, request(city))
        let (entries, head) = try follow(page, from: .empty)
        #expect(entries == (try await registry.feed()))
        #expect(head == (try await registry.store.feedHead()))
        #expect(head.position == 10)
        #expect(!page.more)
        #expect(try FeedSeal(page.seal, by: SigningKey.registry.publicKey).sealedAt == .noon)
    }

    @Test(
        "page after page gives the whole feed, whatever the limit; all but the last say that there is more",
        arguments: [1, 3, 9, 10, 11])
    func pages(limit: Int) async throws {
        let (registry, city) = try await registry()
        var cursor = FeedHead.empty
        var read: [SealedFeedEntry] = []
        var isMore = true
        while isMore {
            let page = try await page(registry, request(city, after: cursor, limit: limit))
            let (entries, head) = try follow(page, from: cursor)
            #expect((1...limit).contains(entries.count))
            #expect(page.more == (head.position < 10))
            read += entries
            cursor = head
            isMore = page.more
        }

        #expect(read == (try await registry.feed()))
    }

    @Test("at the end there is nothing, and the cursor is sealed again")
    func end() async throws {
        let (registry, city) = try await registry()
        let head = try await registry.store.feedHead()

        let page = try await page(registry, request(city, after: head))
        #expect(page.entries == [])
        #expect(!page.more)
        #expect(try follow(page, from: head).head == head)
    }

    @Test("an empty feed is sealed as empty")
    func empty() async throws {
        let registry = try await TestRegistry()
        let city = try await registry.join(.shenzhen)

        let page = try await page(registry, request(city))
        #expect(page.entries == [])
        #expect(try follow(page, from: .empty).head == .empty)
    }

    @Test("a page has about 4 MiB, however many entries are asked for, and at least one")
    func size() async throws {
        let (registry, city) = try await registry()
        try await registry.run(
            "ALTER TABLE feed DISABLE TRIGGER USER; UPDATE feed SET bytes = repeat('x', 1500000)::bytea")

        #expect(try await page(registry, request(city)).entries.count == 3)
        #expect(try await page(registry, request(city)).more)
        #expect(try await page(registry, request(city, limit: 1)).entries.count == 1)
    }

    @Test("a cursor that is not on the feed is refused, and nothing of it is sealed")
    func strangeCursor() async throws {
        let (registry, city) = try await registry()
        let head = try await registry.store.feedHead()
        let strange = [
            FeedHead(incarnation: 1, position: 11, hash: head.hash),
            FeedHead(incarnation: 1, position: .max, hash: head.hash),
            FeedHead(incarnation: 1, position: UInt64(Int64.max), hash: head.hash),
            FeedHead(incarnation: 1, position: 10, hash: .zero),
            FeedHead(incarnation: 1, position: 9, hash: head.hash),
            FeedHead(incarnation: 2, position: 10, hash: head.hash),
            FeedHead(incarnation: 0, position: 10, hash: head.hash),
            FeedHead(incarnation: 1, position: 0, hash: .zero),
            FeedHead(incarnation: 0, position: 0, hash: head.hash),
        ]
        for cursor in strange {
            let refusal = await #expect(throws: RegistryRefusal.self) {
                try await page(registry, request(city, after: cursor))
            }
            #expect(refusal?.code == .unknownFeedHead, "\(cursor.position)")
        }
    }

    @Test("a node of an older epoch, a suspended city and a stranger read nothing")
    func strangers() async throws {
        let (registry, city) = try await registry()
        let old = request(city)
        let hello = city.hello(nonce: .sixteen(2), knowing: city.epoch)
        let granted = try Grant(
            try await registry.store.greet(hello, now: .noon).grant, by: SigningKey.registry.publicKey
        ).epoch

        await #expect(throws: PushReview.Fault.fenced(granted: granted)) { try await page(registry, old) }
        try await registry.store.setSuspended(true, .shenzhen, reason: "", now: .noon)
        let new = FeedRequest(after: .empty, limit: 1, wait: .zero, sessionEpoch: granted)
        await #expect(throws: PushReview.Fault.suspended) { try await page(registry, new) }
        let refusal = await #expect(throws: RegistryRefusal.self) {
            try await registry.store.feed(old, city: .beijing, now: .noon)
        }
        #expect(refusal?.code == .unknownCity)
    }

    @Test("the first look of a request notes how far the city is, a later one does not")
    func contact() async throws {
        let (registry, city) = try await registry()
        let entries = try await registry.feed()
        _ = try await page(registry, request(city, after: entries[3].head))
        _ = try await registry.store.feed(
            request(city, after: entries[8].head), city: .shenzhen, now: .noon + 7, isFirst: false)

        let summary = try #require(try await registry.store.cities().first)
        #expect(summary.code == .shenzhen)
        #expect(summary.feedLag == 6)
        #expect(summary.lastContact == .noon)
        #expect(summary.undecided == 0)
        #expect(summary.logSequence == 6)
    }

    @Test("reading the feed does not wait for a batch that is being received", arguments: [false, true])
    func doesNotWait(hasReadBefore: Bool) async throws {
        let (registry, city) = try await registry()
        if hasReadBefore { _ = try await page(registry, request(city)) }
        // PostgreSQL gives up after two seconds where it would have to wait.
        let patience = PostgresPool(url: TestDatabase.current.url + "&options=-c%20lock_timeout%3D2000", size: 1)
        let reader = RegistryStore(pool: patience, secrets: .test)
        let request = request(city)
        let (isLocked, isRead) = (Flag(), Flag())
        async let receiving: Void = registry.store.pool.transaction { session in
            _ = try CityRow.lock(.shenzhen, session)
            isLocked.raise()
            while !isRead.isRaised { try session.execute("SELECT 1") }
        }
        while !isLocked.isRaised { await Task.yield() }

        let answer = await Result { try await reader.feed(request, city: .shenzhen, now: .noon) }
        isRead.raise()
        try await receiving
        #expect(throws: Never.self) { try answer.get() }
    }

    @Test("what was refused is read by its city alone: no reason, number or invoice travels openly")
    func secrecy() async throws {
        var (registry, city) = try await registry()
        var other = try await registry.join(.beijing)
        city.issue(.sample("V1"))
        other.issue(.sample("V1"))
        city.file(.sample("CLAIM-NO-ONE", contract: "HT-SECRET", invoices: [.serial(1)]))
        other.file(.sample("CLAIM-NO-TWO", contract: "HT-SECRET", invoices: [.serial(1)]))
        try await city.push(to: registry)
        try await registry.decide()
        try await other.push(to: registry)
        try await registry.decide()

        let refused = try #require(try await registry.answers(to: other).last)
        #expect(refused.entry.decision == .refused)
        let detail = try #require(try other.detail(refused))
        #expect(detail.claimNumber == "CLAIM-NO-TWO")
        #expect(detail.reasons.map(\.rule) == ["invoice-once", "contract-one-city", "moved-company"])
        #expect(detail.reasons.allSatisfy { $0.blocking == [.init(city: .shenzhen, number: "CLAIM-NO-ONE")] })
        #expect(try city.detail(refused) == nil)
        let open = String(decoding: refused.bytes, as: UTF8.self)
        for secret in ["CLAIM-NO", "SECRET", "26330", "invoice-once"] { #expect(!open.contains(secret)) }
    }
}

/// Something that has happened, seen from another task.
private final class Flag: Sendable {
    private let state = Mutex(false)

    var isRaised: Bool { state.withLock { $0 } }

    func raise() { state.withLock { $0 = true } }
}
