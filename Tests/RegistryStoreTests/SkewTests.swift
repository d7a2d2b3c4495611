import Arbitration
import FederationWire
import Replication
import TestSupport
import Testing
import VoucherDomain

@testable import RegistryStore

/// Builds of two ages at work together (FAULTS.md, F23). The older one is this build without some of its kinds, or this
/// build with another one that offers a version and a kind more: the production code in both parts.
@Suite("Builds of two versions", .registryDatabase)
struct SkewTests {
    /// This build as it was before these kinds.
    private func before(_ kinds: EntryKind...) -> Dialect {
        Dialect(versions: [1], kinds: Dialect.current.kinds.subtracting(kinds))
    }

    /// The next build: a version and a kind more.
    private static let next = Dialect(versions: [1, 2], kinds: Dialect.current.kinds.union([.future]))

    private func open(_ dialect: Dialect) -> TestRegistry {
        TestRegistry(opening: TestDatabase.current.pool, dialect: dialect)
    }

    /// Lets a registry that was just updated decide what the build before it could not read.
    private func update(_ registry: TestRegistry) async throws {
        for _ in 0..<20 {
            let more = try await registry.store.readAgain(now: .noon)
            try await registry.decide()
            if !more { return }
        }
        Issue.record("reading again does not come to an end")
    }

    private func decisions(_ registry: TestRegistry, _ city: TestCity) async throws -> [Outcome.Decision] {
        try await registry.answers(to: city).map(\.entry.decision)
    }

    /// That everybody with the logs comes to the same decisions, under each build.
    private func expectSound(_ dialects: Dialect...) async throws {
        for dialect in dialects {
            #expect(try await open(dialect).store.recompute { _ in }.faults == [])
            #expect(try await open(dialect).store.verify { _ in }.faults == [])
        }
    }

    // MARK: Versions

    @Test(
        "the highest version that both sides speak is chosen, whichever of them is the newer",
        arguments: [
            (registry: [1], city: [1, 2], chosen: 1), ([1, 2], [1], 1), ([1, 2], [1, 2], 2), ([1, 2, 3], [2, 1], 2),
            ([2, 3], [3, 4], 3), ([1], [1, 70_000], 1),
        ] as [(registry: [UInt32], city: [UInt32], chosen: UInt32)])
    func chosen(registry versions: [UInt32], city offered: [UInt32], chosen: UInt32) async throws {
        let old = try await TestRegistry()
        let city = try await old.join(.shenzhen, nonce: .sixteen(1))
        let registry = open(Dialect(versions: versions, kinds: Dialect.current.kinds))

        // Of a process that is known and of a new one.
        for nonce in [UInt8(1), 2] {
            let hello = city.hello(versions: offered, nonce: .sixteen(nonce), knowing: city.epoch)
            let grant = try Grant(
                try await registry.store.greet(hello, now: .noon).grant, by: SigningKey.registry.publicKey)
            #expect(grant.version == chosen)
        }
    }

    @Test("an update of one side changes the version at the next hello, and going back changes it back")
    func upAndDown() async throws {
        let registry = try await TestRegistry()
        let city = try await registry.join(.shenzhen, nonce: .sixteen(1))
        var chosen: [UInt32] = []
        for (dialect, offered) in [
            (Dialect.current, [1]), (.current, [1, 2]), (Self.next, [1, 2]), (Self.next, [1]), (Self.next, [1, 2]),
            (.current, [1, 2]),
        ] as [(Dialect, [UInt32])] {
            let hello = city.hello(versions: offered, nonce: .sixteen(1), knowing: city.epoch)
            let answer = try await open(dialect).store.greet(hello, now: .noon)
            chosen.append(try Grant(answer.grant, by: SigningKey.registry.publicKey).version)
        }

        #expect(chosen == [1, 1, 2, 1, 2, 1])
    }

