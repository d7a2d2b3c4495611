import Foundation
import NationalRegistry
import PostgresClient
import Terminal
import VoucherDomain

/// How long the nation waits for a decision when the registry server that decides is gone: three servers on one database behind
/// a plain balancer, real processes over TLS.
///
/// The clock starts just before the arbiter is killed, or its connection to the database is cut; then a city files a claim. It
/// stops when the city's store shows the decision. The city reaches whichever server the balancer hands it to, the killed one
/// among them.
struct HandoverBench {
    let rounds: Int

    private static let servers = 3
    private static let cities = Drill.cities

    struct Result: Encodable {
        let servers: Int
        let rounds: Int
        let idle_p50_ms: Double
        let idle_most_ms: Double
        let killed_p50_ms: Double
        let killed_most_ms: Double
        let cut_p50_ms: Double
        let cut_most_ms: Double
    }

    func run() async throws -> Result {
        let directory = "/tmp/federation-handover-\(getpid())"
        defer { try? FileManager.default.removeItem(atPath: directory) }
        return try await BalancedFederation.with(directory: directory, servers: Self.servers) { balanced in
            let federation = balanced.federation
            for city in Self.cities { try await federation.join(city) }
            for city in Self.cities { try await federation.startCity(city.code) }
            guard let code = CityCode(Self.cities[0].code) else { throw Sample.Failure(message: "no city") }
            let cluster = try EmbeddedPostgres(directory: federation.database)
            defer { cluster.stop() }
            var generator = ClaimGenerator(seed: 37, cities: [code], enterprises: 100)
            return try await FreshClaims.measuring(federation, code, generator.vouchers(city: code)) { claims in
                func file(after misfortune: () async throws -> Void) async throws -> Double {
                    guard let claim = generator.claim(city: code) else { throw Sample.Failure(message: "no claim") }
                    let start = ContinuousClock.now
                    try await misfortune()
                    _ = try await claims.file(claim)
                    return start.duration(to: .now) / .milliseconds(1)
                }
                // The first ones open connections and plan statements.
                for _ in 0..<10 { _ = try await file {} }
                var (idle, killed, cut) = ([Double](), [Double](), [Double]())
                for round in 0..<rounds {
                    Output.note("round \(round + 1) of \(rounds)")
                    idle.append(try await file {})
                    killed.append(try await file { balanced.killArbiter() })
                    let gone = balanced.arbiter
                    try await balanced.awaitArbiter()
                    try await balanced.start(gone)
                    cut.append(try await file { try await Self.cutArbiter(cluster) })
                    try await balanced.awaitArbiter()
                }
                return result(Percentiles(idle), Percentiles(killed), Percentiles(cut))
            }
        }
    }

    /// Ends the connection that holds the arbiter's lock, at the database.
    static func cutArbiter(_ cluster: EmbeddedPostgres) async throws {
        try await PostgresPool(url: cluster.url, size: 1).run { session in
            let ended = try session.execute(
                "SELECT pg_terminate_backend(pid, 10000) FROM pg_locks WHERE locktype = 'advisory' AND granted")
            guard ended.count == 1, ended.bool(0, 0) else {
                throw Sample.Failure(message: "there is no arbiter whose connection could be cut")
            }
        }
    }

    private func result(_ idle: Percentiles, _ killed: Percentiles, _ cut: Percentiles) -> Result {
        Result(
            servers: Self.servers, rounds: rounds, idle_p50_ms: idle.at(0.5), idle_most_ms: idle.at(1),
            killed_p50_ms: killed.at(0.5), killed_most_ms: killed.at(1), cut_p50_ms: cut.at(0.5),
            cut_most_ms: cut.at(1))
    }
}
