import Arbitration
import FederationWire
import Replication
import TestSupport
import Testing
import VoucherDomain

@testable import RegistryStore

/// What a tick repeats of what cities have sealed, and what it is decided on.
@Suite("Ticks", .registryDatabase)
struct TickTests {
    private static let second: UInt64 = 1_000

    private func feedPosition(of city: TestCity, _ registry: TestRegistry) async throws -> Int64? {
        try await registry.numbers("SELECT feed_position FROM member WHERE city_code = \(city.code.rawValue)").first
    }

    private func tick(_ registry: TestRegistry) async throws -> RegistryStore.TickReport {
        let report = try await registry.store.tickIfDue(now: .noon + 9 * Self.second, sinceLast: 600_000)
        try await registry.decide()
        return report
    }

    @Test("a tick that waits behind a city's suspension authorises what had waited for that city")
    func behindASuspension() async throws {
        let registry = try await TestRegistry()
        var city = try await registry.join(.shenzhen)
        _ = try await registry.join(.hangzhou)
        city.issue(.sample("V1"))
        city.file(.sample("A", invoices: [.serial(1)]))
        city.request("A")
        try await city.push(to: registry)
        try await registry.decide()
        try #require(try await registry.store.payments(stage: .requested, after: 0, limit: 9).count == 1)

        try await registry.store.setSuspended(true, .hangzhou, reason: "test", now: .noon)
        try await registry.act(.ticked(TickAct(wallMilliseconds: Int64(UInt64.noon + 9 * Self.second))))
        try await registry.decide()

        let payments = try await registry.store.payments(stage: nil, after: 0, limit: 9)
        #expect(payments.map(\.stage) == [.authorized])
        #expect(try await registry.store.recompute { _ in }.faults == [])
    }

    /// The dwell of ``CappedPolicy``, counted from the first of two ticks.
    private func passDwell(_ registry: TestRegistry) async throws {
        for _ in 0..<2 {
            try await registry.act(
                .ticked(TickAct(wallMilliseconds: Int64(UInt64.noon), intervalMilliseconds: 300_000)))
            try await registry.decide()
        }
    }

    @Test("a tick authorises as many requests as it may, past one that waits for other money, and the next the rest")
    func manyRequests() async throws {
        let registry = try await TestRegistry(policy: CappedPolicy.document(yearCap: .yuan(1_000_000)))
        var city = try await registry.join(.shenzhen)
        var other = try await registry.join(.hangzhou)
        city.issue(.sample("V1"))
        city.file(.sample("X", invoices: [.serial(1)]))
        city.request("X")
        try await city.push(to: registry)
        try await registry.decide()
        try await passDwell(registry)
        other.issue(.sample("V1"))
        other.file(.sample("B", invoices: [.serial(1, .yuan(100), .paper)]))
        try await other.push(to: registry)
        try await registry.decide()
        try await registry.rule(
            for: ClaimName(city: .hangzhou, number: "B"), against: ClaimName(city: .shenzhen, number: "X"))
        let numbers = (1...Fold.mostPerTick + 20).map { "C\($0)" }
        for (index, number) in numbers.enumerated() {
            other.file(.sample(number, invoices: [.serial(100 + index)]))
        }
        other.request("B")
        for number in numbers { other.request(number) }
        try await other.push(to: registry)
        try await registry.decide()
        try #require(try await registry.store.payments(stage: .authorized, after: 0, limit: 9).count == 1)

        try await passDwell(registry)
        let first = try await registry.store.payments(stage: .authorized, after: 0, limit: 1_000).count
        try await registry.act(.ticked(TickAct(wallMilliseconds: Int64(UInt64.noon))))
        try await registry.decide()
        let waiting = try await registry.store.payments(stage: .requested, after: 0, limit: 1_000)

        #expect(first == 1 + Fold.mostPerTick)
        #expect(waiting.map(\.claim.number) == ["B"])
        #expect(try await registry.store.recompute { _ in }.faults == [])
    }

    @Test("a later batch outranks a report whose clock was ahead")
    func laterSeal() async throws {
        let registry = try await TestRegistry()
        var city = try await registry.join(.shenzhen)
        city.issue(.sample("V1"))
        try await city.push(to: registry)
        try await registry.decide()
        let ahead = HybridTime(milliseconds: .noon + 200 * Self.second)
        _ = try await registry.receive(city.emptyBatch(watermark: ahead), from: city.code)

        city.feedHead = try await registry.store.feedHead()
        city.append(
            .nodeStarted, PayloadCoding.encodeNodeStart(processNonce: city.nonce, software: "test"),
            time: HybridTime(milliseconds: .noon + 201 * Self.second))
        try await city.push(to: registry)
        try await registry.decide()
        let report = try await tick(registry)

        #expect(report.isAppended)
        #expect(try await feedPosition(of: city, registry) == Int64(city.feedHead.position))
    }

    @Test("what one entry has no room for is told tick by tick, as in the whole fold, in feed entries below 4 MiB")
    func manyCases() async throws {
        let registry = try await TestRegistry()
        var city = try await registry.join(.shenzhen)
        city.issue(.sample("V1"))
        for number in 1...(Fold.mostCasesTold + 50) {
            city.file(.sample("C\(number)", invoices: [.serial(number)], receipt: "R1"))
        }
        city.withdraw("C1")
        try await city.push(to: registry)
        try await registry.decide()
        let waiting = "SELECT count(*) FROM conflict_case WHERE state = 'open' OR untold IS NOT NULL"
        try #require(
            try await registry.numbers("SELECT count(*) FROM conflict_case WHERE untold IS NOT NULL") != [0])

        let inAMonth = UInt64.noon + 30 * 86_400 * Self.second
        var ticks = 0
        while try await registry.store.tickIfDue(now: inAMonth, sinceLast: 0).isAppended {
            try await registry.decide()
            ticks += 1
            try #require(ticks < 10)
        }

        #expect(ticks > 1)
        #expect(try await registry.numbers(waiting) == [0])
        #expect(try await registry.feed().allSatisfy { $0.bytes.count < 4 << 20 })
        #expect(try await registry.store.recompute { _ in }.faults == [])
    }

    @Test("a city that has sealed a feed head of another feed is named, and what it sealed does not count")
    func stranger() async throws {
        let registry = try await TestRegistry()
        var city = try await registry.join(.shenzhen)
        city.feedHead = FeedHead(incarnation: 1, position: 2, hash: Digest(.feed, [7]))
        city.issue(.sample("V1"))
        try await city.push(to: registry)
        try await registry.decide()

        let report = try await tick(registry)

        #expect(report.strangers == [.shenzhen])
        #expect(try await feedPosition(of: city, registry) == 0)
    }
}
