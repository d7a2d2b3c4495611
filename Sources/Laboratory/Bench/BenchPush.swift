import FederationHTTP
import FederationWire
import PostgresClient
import RegistryStore
import Replication
import VoucherDomain

/// Pushes batches straight at a registry's store and lets an arbiter decide them.
enum BenchPush {
    /// Pushes all batches, each city's in order and the cities beside each other, and folds until all is decided.
    ///
    /// - Parameter entries: How many entries the batches have.
    /// - Returns: How long it took, and the receipts of each city's batches.
    static func run(
        _ batches: [[[UInt8]]], _ cities: [CityCode], _ store: RegistryStore, entries: Int
    ) async throws -> (duration: Duration, receipts: [[SignedBytes]]) {
        let target = try await store.feedHead().position + UInt64(entries) + (try await waiting(store))
        let start = ContinuousClock.now
        let receipts = try await withThrowingTaskGroup(of: (Int, [SignedBytes]).self) { group in
            group.addTask {
                try await decide(store) { try await store.feedHead().position >= target }
                return (cities.count, [])
            }
            for (index, (city, own)) in zip(cities, batches).enumerated() {
                group.addTask {
                    var receipts: [SignedBytes] = []
                    for bytes in own {
                        let batch = try PushBatch(bytes, as: .protobuf)
                        receipts.append(try await store.receive(batch, from: city, now: WallClock.now).receipt)
                    }
                    return (index, receipts)
                }
            }
            return try await group.reduce(into: [[SignedBytes]](repeating: [], count: cities.count + 1)) {
                $0[$1.0] = $1.1
            }
        }
        return (start.duration(to: .now), receipts)
    }

    /// Lets an arbiter decide until `isDone`.
    static func decide(_ store: RegistryStore, until isDone: () async throws -> Bool) async throws {
        let arbiter = Arbiter(store: store)
        while try await !arbiter.acquire() { try await Task.sleep(for: .milliseconds(10)) }
        while try await !isDone() {
            let report = try await arbiter.decide()
            if !report.more, report.decided == 0 { _ = try await arbiter.waitForWork(milliseconds: 100) }
        }
        await arbiter.release()
    }

    /// Entries of the registry's own log that wait to be folded with the first batches.
    private static func waiting(_ store: RegistryStore) async throws -> UInt64 {
        try await store.pool.run { session in
            let result = try session.execute(
                "SELECT coalesce(sum(last_sequence - first_sequence + 1), 0)::bigint FROM batch WHERE NOT folded")
            return UInt64(result.int(0, 0))
        }
    }
}
