import Arbitration
import FederationWire
import RegistrySchema
import Replication
import TestSupport
import Testing
import VoucherDomain

@testable import RegistryStore

@Suite("Lifetime of keys", .registryDatabase)
struct KeyLifetimeTests {
    private static let day: UInt64 = 86_400_000

    private func summary(
        _ registry: TestRegistry, of city: CityCode = .shenzhen
    ) async throws -> RegistryStore.CitySummary {
        try #require(try await registry.store.cities().first { $0.code == city })
    }

    /// Lets Shenzhen join with a secret, under a key of its own.
    private func join(_ registry: TestRegistry, _ secret: [UInt8], now: UInt64, nonce: UInt8 = 9) async throws {
        _ = try await registry.store.join(
            JoinRequest(
                city: .shenzhen, secret: secret, publicKey: SigningKey().publicKey, processNonce: .sixteen(nonce)),
            now: now)
    }

    @Test("a key counts from the join that brought it, for two years; a new one counts anew, once it is joined with")
    func dated() async throws {
        let registry = try await TestRegistry()
        _ = try await registry.store.enroll(.beijing, name: "北京", expiresAt: .noon + 10, now: .noon)
        _ = try await registry.join(.shenzhen)
        let enrolled = try await summary(registry, of: .beijing)
        #expect(enrolled.keySince == nil)
        #expect(enrolled.keyUntil == nil)

        let later = UInt64.noon + 700 * Self.day
        let (_, secret) = try await registry.store.rotateKey(.shenzhen, expiresAt: later + 10)
        let waiting = try await summary(registry)
        #expect(waiting.keySince == .noon)
        #expect(waiting.keyUntil == Expiry(rawValue: .noon + 730 * Self.day))

        try await join(registry, secret, now: later)
        let rotated = try await summary(registry)
        #expect(rotated.keySince == later)
        #expect(rotated.keyUntil == Expiry(rawValue: later + 730 * Self.day))
    }

    @Test("the lifetime is one for all keys and for every process on the database, and a hello says the day")
    func lifetime() async throws {
        let registry = try await TestRegistry()
        let city = try await registry.join(.shenzhen, nonce: .sixteen(1))

        try await registry.store.setKeyLifetime(days: 30)

        let other = TestRegistry(opening: TestDatabase.current.pool)
        let until = Expiry(rawValue: .noon + 30 * Self.day)
        #expect(try await summary(other).keyUntil == until)
        let answer = try await other.store.greet(city.hello(nonce: .sixteen(1), knowing: city.epoch), now: .noon)
        // As it travels.
        #expect(try HelloAnswer(answer.encoded(as: .protobuf), as: .protobuf).keyUntil == until)
    }

    @Test("a lifetime has 1 to 36500 days", arguments: [Int.min, 0, 36_501, .max])
    func limits(days: Int) async throws {
        let registry = try await TestRegistry()
        for allowed in [1, 36_500] {
            try await registry.store.setKeyLifetime(days: allowed)

            let refusal = await #expect(throws: RegistryRefusal.self) {
                try await registry.store.setKeyLifetime(days: days)
            }
            #expect(refusal?.code == .invalid)
            #expect(try await registry.numbers("SELECT key_lifetime_days FROM registry") == [Int64(allowed)])
        }
    }

    @Test("a key that is past its day is refused nothing: it greets, pushes, is decided, and reads the feed")
    func past() async throws {
        let registry = try await TestRegistry()
        var city = try await registry.join(.shenzhen)
        try await registry.run("UPDATE city SET key_since_ms = 0 WHERE city_code <> 0")
        #expect(try await summary(registry).keyUntil?.stage(now: .noon) == .over)

        let hello = city.hello(nonce: .sixteen(2), knowing: city.epoch)
        let answer = try await registry.store.greet(hello, now: .noon)
        city.epoch = try Grant(answer.grant, by: SigningKey.registry.publicKey).epoch
        city.issue(.sample("V1"))
        #expect(try await city.push(to: registry).answers == [.accepted])
        try await registry.decide()
        #expect(try await registry.answers(to: city).map(\.entry.decision) == [.noted])
        let request = FeedRequest(after: .empty, limit: 100, wait: .zero, sessionEpoch: city.epoch)
        let page = try await registry.store.feed(request, city: .shenzhen, now: .noon)
        #expect(page.entries.count == (try await registry.feed().count))
        #expect(try await registry.store.verify { _ in }.faults == [])
    }

    @Test("the keys of an older build are dated by the registry's own log, whatever its clock said in between")
    func migrated() async throws {
        let registry = try await TestRegistry()
        for code in [CityCode.shenzhen, .beijing] { _ = try await registry.join(code) }
        // From here on the log's own time is years ahead.
        try await registry.store.setSuspended(true, .beijing, reason: "test", now: .noon + 9_000 * Self.day)
        let (_, secret) = try await registry.store.rotateKey(.shenzhen, expiresAt: .noon + 8 * Self.day)
        try await join(registry, secret, now: .noon + 7 * Self.day)
        let sql = "SELECT key_since_ms FROM city ORDER BY city_code"
        let before = try await registry.numbers(sql)
        #expect(before == [0, UInt64.noon, UInt64.noon + 7 * Self.day].map { Int64($0) })

        try await registry.run(
            """
            ALTER TABLE city DROP COLUMN key_since_ms;
            ALTER TABLE registry DROP COLUMN key_lifetime_days, DROP COLUMN certificate_until_ms;
            DELETE FROM schema_migration WHERE id = '\(RegistrySchema.keyLifetime)'
            """)
        let done = try await registry.store.migrate(policyDocument: [], now: .noon)

        #expect(done == [RegistrySchema.keyLifetime])
        #expect(try await registry.numbers(sql) == before)
    }

    @Test("a registry that was restored dates the keys by what comes back of its own log")
    func recovered() async throws {
        let registry = try await TestRegistry()
        let other = try await registry.join(.hangzhou)
        let secret = try await registry.store.enroll(.shenzhen, name: "深圳", expiresAt: .later, now: .noon)
        try await registry.decide()
        try await TestDatabase.current.copied { copy in
            let joined = UInt64.noon + Self.day
            try await join(registry, secret, now: joined)
            try await registry.decide()
            let restored = TestRegistry(opening: copy.pool)
            #expect(try await summary(restored).keySince == nil)

            try await restored.store.beginRecovery(reason: "test", now: .later)
            var giver = try await GivingCity(other, of: registry)
            try await giver.giveBack(to: restored)
            try await restored.store.acceptAbsence(of: .shenzhen, reason: "test", now: .later)
            try await restored.expectRecovered()

            #expect(try await summary(restored).keySince == joined)
        }
    }

    @Test("the end of the operators' own certificate is kept for the verbs, and none of one that servers make")
    func certificate() async throws {
        let registry = try await TestRegistry()
        for until in [Expiry(rawValue: .noon), nil] {
            try await registry.store.setAdvertised(
                url: "https://registry.example", trustAnchor: [1], certificateUntil: until)

            let advertised = try #require(try await registry.store.advertised())
            #expect(advertised.certificateUntil == until)
        }
    }
}
