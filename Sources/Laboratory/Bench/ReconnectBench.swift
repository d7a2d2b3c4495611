import CityNode
import FederationHTTP
import FederationWire
import NIOSSL
import RegistryStore
import Replication
import Terminal
import VoucherDomain

/// Many cities come back at one moment, each with a day's entries: a real registry server over TLS, each city with a
/// connection and a key of its own, against one city that sends just as many.
///
/// The cities are not processes but what a node says: hello, then one sealed batch. What fails is sent again, as a node would.
/// Not timed: what cities read of the feed, which each would do at its own pace.
struct ReconnectBench {
    let cities: Int
    /// Claims of each city.
    let claims: Int

    struct Result: Encodable {
        let cities: Int
        let entries: Int
        /// From the first request until the last entry is decided.
        let drained_seconds: Double
        let one_city_seconds: Double
        let ratio_to_one_city: Double
        /// From the start until a city has its receipt.
        let receipt_p50_seconds: Double
        let receipt_last_seconds: Double
        let ratio_last_to_p50: Double
        let requests_sent_again: Int
        let registry_peak_megabytes: Double
    }

    /// A registry server on a database of its own, and cities that have joined and whose vouchers are decided.
    private struct Scene {
        let store: RegistryStore
        let federation: Federation
        let url: String
        let trustAnchor: [UInt8]
        var cities: [BenchCity]
        var payloads: [[[UInt8]]]

        func client(_ city: BenchCity) throws -> RegistryClient {
            try RegistryClient(baseURL: url, city: city.code, key: city.key, trustAnchor: trustAnchor)
        }
    }

    func run(_ cluster: BenchCluster) async throws -> Result {
        let entries = cities * claims
        Output.note("one city sends \(entries) claims")
        let alone = try await scene(cluster, "alone", cities: 1, claims: entries)
        let oneCity = try await sendAlone(alone)
        alone.federation.stopAll()
        Output.note("\(cities) cities come back")
        let scene = try await scene(cluster, "crowd", cities: cities, claims: claims)
        defer { scene.federation.stopAll() }
        let crowd = try await comeBack(scene)
        let times = Percentiles(crowd.receipts)
        return Result(
            cities: cities, entries: entries, drained_seconds: crowd.drained, one_city_seconds: oneCity,
            ratio_to_one_city: crowd.drained / oneCity, receipt_p50_seconds: times.at(0.5),
            receipt_last_seconds: times.at(1), ratio_last_to_p50: times.at(1) / times.at(0.5),
            requests_sent_again: crowd.again,
            registry_peak_megabytes: Double(try scene.federation.registryPeakMemory()) / Double(1 << 20))
    }

    private func scene(_ cluster: BenchCluster, _ name: String, cities count: Int, claims: Int) async throws -> Scene {
        let state = "\(cluster.directory)/state-\(name)"
        let store = try await cluster.makeStore(database: name, state: state)
        var cities = try await BenchCity.joined(store, from: 110_000, count: count, seed: 0)
        // A company files about four claims in a year, all in one city.
        let companies = max(1, claims / 4)
        var generator = ClaimGenerator(seed: 7, cities: cities.map(\.code), enterprises: companies)
        var vouchers: [[[UInt8]]] = []
        var payloads: [[[UInt8]]] = []
        for index in cities.indices {
            let code = cities[index].code
            vouchers.append(
                try cities[index].batches(
                    .voucherIssued, generator.vouchers(city: code).map { PayloadCoding.encode($0) }, size: 1_000))
            payloads.append(
                (0..<claims).compactMap { _ in generator.claim(city: code) }.map { PayloadCoding.encode($0) })
        }
        _ = try await BenchPush.run(vouchers, cities.map(\.code), store, entries: companies * cities.count)
        let federation = try Federation(directory: "\(cluster.directory)/\(name)")
        try await federation.startRegistry(
            storage: ["--database", cluster.url(of: name), "--state", state], death: nil)
        let root = try NIOSSLCertificate.fromPEMFile("\(state)/ca.pem")
        return Scene(
            store: store, federation: federation, url: "https://127.0.0.1:\(try federation.registryPort)",
            trustAnchor: try root.first?.toDERBytes() ?? [], cities: cities, payloads: payloads)
    }

    /// - Returns: Seconds until everything is decided.
    private func sendAlone(_ scene: Scene) async throws -> Double {
        var city = scene.cities[0]
        let client = try scene.client(city)
        let start = ContinuousClock.now
        try await city.greet(client)
        for first in stride(from: 0, to: scene.payloads[0].count, by: 1_000) {
            let payloads = scene.payloads[0][first..<min(first + 1_000, scene.payloads[0].count)]
            _ = try await client.push(try city.batch(.claimFiled, payloads))
        }
        try await waitForDecisions(scene)
        await client.shutdown()
        return start.duration(to: .now).seconds
    }

    /// - Returns: Seconds until everything is decided, until each city has its receipt, and how many requests failed first.
    private func comeBack(_ scene: Scene) async throws -> (drained: Double, receipts: [Double], again: Int) {
        let start = ContinuousClock.now
        let (receipts, again) = try await withThrowingTaskGroup(of: (time: Double, again: Int).self) { group in
            for (city, payloads) in zip(scene.cities, scene.payloads) {
                group.addTask {
                    let client = try scene.client(city)
                    let again = try await ReconnectBench.comeBack(city, payloads, client)
                    let time = start.duration(to: .now).seconds
                    await client.shutdown()
                    return (time, again)
                }
            }
            return try await group.reduce(into: ([Double](), 0)) {
                $0.0.append($1.time)
                $0.1 += $1.again
            }
        }
        try await waitForDecisions(scene)
        return (start.duration(to: .now).seconds, receipts, again)
    }

    /// Greets and sends; tries again what fails, after a while, as a node does.
    ///
    /// - Returns: How many requests failed.
    private static func comeBack(
        _ city: BenchCity, _ payloads: [[UInt8]], _ client: RegistryClient
    ) async throws -> Int {
        var (city, batch, failures) = (city, PushBatch?.none, 0)
        while true {
            do {
                if let batch {
                    _ = try await client.push(batch)
                    return failures
                }
                try await city.greet(client)
                batch = try city.batch(.claimFiled, payloads)
            } catch let error {
                failures += 1
                guard failures < 10 else { throw error }
                try await Task.sleep(for: .milliseconds(Int.random(in: 250...500) * failures))
            }
        }
    }

    private func waitForDecisions(_ scene: Scene) async throws {
        while try await scene.store.stateTotals().reduce(0, { $0 + $1.count }) < cities * claims {
            try await Task.sleep(for: .milliseconds(20))
        }
    }
}
