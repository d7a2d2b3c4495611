import Arbitration
import FederationWire
import PostgresClient
import Replication
import TestSupport
import Testing
import VoucherDomain

@testable import RegistryStore

@Suite("A registry that was restored", .database)
struct RecoveryTests {
    /// The feed as far as a city has it, and its own log with the receipts: what it gives back.
    struct Giver {
        let city: TestCity
        let feed: [SealedFeedEntry]
        let receipts: [(through: LogHead, signed: SignedBytes)]
        var call: SignedBytes?

        /// - Parameter applied: How many entries of the feed the city has applied.
        init(_ city: TestCity, of registry: TestRegistry, applied: Int) async throws {
            self.city = city
            feed = Array(try await registry.feed().prefix(applied))
            let rows = try await registry.store.pool.run { session in
                let result = try session.execute(
                    "SELECT receipt_body, receipt_signature FROM batch WHERE city_code = $1 ORDER BY last_sequence",
                    [.int4(Int32(city.code.rawValue))])
                return (0..<result.count).map {
                    SignedBytes(body: result.bytes($0, 0), signature: result.bytes($0, 1))
                }
            }
            receipts = try rows.map { (try Receipt($0, by: SigningKey.registry.publicKey).through, $0) }
        }

        func presentation(sealedBy key: SigningKey = .registry) throws -> Presentation {
            let seal = try feed.last.map { try FeedSeal(head: $0.head, sealedAt: .noon).signed(by: key) }
            return Presentation(city: city.code, feedSeal: seal, receipt: receipts.last?.signed, call: call)
        }

        func promise(_ standing: RecoveryStanding) throws -> UInt32 {
            try RecoveryCall(#require(standing.call), by: SigningKey.registry.publicKey).incarnation
        }

        /// The next part, as the city node cuts it.
        func page(_ standing: RecoveryStanding, limit: Int = 7) throws -> RefillPage? {
            let promise = try promise(standing)
            if standing.wantsFeed, standing.feedHead.position < UInt64(feed.count) {
                let rest = feed.dropFirst(Int(standing.feedHead.position)).prefix(limit)
                return RefillPage(promise: promise, feed: rest.map(\.bytes))
            }
            let from = Int(standing.logHead.sequence)
            guard from < city.log.count else { return nil }
            let receipt = receipts.first { $0.through.sequence > standing.logHead.sequence }
            let entries = Array(city.log[from..<(receipt.map { Int($0.through.sequence) } ?? city.log.count)])
            return RefillPage(
                promise: promise, entries: entries, seal: try city.batch(entries).signedSeal, receipt: receipt?.signed)
        }

        /// Presents and gives back until the registry wants nothing more now; each page twice.
        mutating func giveBack(to registry: TestRegistry) async throws {
            var standing = try await registry.store.present(presentation(), now: .noon)
            guard standing.incarnation > 0 else { return }
            call = standing.call
            standing = try await registry.store.present(presentation(), now: .noon)
            while !standing.isComplete, let page = try page(standing) {
                _ = try await registry.store.refill(page, from: city.code, now: .noon)
                standing = try await registry.store.refill(page, from: city.code, now: .noon)
            }
        }
    }

