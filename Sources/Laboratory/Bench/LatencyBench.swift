import Foundation
import NationalRegistry
import PostgresClient
import RegistryStore
import VoucherDomain

/// How long one claim takes from its city's commit to the decision applied in the city, in an idle federation of
/// real processes over TLS; against one synchronous claim transaction on the same PostgreSQL.
///
/// The clock starts when the city's API has answered 201, which is after the commit, and stops when the city's store
/// shows the decision; it is looked at every 0.1 ms, beside the node, so as not to keep the node busy with answering.
struct LatencyBench {
    let rounds: Int

    struct Result: Encodable {
        let rounds: Int
        let decision_p50_ms: Double
        let decision_p99_ms: Double
        let transaction_p50_ms: Double
        let transaction_p99_ms: Double
        let ratio_p50: Double
        let ratio_p99: Double
    }

    func run() async throws -> Result {
        let federation = try Federation(directory: "/tmp/federation-latency-\(getpid())")
        defer {
            federation.stopAll()
            try? FileManager.default.removeItem(atPath: federation.directory)
        }
        try await federation.startRegistry()
        let city = Sample.City(code: "110000", name: "北京市")
        try await federation.join(city)
        try await federation.startCity(city.code)
        let decisions = Percentiles(try await measureDecisions(federation, city.code))
        let transactions = Percentiles(try await measureTransactions(federation))
        return Result(
            rounds: rounds, decision_p50_ms: decisions.at(0.5), decision_p99_ms: decisions.at(0.99),
            transaction_p50_ms: transactions.at(0.5), transaction_p99_ms: transactions.at(0.99),
            ratio_p50: decisions.at(0.5) / transactions.at(0.5), ratio_p99: decisions.at(0.99) / transactions.at(0.99))
    }

    private func measureDecisions(_ federation: Federation, _ city: String) async throws -> [Double] {
        guard let code = CityCode(city) else { return [] }
        var generator = ClaimGenerator(seed: 11, cities: [code], enterprises: 100)
        return try await FreshClaims.measuring(federation, code, generator.vouchers(city: code)) { claims in
            var times: [Double] = []
            for _ in 0..<(rounds + 10) {
                guard let claim = generator.claim(city: code) else { continue }
                times.append(try await claims.file(claim))
            }
            // The first ones open connections and plan statements.
            return Array(times.dropFirst(10))
        }
    }

    private func measureTransactions(_ federation: Federation) async throws -> [Double] {
        let cluster = try EmbeddedPostgres(directory: "\(federation.directory)/registry")
        defer { cluster.stop() }
        let store = try await BenchCluster.makeStore(cluster, database: "single")
        let rounds = rounds
        return try await store.pool.run { session in
            try SingleTransactions.prepare(session)
            return try (0..<(rounds + 10)).map { number in
                let start = ContinuousClock.now
                try session.transaction { try SingleTransactions.file(number, session) }
                return start.duration(to: .now) / .milliseconds(1)
            }.dropFirst(10).map { $0 }
        }
    }
}
