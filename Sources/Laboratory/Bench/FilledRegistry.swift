import FederationWire
import Foundation
import RegistryStore
import Replication
import Terminal
import VoucherDomain

/// A registry with many claims, made in a quarter of an hour.
///
/// A few thousand claims are filed and decided; the tables that questions read are then filled with copies of them under
/// other numbers, names, contracts and invoices. What a question does not read (the bytes of the feed, all but one key of a
/// copy) is left out.
struct FilledRegistry {
    let claims: Int
    /// How many are filed and decided before they are copied.
    var filed = 2_040

    static let database = "questions"

    /// The directory of its keys.
    func state(_ cluster: BenchCluster) -> String { "\(cluster.directory)/state" }

    /// The one that was kept in the cluster, or a new one.
    func open(_ cluster: BenchCluster) async throws -> RegistryStore {
        let mark = "\(cluster.directory)/filled-\(claims)"
        if FileManager.default.fileExists(atPath: mark) {
            return try await cluster.openStore(database: FilledRegistry.database, state: state(cluster))
        }
        let store = try await cluster.makeStore(database: FilledRegistry.database, state: state(cluster))
        let base = try await FilledRegistry.file(min(claims, filed), store)
        try await QueryBenchRows(
            copies: claims / base, enterprises: max(100, claims / 20), store: store
        ).fill()
        try Data().write(to: URL(fileURLWithPath: mark))
        return store
    }

    /// Files and decides claims of 17 cities.
    ///
    /// - Returns: How many.
    static func file(_ count: Int, _ store: RegistryStore) async throws -> Int {
        Output.note("filing \(count) claims")
        var cities = try await BenchCity.joined(store, from: 110_000, seed: 0)
        let own = max(1, count / cities.count)
        var generator = ClaimGenerator(seed: 7, cities: cities.map(\.code), enterprises: max(1, own / 4))
        for index in cities.indices {
            let code = cities[index].code
            let vouchers = generator.vouchers(city: code).map { PayloadCoding.encode($0) }
            let filed = (0..<own).compactMap { _ in generator.claim(city: code) }.map { PayloadCoding.encode($0) }
            let batches =
                try cities[index].batches(.voucherIssued, vouchers, size: 1_000)
                + cities[index].batches(.claimFiled, filed, size: 500)
            _ = try await BenchPush.run([batches], [code], store, entries: vouchers.count + filed.count)
        }
        return own * cities.count
    }
}