    @Test(
        "whatever was decided after the backup comes out again, byte for byte, and so do all tables", arguments: 1...4)
    func refilled(seed: Int) async throws {
        let registry = try await TestRegistry(policy: PushedJournal.policy)
        try await halfRestored(seed: UInt64(seed), registry) { journal, restored in
            try await registry.decide()
            let feed = try await registry.feed()
            var numbers = SeededGenerator(seed: UInt64(seed))
            try await restored.store.beginRecovery(reason: "test", now: .noon)
            // One city has all of the feed, the others some of it; nobody has what they have not.
            var givers: [Giver] = []
            for (index, city) in journal.cities.values.sorted(by: { $0.code < $1.code }).enumerated() {
                let applied = index == seed % 3 ? feed.count : numbers.number(below: feed.count)
                givers.append(try await Giver(city, of: registry, applied: applied))
            }
            for _ in 0..<2 { for index in givers.indices { try await givers[index].giveBack(to: restored) } }

            // The last lost entry ends the recovery; what that appends is decided next.
            for _ in 0..<2 { try await restored.decide() }

            #expect(try await restored.store.recoveryReport() == nil)
            let again = try await restored.feed()
            #expect(Array(again.prefix(feed.count)) == feed)
            #expect(again.last?.entry.kind == .registryRecovered)
            #expect(try await restored.store.feedHead().incarnation == 2)
            #expect(try await restored.store.recompute { _ in }.faults == [])
            let tables = ["claim", "claim_key", "finding", "payment", "conflict_case", "authorized_key", "member"]
            for table in tables {
                let sql = "SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM \(table) t"
                #expect(try await restored.texts(sql) == (try await registry.texts(sql)), "\(table)")
            }
        }
    }

    @Test("nothing is written, greeted or decided meanwhile; and it ends by itself where nobody is waited for")
    func closed() async throws {
        let registry = try await TestRegistry()
        var city = try await registry.join(.shenzhen)
        city.write(2)
        try await city.push(to: registry)

        try await registry.store.beginRecovery(reason: "test", now: .noon)

        func isRefused(_ body: () async throws -> Void) async -> Bool {
            do { try await body() } catch let refusal as RegistryRefusal { return refusal.code == .recovering } catch {}
            return false
        }
        #expect(try await registry.decide() == 0)
        city.write(1)
        let batch = try city.batch(3...3)
        #expect(await isRefused { _ = try await registry.receive(batch, from: city.code) })
        let hello = city.hello(nonce: .sixteen(9), knowing: city.epoch)
        #expect(await isRefused { _ = try await registry.store.greet(hello, now: .noon) })
        #expect(await isRefused { try await registry.store.setSuspended(true, .shenzhen, reason: "", now: .noon) })

        try await registry.store.acceptAbsence(of: .shenzhen, reason: "test", now: .noon)
        try await registry.decide()

        #expect(try await registry.store.recoveryReport() == nil)
        #expect(try await registry.answers(to: city).count == 2)
        #expect(try await registry.store.recompute { _ in }.faults == [])
    }

    @Test("only the registry's own word begins it: no seal by another key, and nothing that it knows already")
    func begins() async throws {
        let registry = try await TestRegistry()
        let city = try await registry.join(.shenzhen)
        try await registry.decide()
        var giver = try await Giver(city, of: registry, applied: Int(registry.store.feedHead().position))
        try await giver.giveBack(to: registry)
        #expect(try await registry.store.recoveryReport() == nil)

        await #expect(throws: RegistryRefusal.self) {
            try await registry.store.present(giver.presentation(sealedBy: .of(.shenzhen)), now: .noon)
        }
        let other = try FeedSeal(
            head: FeedHead(incarnation: 1, position: 90, hash: Digest(.feed, [1])), sealedAt: .noon
        ).signed(by: .registry)
        let known = try giver.presentation()
        let later = Presentation(city: city.code, feedSeal: other, receipt: known.receipt, call: nil)
        #expect(try await registry.store.present(later, now: .noon).incarnation == 2)
        #expect(try await registry.store.recoveryReport()?.cities.map(\.code) == [.shenzhen])
    }

