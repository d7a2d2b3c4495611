import Arbitration
import FederationHTTP
import FederationWire
import Foundation
import PostgresClient
import RegistryStore
import Replication
import Terminal
import VoucherDomain

/// Registry ingest against two yardsticks on the same server: COPY of the very same final rows into the same tables
/// with the same indexes, and one central transaction a claim over 17 connections.
///
/// Timed for ingest: decoding the batch, verifying seal and chain, committing it, folding it under the whole rule
/// book, and writing claims, keys and feed. Not timed: HTTP, and making the batches.
struct IngestBench {
    let claims: Int
    /// Claims of the one-transaction-a-claim run, which is slow.
    let single: Int

    struct Result: Encodable {
        let claims: Int
        let ingest_claims_per_second: Double
        let floor_claims_per_second: Double
        let single_claims_per_second: Double
        let ratio_to_floor: Double
        let ratio_to_single: Double
    }

    func run(_ cluster: BenchCluster) async throws -> Result {
        let store = try await cluster.makeStore(database: "ingest")
        var cities = try await BenchCity.joined(store, from: 110_000, seed: 0)
        Output.note("making \(claims) claims in \(cities.count) cities")
        // A company files about four claims in a year, all in one city.
        let enterprises = max(1, claims / cities.count / 4)
        var generator = ClaimGenerator(seed: 7, cities: cities.map(\.code), enterprises: enterprises)
        var vouchers: [[[UInt8]]] = []
        var filings: [[[UInt8]]] = []
        for index in cities.indices {
            let code = cities[index].code
            vouchers.append(
                try cities[index].batches(
                    .voucherIssued, generator.vouchers(city: code).map { PayloadCoding.encode($0) }, size: 1_000))
            let own = (0..<(claims / cities.count)).compactMap { _ in generator.claim(city: code) }
            filings.append(try cities[index].batches(.claimFiled, own.map { PayloadCoding.encode($0) }, size: 500))
        }
        let count = claims / cities.count * cities.count
        _ = try await BenchPush.run(vouchers, cities.map(\.code), store, entries: cities.count * enterprises)
        let before = try await store.feedHead().position
        Output.note("ingesting")
        let ingest = try await BenchPush.run(filings, cities.map(\.code), store, entries: count).duration
        let reserved = try await store.stateTotals().filter { $0.state == .reserved }.reduce(0) { $0 + $1.count }
        guard reserved == count else { throw Sample.Failure(message: "\(reserved) of \(count) claims were reserved") }
        Output.note("copying the same rows")
        let floor = try await CopyFloor(cluster: cluster, after: Int64(before)).run(from: store.pool)
        Output.note("filing \(single) claims in one transaction each")
        let central = try await SingleTransactions(cluster: cluster, count: single).run()
        return Result(
            claims: count, ingest_claims_per_second: Double(count) / ingest.seconds,
            floor_claims_per_second: Double(count) / floor.seconds,
            single_claims_per_second: Double(single) / central.seconds,
            ratio_to_floor: floor / ingest,
            ratio_to_single: (Double(count) / ingest.seconds) / (Double(single) / central.seconds))
    }
}

extension Duration {
    var seconds: Double { self / .seconds(1) }
}

/// The floor: what PostgreSQL itself needs to load the rows that the ingest left behind.
private struct CopyFloor {
    let cluster: BenchCluster
    /// Rows decided after this position are copied; what was there before is loaded untimed.
    let after: Int64

    func run(from source: PostgresPool) async throws -> Duration {
        let target = try await cluster.makeStore(database: "floor").pool
        let directory = cluster.directory
        let tables = [
            ("entry", "kind = 2", "kind <> 2"), ("feed", "position > \(after)", "position <= \(after)"),
            ("claim", "true", "false"), ("claim_key", "true", "false"), ("trace", "true", "false"),
            ("finding", "true", "false"), ("party_name", "true", "false"), ("voucher", "false", "true"),
        ]
        try await source.run { session in
            for (table, timed, untimed) in tables {
                try session.run(
                    script:
                        "COPY (SELECT * FROM \(table) WHERE \(timed)) TO '\(directory)/\(table).timed' (FORMAT binary)")
                try session.run(
                    script:
                        "COPY (SELECT * FROM \(table) WHERE \(untimed)) TO '\(directory)/\(table).untimed' (FORMAT binary)"
                )
            }
        }
        return try await target.run { session in
            try session.run(script: "TRUNCATE entry, feed, voucher; CHECKPOINT")
            for (table, _, _) in tables {
                try session.run(script: "COPY \(table) FROM '\(directory)/\(table).untimed' (FORMAT binary)")
            }
            try session.run(script: "CHECKPOINT")
            let start = ContinuousClock.now
            try session.transaction {
                for (table, _, _) in tables {
                    try session.run(script: "COPY \(table) FROM '\(directory)/\(table).timed' (FORMAT binary)")
                }
            }
            return start.duration(to: .now)
        }
    }
}
