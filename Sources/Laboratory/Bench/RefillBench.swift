import FederationHTTP
import FederationWire
import PostgresClient
import RegistryStore
import Replication
import Terminal
import VoucherDomain

/// A registry that was restored to before its last entries gets them back from 17 cities, and decides them again; against
/// the rate at which it took the same entries in and decided them the first time, on the same server.
///
/// Timed: the wire form of every page, verifying seals, chains and receipts, committing, and deciding until the recovery is
/// over and every feed entry is again what it was. Not timed: HTTP, the cities' own reading.
struct RefillBench {
    /// Lost entries.
    let entries: Int

    struct Result: Encodable {
        let entries: Int
        let ingest_entries_per_second: Double
        let refill_entries_per_second: Double
        /// How much of it was taking back, before the first entry was decided.
        let collecting_seconds: Double
        let refill_seconds: Double
        let ratio_to_ingest: Double
    }

    /// What one city holds of what was lost.
    private struct Holder: Sendable {
        let city: CityCode
        let batches: [[UInt8]]
        let receipts: [SignedBytes]
    }

    func run(_ cluster: BenchCluster) async throws -> Result {
        let first = try await cluster.makeStore(database: "whole")
        var cities = try await BenchCity.joined(first, from: 110_000, seed: 0)
        let codes = cities.map(\.code)
        Output.note("making \(entries) entries in \(cities.count) cities")
        let each = entries / cities.count
        let enterprises = max(1, min(each / 4, 5_000))
        var generator = ClaimGenerator(seed: 31, cities: codes, enterprises: enterprises)
        var vouchers: [[[UInt8]]] = []
        for index in cities.indices {
            let payloads = generator.vouchers(city: codes[index]).map { PayloadCoding.encode($0) }
            vouchers.append(try cities[index].batches(.voucherIssued, payloads, size: 1_000))
        }
        _ = try await BenchPush.run(vouchers, codes, first, entries: cities.count * enterprises)
        let (store, restored) = try await cluster.copied(first, to: "restored")
        var filings: [[[UInt8]]] = []
        for index in cities.indices {
            let claims = (0..<each).compactMap { _ in generator.claim(city: codes[index]) }
            filings.append(try cities[index].batches(.claimFiled, claims.map { PayloadCoding.encode($0) }, size: 500))
        }
        Output.note("taking them in")
        let (ingest, receipts) = try await BenchPush.run(filings, codes, store, entries: each * cities.count)
        let holders = codes.indices.map { Holder(city: codes[$0], batches: filings[$0], receipts: receipts[$0]) }
        Output.note("refilling")
        let (collecting, refill) = try await self.refill(restored, from: holders, feedOf: store)
        let count = Double(each * cities.count)
        return Result(
            entries: each * cities.count, ingest_entries_per_second: count / ingest.seconds,
            refill_entries_per_second: count / refill.seconds, collecting_seconds: collecting.seconds,
            refill_seconds: refill.seconds, ratio_to_ingest: ingest / refill)
    }

    private func refill(
        _ registry: RegistryStore, from holders: [Holder], feedOf whole: RegistryStore
    ) async throws -> (collecting: Duration, whole: Duration) {
        let head = try await whole.feedHead()
        let start = ContinuousClock.now
        try await registry.beginRecovery(reason: "bench", now: WallClock.now)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for holder in holders {
                group.addTask { try await give(holder, head, whole, to: registry) }
            }
            try await group.waitForAll()
        }
        let collecting = start.duration(to: .now)
        try await BenchPush.decide(registry) { try await registry.recoveryReport() == nil }
        let duration = start.duration(to: .now)
        let again = try await registry.pool.run { session in
            try session.execute("SELECT hash FROM feed WHERE position = $1", [.int8(Int64(head.position))]).bytes(0, 0)
        }
        guard again == head.hash.rawValue else { throw Sample.Failure(message: "the feed came out otherwise") }
        return (collecting, duration)
    }

    /// Presents what one city holds, and gives back what is wanted of it, as a node does.
    private func give(
        _ holder: Holder, _ head: FeedHead, _ whole: RegistryStore, to registry: RegistryStore
    ) async throws {
        let seal = try FeedSeal(head: head, sealedAt: WallClock.now).signed(by: whole.secrets.signingKey)
        func present(_ call: SignedBytes?) async throws -> RecoveryStanding {
            try await registry.present(
                Presentation(city: holder.city, feedSeal: seal, receipt: holder.receipts.last, call: call),
                now: WallClock.now)
        }
        let called = try await present(nil)
        var given = 0
        while true {
            var standing = try await present(called.call)
            while !standing.isComplete {
                let page: RefillPage
                if standing.wantsFeed, standing.feedHead.position < head.position {
                    page = RefillPage(
                        promise: called.incarnation, feed: try await feed(of: whole, after: standing.feedHead))
                } else if given < holder.batches.count {
                    let batch = try PushBatch(holder.batches[given], as: .protobuf)
                    page = RefillPage(
                        promise: called.incarnation, entries: batch.entries, seal: batch.signedSeal,
                        receipt: holder.receipts[given])
                    given += 1
                } else {
                    break
                }
                standing = try await registry.refill(
                    RefillPage(page.encoded(as: .protobuf), as: .protobuf), from: holder.city, now: WallClock.now)
            }
            if standing.isComplete { return }
            // Another city sends the feed.
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    private func feed(of whole: RegistryStore, after head: FeedHead) async throws -> [[UInt8]] {
        try await whole.pool.run { session in
            let rows = try session.execute(
                "SELECT bytes FROM feed WHERE position > $1 ORDER BY position LIMIT 2000",
                [.int8(Int64(head.position))])
            return (0..<rows.count).map { rows.bytes($0, 0) }
        }
    }
}