    @Test("builds without a common version part, and each side is told what the other speaks")
    func parted() async throws {
        let old = try await TestRegistry()
        let city = try await old.join(.shenzhen, nonce: .sixteen(1))
        let registry = open(Dialect(versions: [2, 3], kinds: Dialect.current.kinds))
        let before = try await registry.receivedState()

        let fault = await #expect(throws: HelloReview.Fault.self) {
            try await registry.store.greet(city.hello(nonce: .sixteen(2), knowing: city.epoch), now: .noon)
        }
        #expect(fault == .noCommonVersion(offered: [1], spoken: [2, 3]))
        #expect(fault?.message.contains("[1]") == true && fault?.message.contains("[2, 3]") == true)
        #expect(try await registry.receivedState() == before)
    }

    // MARK: Kinds

    /// A registry that does not know claims, and a city of a newer build that files some between other entries.
    private func filedTooEarly() async throws -> (registry: TestRegistry, city: TestCity) {
        _ = try await TestRegistry()
        let registry = open(before(.claimFiled, .invoiceReversed))
        var city = try await registry.join(.shenzhen)
        let entries: [(EntryKind, [UInt8])] = [
            (.voucherIssued, PayloadCoding.encode(Voucher.sample("V1"))),
            (.claimFiled, PayloadCoding.encode(Claim.sample("A", contract: "HT-1", invoices: [.serial(1)]))),
            (.future, [0xFF, 0x00, 0xFF]),
            (.nodeStarted, PayloadCoding.encodeNodeStart(processNonce: .sixteen(7), software: "test")),
            (.claimFiled, PayloadCoding.encode(Claim.sample("B", contract: "HT-2", invoices: [.serial(2)]))),
            (.voucherIssued, PayloadCoding.encode(Voucher.sample("V2"))),
        ]
        for (index, (kind, payload)) in entries.enumerated() {
            city.append(kind, payload, time: HybridTime(milliseconds: .noon + 1 + UInt64(index)))
        }
        #expect(try await city.push(to: registry).answers == .init(repeating: .accepted, count: 6))
        try await registry.decide()
        return (registry, city)
    }

    @Test("an older registry keeps what it cannot read, byte for byte, says so, and decides all else")
    func olderRegistry() async throws {
        let (registry, city) = try await filedTooEarly()

        let expected: [Outcome.Decision] = [.noted, .unsupported, .unsupported, .noted, .unsupported, .noted]
        #expect(try await decisions(registry, city) == expected)
        #expect(try await registry.log(of: .shenzhen).map(\.bytes) == city.log.map(\.bytes))
        let page = try await registry.store.ownLog(LogRequest(after: .empty, limit: 100), of: .shenzhen)
        #expect(page.entries.map(\.bytes) == city.log.map(\.bytes))
        let unread = try await registry.store.unread()
        #expect(unread.map(\.kind) == [.claimFiled, .future])
        #expect(unread.map(\.entries) == [2, 1])
        #expect(unread.allSatisfy { $0.city == .shenzhen && !$0.isRead })
        #expect(try await registry.store.claims(.init(), after: 0, limit: 10).isEmpty)
        // Neither build may read into the past what the other did not.
        try await expectSound(.current, before(.claimFiled, .invoiceReversed), Self.next)
    }

    @Test("it reads nothing again that it cannot read")
    func nothingToRead() async throws {
        let (registry, city) = try await filedTooEarly()
        let before = try await decisions(registry, city)

        #expect(try await registry.store.readAgain(now: .noon) == false)
        #expect(try await registry.decide() == 0)
        #expect(try await decisions(registry, city) == before)
    }

    @Test("after its update the registry decides what it had kept, in its order, each once")
    func updated() async throws {
        let (_, city) = try await filedTooEarly()
        let registry = open(.current)
        try await update(registry)

        let answers = try await registry.answers(to: city)
        #expect(answers.count == 8)
        let again = answers.filter { !$0.entry.registryEntry.isEmpty }.sorted { $0.entry.position < $1.entry.position }
        #expect(again.map(\.entry.answers) == [city.log[1].head, city.log[4].head])
        #expect(again.map(\.entry.decision) == [.reserved, .reserved])
        #expect(again.allSatisfy { !$0.entry.taken.isEmpty })
        let claims = try await registry.store.claims(.init(), after: 0, limit: 10)
        #expect(claims.map(\.name.number) == ["A", "B"])
        #expect(claims.allSatisfy { $0.state == .reserved })
        let unread = try await registry.store.unread()
        #expect(unread.map(\.kind) == [.future])
        #expect(try await registry.store.readAgain(now: .noon) == false)
        #expect(try await registry.decide() == 0)
        try await expectSound(.current, Self.next)
    }

    @Test("what the city says of later times counts once nothing of it is unread")
    func watermarks() async throws {
        let since = "SELECT coalesce(unsupported_since_ms, 0) FROM member WHERE city_code = 440300"
        let (old, city) = try await filedTooEarly()
        #expect(try await old.numbers(since) == [Int64(city.log[1].time.milliseconds)])

        try await update(open(.current))
        #expect(try await old.numbers(since) == [Int64(city.log[2].time.milliseconds)])
        try await update(open(Self.next))
        #expect(try await old.numbers(since) == [0])
        #expect(try await old.store.unread().isEmpty)
        try await expectSound(Self.next)
    }

    @Test("of two claims that were kept the first to be received wins, and one filed since loses to both")
    func order() async throws {
        _ = try await TestRegistry()
        let old = open(before(.claimFiled))
        var (first, second) = (try await old.join(.beijing), try await old.join(.shenzhen))
        for (number, city) in [("BJ", 0), ("SZ", 1)] {
            let claim = Claim.sample(number, contract: "HT-\(number)", invoices: [.serial(7)])
            if city == 0 {
                first.issue(.sample("V1"))
                first.file(claim)
                try await first.push(to: old)
            } else {
                second.issue(.sample("V1"))
                second.file(claim)
                try await second.push(to: old)
            }
            try await old.decide()
        }
        let registry = open(.current)
        try await update(registry)
        second.file(.sample("SZ2", contract: "HT-3", invoices: [.serial(7)]))
        try await second.push(to: registry)
        try await registry.decide()

        let claims = try await registry.store.claims(.init(), after: 0, limit: 10)
        let states = claims.map { "\($0.name.number) \($0.state)" }
        #expect(states == ["BJ reserved", "SZ refused", "SZ2 refused"])
        try await expectSound(.current)
    }

    @Test("a registry that is updated while it reads again, or asked twice, decides nothing twice")
    func twice() async throws {
        let (_, city) = try await filedTooEarly()
        let registry = open(.current)
        for _ in 0..<3 { _ = try await registry.store.readAgain(now: .noon) }
        try await update(registry)

        #expect(try await registry.answers(to: city).count == 8)
        #expect(try await registry.log(of: .registry).count { $0.kind == .entryRead } == 2)
    }

    @Test("a registry that was restored to before its update comes to the same feed from what cities hold")
    func restored() async throws {
        _ = try await TestRegistry()
        let old = open(before(.claimFiled))
        var city = try await old.join(.shenzhen)
        city.issue(.sample("V1"))
        city.file(.sample("A", contract: "HT-1", invoices: [.serial(1)]))
        try await city.push(to: old)
        try await old.decide()
        try await TestDatabase.current.copied { copy in
            city.file(.sample("B", contract: "HT-2", invoices: [.serial(2)]))
            city.write(1)
            try await city.push(to: old)
            try await old.decide()
            let registry = open(.current)
            try await update(registry)
            city.file(.sample("C", contract: "HT-3", invoices: [.serial(2)]))
            try await city.push(to: registry)
            try await registry.decide()

            let restored = TestRegistry(opening: copy.pool)
            try await restored.store.beginRecovery(reason: "test", now: .noon)
            var giver = try await GivingCity(
                city, of: registry, applied: Int(registry.store.feedHead().position))
            try await giver.giveBack(to: restored)
            for _ in 0..<2 { try await restored.decide() }

            #expect(try await restored.store.recoveryReport() == nil)
            #expect(try await restored.feed().dropLast().map(\.bytes) == (try await registry.feed().map(\.bytes)))
            #expect(try await restored.store.recompute { _ in }.faults == [])
        }
    }

    @Test("an entry that the database will not take is answered invalid when it is read again, and the others go on")
    func poison() async throws {
        let (_, city) = try await filedTooEarly()
        let registry = open(.current)
        try await registry.run("ALTER TABLE claim ADD CONSTRAINT poison CHECK (claim_no <> 'A')")
        let arbiter = Arbiter(store: registry.store)
        try #require(try await arbiter.acquire())
        _ = try await registry.store.readAgain(now: .noon)
        for _ in 0..<50 {
            if try await registry.numbers("SELECT 1::bigint FROM batch WHERE NOT folded").isEmpty { break }
            _ = try await arbiter.decide()
        }
        await arbiter.release()

        let again = try await registry.answers(to: city).filter { !$0.entry.registryEntry.isEmpty }
        #expect(again.map(\.entry.decision) == [.invalid, .reserved])
        try await expectSound(.current)
    }
}