    @Test("a forged feed, a foreign receipt and a page without a promise are refused, and change nothing")
    func liars() async throws {
        try await lost { registry, restored, city in
            var giver = try await Giver(city, of: registry, applied: Int(registry.store.feedHead().position))
            var standing = try await restored.store.present(giver.presentation(), now: .noon)
            let before = try await restored.receivedState()
            func refuses(_ page: RefillPage) async throws {
                await #expect(throws: RegistryRefusal.self) {
                    try await restored.store.refill(page, from: city.code, now: .noon)
                }
                #expect(try await restored.receivedState() == before)
            }
            let honest = try #require(try giver.page(standing, limit: 100))

            // Promised is what was presented, not what the page says.
            try await refuses(honest)
            giver.call = standing.call
            standing = try await restored.store.present(giver.presentation(), now: .noon)
            var entries = giver.feed.dropFirst(Int(standing.feedHead.position)).map(\.entry)
            entries[entries.count - 1].decision = .reserved
            try await refuses(
                RefillPage(promise: try giver.promise(standing), feed: entries.map { FeedCoding.encode($0).bytes }))
            let foreign = try Receipt(
                id: .sixteen(1), city: city.code, through: city.log[0].head, feedHead: .empty, receivedAt: 1
            ).signed(by: .registry)
            try await refuses(
                RefillPage(
                    promise: try giver.promise(standing), entries: Array(city.log),
                    seal: try city.batch(city.log).signedSeal, receipt: foreign))

            try await giver.giveBack(to: restored)
            for _ in 0..<2 { try await restored.decide() }
            #expect(try await restored.feed().dropLast().map(\.bytes) == (try await registry.feed().map(\.bytes)))
        }
    }

    @Test("entries whose receipt was lost are waited for when the feed answers them")
    func lostReceipt() async throws {
        try await lost { registry, restored, city in
            let giver = try await Giver(city, of: registry, applied: Int(registry.store.feedHead().position))
            let seal = try giver.presentation().feedSeal
            func presentation(_ call: SignedBytes?) -> Presentation {
                Presentation(city: city.code, feedSeal: seal, receipt: nil, call: call)
            }
            var standing = try await restored.store.present(presentation(nil), now: .noon)
            standing = try await restored.store.present(presentation(standing.call), now: .noon)
            var pages = 0
            while !standing.isComplete, let page = try giver.page(standing) {
                standing = try await restored.store.refill(page, from: city.code, now: .noon)
                pages += 1
            }
            for _ in 0..<2 { try await restored.decide() }

            #expect(pages == 2)
            #expect(try await restored.store.recoveryReport() == nil)
            #expect(try await restored.answers(to: city).count == 3)
        }
    }

    @Test("no more cities may be absent than an authorisation has witnesses")
    func absences() async throws {
        let registry = try await TestRegistry()
        for code in [CityCode.shenzhen, .hangzhou] { _ = try await registry.join(code) }
        try await registry.decide()
        try await registry.store.beginRecovery(reason: "test", now: .noon)
        try await registry.store.acceptAbsence(of: .shenzhen, reason: "test", now: .noon)

        let refusal = await #expect(throws: RegistryRefusal.self) {
            try await registry.store.acceptAbsence(of: .hangzhou, reason: "test", now: .noon)
        }
        #expect(refusal?.message.contains("1 witness") ?? false)
        #expect(try await registry.store.recoveryReport()?.phase == "collecting")
    }

    /// Pushes a journal to the registry; half-way a copy is made, which is what is restored in the end.
    private func halfRestored(
        seed: UInt64, _ registry: TestRegistry, _ body: (PushedJournal, TestRegistry) async throws -> Void
    ) async throws {
        let database = TestDatabase.current
        var copies: [TestDatabase] = []
        let journal = try await PushedJournal(
            seed: seed, length: 120, decidesMeanwhile: true, registry: registry,
            atHalf: { _ in copies.append(try await database.copied()) })
        let copy = try #require(copies.first)
        try await body(journal, TestRegistry(opening: copy.pool))
        try await copy.drop()
    }

    /// A registry that has decided three entries of a city, and one in recovery that knows nothing of them.
    private func lost(_ body: (TestRegistry, TestRegistry, TestCity) async throws -> Void) async throws {
        let registry = try await TestRegistry()
        var city = try await registry.join(.shenzhen)
        try await registry.decide()
        try await TestDatabase.current.copied { copy in
            city.write(3)
            try await city.push(to: registry)
            try await registry.decide()
            let restored = TestRegistry(opening: copy.pool)
            try await restored.store.beginRecovery(reason: "test", now: .noon)
            try await body(registry, restored, city)
        }
    }
}
