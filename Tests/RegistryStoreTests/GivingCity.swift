import FederationWire
import PostgresClient
import Replication
import TestSupport
import Testing
import VoucherDomain

@testable import RegistryStore

/// The feed as far as a city has it, and its own log with the receipts: what it gives back, as the city node does.
struct GivingCity {
    let city: TestCity
    let feed: [SealedFeedEntry]
    let receipts: [(through: LogHead, signed: SignedBytes)]
    var call: SignedBytes?

    /// - Parameters:
    ///   - applied: How many entries of the feed the city has applied.
    ///   - hasReceipt: Which of the receipts have reached it, by the entry that they end at.
    init(
        _ city: TestCity, of registry: TestRegistry, applied: Int, hasReceipt: (UInt64) -> Bool = { _ in true }
    ) async throws {
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
            .filter { hasReceipt($0.0.sequence) }
    }

    /// A city that has applied all of the feed.
    init(_ city: TestCity, of registry: TestRegistry) async throws {
        try await self.init(city, of: registry, applied: .max)
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
        // A registry that is open asks for no new promise.
        let signed = try #require(standing.call ?? call)
        let promise = try RecoveryCall(signed, by: SigningKey.registry.publicKey).incarnation
        let start = Int(standing.feedHead.position)
        if standing.wantsFeed, start < feed.count {
            let isKnown = start == 0 || feed[start - 1].hash == standing.feedHead.hash
            let part = isKnown ? feed.dropFirst(start).prefix(limit) : feed[(start - 1)..<start]
            return RefillPage(promise: promise, feed: part.map(\.bytes))
        }
        let from = Int(standing.logHead.sequence)
        guard from < city.log.count else { return nil }
        let receipt = receipts.first { $0.through.sequence > standing.logHead.sequence }
        let entries = Array(city.log[from..<(receipt.map { Int($0.through.sequence) } ?? city.log.count)])
        return RefillPage(
            promise: promise, entries: entries, seal: try city.batch(entries).signedSeal, receipt: receipt?.signed)
    }

    /// Presents, promises and presents again.
    mutating func present(to registry: TestRegistry, now: UInt64 = .later) async throws -> RecoveryStanding {
        let standing = try await registry.store.present(presentation(), now: now)
        guard let signed = standing.call else { return standing }
        call = signed
        return try await registry.store.present(presentation(), now: now)
    }

    /// Presents and gives back until the registry wants nothing more now; each page twice.
    mutating func giveBack(to registry: TestRegistry) async throws {
        var standing = try await present(to: registry)
        guard standing.incarnation > 0 || standing.wantsFeed else { return }
        do {
            while !standing.isComplete, let page = try page(standing) {
                let earlier = standing
                _ = try await registry.store.refill(page, from: city.code, now: .later)
                standing = try await registry.store.refill(page, from: city.code, now: .later)
                if standing.asksAgain(as: earlier) { break }
            }
        } catch let refusal as RegistryRefusal where refusal.code == .recovering {}
    }
}

extension TestRegistry {
    /// A registry that has decided three entries of a city, and one in recovery that knows nothing of them.
    ///
    /// - Parameter pushes: When it received them, in one push or more; all but the first entry in the last one.
    static func lost(
        pushes: [UInt64] = [.noon], _ body: (TestRegistry, TestRegistry, TestCity) async throws -> Void
    ) async throws {
        let registry = try await TestRegistry()
        var city = try await registry.join(.shenzhen)
        try await registry.decide()
        try await TestDatabase.current.copied { copy in
            city.write(3)
            for (index, time) in pushes.enumerated() {
                let batch = try city.batch(1...(index == pushes.count - 1 ? 3 : 1))
                _ = try await registry.store.receive(batch, from: city.code, now: time)
            }
            try await registry.decide()
            let restored = TestRegistry(opening: copy.pool)
            try await restored.store.beginRecovery(reason: "test", now: .noon)
            try await body(registry, restored, city)
        }
    }

    /// Decides what came back and what the end of the recovery appends, and expects no fault in any of it.
    func expectRecovered() async throws {
        for _ in 0..<2 { try await decide() }
        #expect(try await store.recoveryReport() == nil)
        #expect(try await store.recompute { _ in }.faults == [])
        #expect(try await store.verify { _ in }.faults == [])
    }
}

extension UInt64 {
    /// When a registry recovers: two days after everything was received.
    static let later: UInt64 = .noon + 2 * 86_400_000
}
