import AsyncHTTPClient
import CityStore
import FederationHTTP
import Foundation
import GRDB
import NIOCore
import NIOHTTP1
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
        let client = HTTPClient(eventLoopGroupProvider: .singleton)
        let node = try NodeAPI(client: client, directory: federation.data(city))
        var reading = Configuration()
        reading.readonly = true
        let store = try DatabaseQueue(
            path: "\(federation.data(city))/\(CityStore.fileName)", configuration: reading)
        var generator = ClaimGenerator(seed: 11, cities: [code], enterprises: 100)
        var times: [Double] = []
        do {
            for voucher in generator.vouchers(city: code) {
                _ = try await node.post("/v1/vouchers", VoucherForm(voucher).fields)
            }
            _ = try await federation.city(city, ["status", "--wait"])
            for _ in 0..<(rounds + 10) {
                guard let claim = generator.claim(city: code) else { continue }
                try await node.post("/v1/claims", ClaimForm(claim).fields.filter { !$0.value.isEmpty })
                let start = ContinuousClock.now
                while try await !store.isDecided(claim.number) { try await Task.sleep(for: .microseconds(100)) }
                times.append(start.duration(to: .now) / .milliseconds(1))
            }
        } catch {
            try await client.shutdown()
            throw error
        }
        try await client.shutdown()
        // The first ones open connections and plan statements.
        return Array(times.dropFirst(10))
    }

    private func measureTransactions(_ federation: Federation) async throws -> [Double] {
        let cluster = try EmbeddedPostgres(directory: "\(federation.directory)/registry")
        defer { cluster.stop() }
        let store = try await BenchCluster.makeStore(cluster, database: "single")
        let rounds = rounds
        return try await store.pool.run { session in
            try (0..<(rounds + 10)).map { number in
                let start = ContinuousClock.now
                try session.transaction { try SingleTransactions.file(number, session) }
                return start.duration(to: .now) / .milliseconds(1)
            }.dropFirst(10).map { $0 }
        }
    }
}

extension DatabaseQueue {
    /// Asked straight and often, so with as little work as can be.
    fileprivate func isDecided(_ claim: String) async throws -> Bool {
        try await read { database in
            let position = try database.cachedStatement(sql: "SELECT decided_position FROM claim WHERE claim_no = ?")
            return try Int64.fetchOne(position, arguments: [claim]) != nil
        }
    }
}

/// The little of a node's local API that the bench uses.
private struct NodeAPI {
    private let client: HTTPClient
    private let url: String
    private let token: String

    init(client: HTTPClient, directory: String) throws {
        self.client = client
        url = try String(contentsOfFile: "\(directory)/serving-url", encoding: .utf8)
        token = try String(contentsOfFile: "\(directory)/api-token", encoding: .utf8)
    }

    @discardableResult
    func post(_ path: String, _ fields: [String: String]) async throws -> String {
        var request = HTTPClientRequest(url: url + path)
        request.method = .POST
        request.body = .bytes(ByteBuffer(bytes: try JSONBody.encode(fields)))
        return try await send(request)
    }

    private func send(_ request: HTTPClientRequest) async throws -> String {
        var request = request
        request.headers.add(name: "Authorization", value: "Bearer \(token)")
        let response = try await client.execute(request, timeout: .seconds(20))
        let text = String(buffer: try await response.body.collect(upTo: 1 << 20))
        guard (200..<300).contains(response.status.code) else { throw Sample.Failure(message: text) }
        return text
    }
}
