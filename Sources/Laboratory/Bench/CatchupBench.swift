import Foundation
import Terminal
import VoucherDomain

/// A month's backlog of one city goes up while officers go on filing, in a federation of real processes over TLS: how long
/// a fresh claim then takes to be decided, against an idle federation.
///
/// A log is one sequence: a fresh claim of the city that catches up is decided after its backlog. What must not starve is
/// everybody else.
struct CatchupBench {
    /// Entries that the city has to send.
    let backlog: Int
    /// Claims that are filed in the other city before it begins.
    let rounds: Int

    struct Result: Encodable {
        let backlog: Int
        let backlog_entries_per_second: Double
        let idle_p50_ms: Double
        let idle_p99_ms: Double
        /// Claims of the other city while the backlog goes up.
        let fresh_claims: Int
        let fresh_p50_ms: Double
        let fresh_p99_ms: Double
        let ratio_p50: Double
        let ratio_p99: Double
        /// Until a fresh claim of the city that catches up is decided.
        let own_fresh_ms: Double
    }

    private static let late = Sample.City(code: "110000", name: "北京市")
    private static let other = Sample.City(code: "310000", name: "上海市")

    /// Companies of the city that is late, each with a voucher.
    private var enterprises: Int { max(1, min(backlog / 4, 5_000)) }

    func run() async throws -> Result {
        let federation = try Federation(directory: "/tmp/federation-catchup-\(getpid())")
        defer {
            federation.stopAll()
            try? FileManager.default.removeItem(atPath: federation.directory)
        }
        try await federation.startRegistry()
        for city in [Self.late, Self.other] { try await federation.join(city) }
        guard let late = CityCode(Self.late.code), let other = CityCode(Self.other.code) else {
            throw Sample.Failure(message: "no city")
        }
        Output.note("filing \(backlog) entries without a network")
        var behind = ClaimGenerator(seed: 17, cities: [late], enterprises: enterprises)
        let last = try file(&behind, of: late, federation)
        try await federation.startCity(Self.other.code)
        var generator = ClaimGenerator(seed: 19, cities: [other], enterprises: 100, after: 5_000_000)
        let rounds = rounds
        return try await FreshClaims.measuring(federation, other, generator.vouchers(city: other)) { claims in
            func next() async throws -> Double {
                guard let claim = generator.claim(city: other) else { throw Sample.Failure(message: "no claim") }
                return try await claims.file(claim)
            }
            // The first ones open connections and plan statements.
            for _ in 0..<10 { _ = try await next() }
            var idle: [Double] = []
            for _ in 0..<rounds { idle.append(try await next()) }
            Output.note("sending them")
            try await federation.startCity(Self.late.code)
            return try await FreshClaims.measuring(federation, late, [], waiting: false) { backlog in
                let start = ContinuousClock.now
                var (fresh, left) = ([Double](), try await backlog.unsent())
                let whole = left
                async let own = backlog.file(last)
                while left > 0 {
                    fresh.append(try await next())
                    left = try await backlog.unsent()
                }
                let sent = start.duration(to: .now)
                return result(whole, sent, idle: Percentiles(idle), fresh, own: try await own)
            }
        }
    }

    private func result(
        _ entries: Int64, _ sent: Duration, idle: Percentiles, _ fresh: [Double], own: Double
    ) -> Result {
        let times = Percentiles(fresh)
        return Result(
            backlog: Int(entries), backlog_entries_per_second: Double(entries) / sent.seconds,
            idle_p50_ms: idle.at(0.5), idle_p99_ms: idle.at(0.99), fresh_claims: fresh.count,
            fresh_p50_ms: times.at(0.5), fresh_p99_ms: times.at(0.99), ratio_p50: times.at(0.5) / idle.at(0.5),
            ratio_p99: times.at(0.99) / idle.at(0.99), own_fresh_ms: own)
    }

    /// Files the backlog straight at the store of a node that does not run.
    ///
    /// - Returns: The claim that is filed after it.
    private func file(_ generator: inout ClaimGenerator, of city: CityCode, _ federation: Federation) throws -> Claim {
        try OfflineFiling.file(
            claims: backlog - enterprises, by: &generator, of: city, in: federation.data(city.description))
        guard let last = generator.claim(city: city) else { throw Sample.Failure(message: "no claim") }
        return last
    }
}
