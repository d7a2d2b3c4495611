import AsyncHTTPClient
import CityStore
import Foundation
import GRDB
import VoucherDomain

/// Claims that are filed one by one at a running node, each timed until it is decided there.
///
/// The clock starts when the city's API has answered 201, which is after the commit, and stops when the city's store
/// shows the decision; it is looked at every 0.1 ms, beside the node, so as not to keep the node busy with answering.
struct FreshClaims {
    private let node: NodeAPI
    private let store: DatabaseQueue

    /// Issues the vouchers, waits until they are decided, and closes everything after `body`.
    ///
    /// - Parameter waiting: Whether to wait until all that the city has filed is decided.
    static func measuring<Value>(
        _ federation: Federation, _ city: CityCode, _ vouchers: [Voucher], waiting: Bool = true,
        _ body: (FreshClaims) async throws -> Value
    ) async throws -> Value {
        try await HTTPClient.with { client in
            let code = city.description
            var reading = Configuration()
            reading.readonly = true
            let claims = FreshClaims(
                node: try NodeAPI(client: client, directory: federation.data(code)),
                store: try DatabaseQueue(
                    path: "\(federation.data(code))/\(CityStore.fileName)", configuration: reading))
            for voucher in vouchers { try await claims.node.post("/v1/vouchers", VoucherForm(voucher).fields) }
            if waiting { _ = try await federation.city(code, ["status", "--wait"]) }
            return try await body(claims)
        }
    }

    /// Files a claim and waits for its decision.
    ///
    /// - Returns: The time from its commit on, in milliseconds.
    func file(_ claim: Claim) async throws -> Double {
        try await node.post("/v1/claims", ClaimForm(claim).filled)
        let start = ContinuousClock.now
        while try await !isDecided(claim.number) { try await Task.sleep(for: .microseconds(100)) }
        return start.duration(to: .now) / .milliseconds(1)
    }

    /// How many entries no receipt covers.
    func unsent() async throws -> Int64 {
        try await store.read { try Int64.fetchOne($0, sql: "SELECT unsent FROM v1_sync") ?? 0 }
    }

    /// Asked straight and often, so with as little work as can be.
    private func isDecided(_ claim: String) async throws -> Bool {
        try await store.read { database in
            let position = try database.cachedStatement(sql: "SELECT decided_position FROM claim WHERE claim_no = ?")
            return try Int64.fetchOne(position, arguments: [claim]) != nil
        }
    }
}
