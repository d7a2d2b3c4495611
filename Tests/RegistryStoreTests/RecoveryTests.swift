import Arbitration
import FederationWire
import PostgresClient
import Replication
import TestSupport
import Testing
import VoucherDomain

@testable import RegistryStore

@Suite("A registry that was restored", .registryDatabase)
struct RecoveryTests {
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
            var givers: [GivingCity] = []
            for (index, city) in journal.cities.values.sorted(by: { $0.code < $1.code }).enumerated() {
                let applied = index == seed % 3 ? feed.count : numbers.number(below: feed.count)
                // An answer to a push may have been lost: the next receipt is for more than one batch.
                givers.append(
                    try await GivingCity(city, of: registry, applied: applied) { _ in !numbers.once(in: 4) })
            }
            // Each shows what it has; the one that has most gives the feed; then comes what no receipt vouches for.
            for _ in 0..<3 { for index in givers.indices { try await givers[index].giveBack(to: restored) } }

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
        var other = try await GivingCity(registry.join(.hangzhou), of: registry, applied: 0)
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

        try await other.giveBack(to: registry)
        #expect(try await registry.decide() == 0)
        try await registry.store.acceptAbsence(of: .shenzhen, reason: "test", now: .noon)
        try await registry.decide()

        #expect(try await registry.store.recoveryReport() == nil)
        #expect(try await registry.answers(to: city).count == 2)
        #expect(try await registry.store.recompute { _ in }.faults == [])
    }

    @Test("a join that comes again and the question for a city's log wait as well, and get the same answer afterwards")
    func closedToReaders() async throws {
        let registry = try await TestRegistry()
        let secret = try await registry.store.enroll(.shenzhen, name: "深圳", expiresAt: .noon + 10, now: .noon)
        func request(_ code: CityCode) -> JoinRequest {
            JoinRequest(
                city: code, secret: secret, publicKey: SigningKey.of(code).publicKey, processNonce: .sixteen(1))
        }
        let key = SigningKey.registry.publicKey
        let grant = try Grant(try await registry.store.join(request(.shenzhen), now: .noon).grant, by: key)
        try await registry.decide()
        try await registry.store.beginRecovery(reason: "test", now: .noon)

        // Also of a city that the registry does not know, perhaps any more.
        for code in [CityCode.shenzhen, .beijing] {
            let refusal = await #expect(throws: RegistryRefusal.self) {
                try await registry.store.join(request(code), now: .noon)
            }
            #expect(refusal?.code == .recovering)
        }
        let refusal = await #expect(throws: RegistryRefusal.self) {
            try await registry.store.ownLog(LogRequest(after: .empty, limit: 1), of: .shenzhen)
        }
        #expect(refusal?.code == .recovering)

        let city = TestCity(.shenzhen, key: .of(.shenzhen), epoch: grant.epoch, nonce: .sixteen(1))
        var giver = try await GivingCity(city, of: registry, applied: 0)
        try await giver.giveBack(to: registry)
        try await registry.expectRecovered()
        let again = try await registry.store.join(request(.shenzhen), now: .noon)
        #expect(try Grant(again.grant, by: key) == grant)
        let page = try await registry.store.ownLog(LogRequest(after: .empty, limit: 1), of: .shenzhen)
        #expect(page.grantedEpoch == grant.epoch)
    }

    @Test("only the registry's own word begins it: no seal by another key, and nothing that it knows already")
    func begins() async throws {
        let registry = try await TestRegistry()
        let city = try await registry.join(.shenzhen)
        try await registry.decide()
        var giver = try await GivingCity(city, of: registry, applied: Int(registry.store.feedHead().position))
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
        try await TestRegistry.lost { registry, restored, city in
            var giver = try await GivingCity(city, of: registry, applied: Int(registry.store.feedHead().position))
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
            standing = try await restored.store.present(giver.presentation(), now: .noon)
            #expect(!standing.wantsFeed)
            #expect(try await restored.store.recoveryReport()?.problem?.contains("does not end in the head") ?? false)
            let foreign = try Receipt(
                id: .sixteen(1), city: city.code, through: city.log[0].head, feedHead: .empty, receivedAt: 1
            ).signed(by: .registry)
            try await refuses(
                RefillPage(
                    promise: try giver.promise(standing), entries: Array(city.log),
                    seal: try city.batch(city.log).signedSeal, receipt: foreign))

            // It is not asked again in this recovery.
            try await restored.store.beginRecovery(reason: "test", now: .noon)
            try await giver.giveBack(to: restored)
            for _ in 0..<2 { try await restored.decide() }
            #expect(try await restored.feed().dropLast().map(\.bytes) == (try await registry.feed().map(\.bytes)))
        }
    }

    @Test("entries whose receipt was lost are waited for when the feed answers them")
    func lostReceipt() async throws {
        try await TestRegistry.lost { registry, restored, city in
            let giver = try await GivingCity(city, of: registry, applied: Int(registry.store.feedHead().position))
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

    @Test(
        "entries are decided again as of the time at which they were first received, whatever receipts are left",
        arguments: [[1, 3], [3], []])
    func receivedTimes(receipts: [UInt64]) async throws {
        try await TestRegistry.lost(pushes: [.noon + 1, .noon + 2]) { registry, restored, city in
            let applied = Int(try await registry.store.feedHead().position)
            var giver = try await GivingCity(city, of: registry, applied: applied, hasReceipt: receipts.contains)
            try await giver.giveBack(to: restored)
            for _ in 0..<2 { try await restored.decide() }

            #expect(try await restored.store.recoveryReport() == nil)
            let times = try await restored.answers(to: city).map(\.entry.receivedAt)
            #expect(times == [.noon + 1, .noon + 2, .noon + 2])
            #expect(try await restored.store.recompute { _ in }.faults == [])
            #expect(try await restored.store.verify { _ in }.faults == [])
        }
    }

    @Test("a clock that was ahead once is in the time of that one act, and no later one, also after a recovery")
    func clockAhead() async throws {
        let registry = try await TestRegistry()
        let city = try await registry.join(.shenzhen)
        try await registry.decide()
        try await TestDatabase.current.copied { copy in
            let times: [UInt64] = [.noon + 20 * 365 * 86_400_000, .noon + 1]
            for (isSuspended, now) in zip([true, false], times) {
                try await registry.store.setSuspended(isSuspended, .shenzhen, reason: "test", now: now)
            }
            try await registry.decide()
            let feed = try await registry.feed()
            #expect(feed.suffix(2).map(\.entry.receivedAt) == times)

            let restored = TestRegistry(opening: copy.pool)
            try await restored.store.beginRecovery(reason: "test", now: .noon)
            var giver = try await GivingCity(city, of: registry)
            try await giver.giveBack(to: restored)
            try await restored.expectRecovered()
            #expect(Array(try await restored.feed().prefix(feed.count)) == feed)
        }
    }

    @Test("no more cities may be absent than any policy has witnesses, and one must come")
    func absences() async throws {
        let registry = try await TestRegistry()
        for code in [CityCode.shenzhen, .hangzhou, .beijing] { _ = try await registry.join(code) }
        try await registry.act(.policyPublished(version: 2, document: CappedPolicy.document(version: 2, witnesses: 3)))
        try await registry.decide()
        try await registry.store.beginRecovery(reason: "test", now: .noon)
        func refusal(_ code: CityCode) async -> String {
            let refusal = await #expect(throws: RegistryRefusal.self) {
                try await registry.store.acceptAbsence(of: code, reason: "test", now: .noon)
            }
            return refusal?.message ?? ""
        }
        try await registry.store.acceptAbsence(of: .shenzhen, reason: "test", now: .noon)

        #expect(await refusal(.hangzhou).contains("1 witness"))
        #expect(try await registry.store.recoveryReport()?.phase == "collecting")
        try await registry.run("DELETE FROM recovery_city WHERE city_code <> \(CityCode.hangzhou.rawValue)")
        #expect(await refusal(.hangzhou).contains("no city would be left"))
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
}
