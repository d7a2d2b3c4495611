import CityStore
import FederationHTTP
import FederationWire
import Foundation
import GRDB
import RegistryStore
import Replication
import Terminal
import VoucherDomain

/// A city whose disk is gone gets its store back from the registry; against SQLite itself, which loads the very same final
/// rows into the same tables with the same indexes, out of an attached file, in one transaction.
///
/// Timed: reading log and feed page by page, their wire form, verifying chains, seals and receipts, and committing each
/// page; closing the store. Not timed: HTTP, and filling the registry.
struct RebuildBench {
    /// Entries in the city's log.
    let entries: Int

    struct Result: Encodable {
        let entries: Int
        /// Of all tables of the rebuilt store.
        let rows: Int
        let log_seconds: Double
        let feed_seconds: Double
        let rebuild_seconds: Double
        let floor_seconds: Double
        let ratio_to_floor: Double
        let entries_per_second: Double
        /// Of the rebuilt store, for an entry: the feed and the key index, which have those of all cities, and all else.
        let nation_bytes_per_entry: Double
        let own_bytes_per_entry: Double
    }

    func run(_ cluster: BenchCluster) async throws -> Result {
        let store = try await cluster.makeStore(database: "rebuild")
        guard let code = CityCode(rawValue: 110_000) else { throw Sample.Failure(message: "no city") }
        var city = BenchCity(code: code, seed: 23)
        try await city.join(store)
        try await fill(store, &city)
        let directory = "\(cluster.directory)/rebuilt"
        Output.note("rebuilding")
        let (log, feed, whole) = try await rebuild(directory, store, city)
        let (nation, own) = try bytes(in: directory)
        Output.note("loading the same rows")
        let (rows, floor) = try load(from: directory, into: "\(cluster.directory)/loaded")
        return Result(
            entries: entries, rows: rows, log_seconds: log.seconds, feed_seconds: feed.seconds,
            rebuild_seconds: whole.seconds, floor_seconds: floor.seconds, ratio_to_floor: whole / floor,
            entries_per_second: Double(entries) / whole.seconds,
            nation_bytes_per_entry: Double(nation) / Double(entries),
            own_bytes_per_entry: Double(own) / Double(entries))
    }

    /// What the tables of a store take: those that have the entries of all cities, and the others.
    private func bytes(in directory: String) throws -> (nation: Int64, own: Int64) {
        let queue = try DatabaseQueue(path: "\(directory)/\(CityStore.fileName)")
        let sizes = try queue.read { database in
            func sum(_ condition: String) throws -> Int64 {
                try Int64.fetchOne(database, sql: "SELECT sum(pgsize) FROM dbstat WHERE name \(condition)") ?? 0
            }
            return (
                nation: try sum("IN ('feed_entry', 'key_index')"), own: try sum("NOT IN ('feed_entry', 'key_index')")
            )
        }
        try queue.close()
        return sizes
    }

    /// Files and decides the entries, a part at a time so that they need not be in memory together.
    private func fill(_ store: RegistryStore, _ city: inout BenchCity) async throws {
        let enterprises = max(1, min(entries / 4, 20_000))
        var generator = ClaimGenerator(seed: 29, cities: [city.code], enterprises: enterprises)
        let vouchers = generator.vouchers(city: city.code).map { PayloadCoding.encode($0) }
        let first = try city.batches(.voucherIssued, vouchers, size: 1_000)
        _ = try await BenchPush.run([first], [city.code], store, entries: vouchers.count)
        var filed = vouchers.count
        while filed < entries {
            Output.note("\(filed) of \(entries) entries filed and decided")
            let claims = (0..<min(50_000, entries - filed)).compactMap { _ in generator.claim(city: city.code) }
            let batches = try city.batches(.claimFiled, claims.map { PayloadCoding.encode($0) }, size: 2_000)
            _ = try await BenchPush.run([batches], [city.code], store, entries: claims.count)
            filed += claims.count
        }
    }

    // MARK: Rebuilding

    private func rebuild(
        _ directory: String, _ registry: RegistryStore, _ city: BenchCity
    ) async throws -> (log: Duration, feed: Duration, whole: Duration) {
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        let secrets = registry.secrets
        let identity = NodeIdentity(
            city: city.code, cityName: "城市", registryURL: "", registryKey: secrets.signingKey.publicKey,
            trustAnchor: [], keyEpoch: secrets.keyEpoch, federationSecret: secrets.federationSecret,
            detailKey: DetailCipher.cityKey(master: secrets.detailMaster, city: city.code))
        let nonce = [UInt8](repeating: 1, count: 16)
        let start = ContinuousClock.now
        let store = try CityStore(directory: directory)
        try store.establish(identity, epoch: city.epoch, processNonce: nonce, isRestored: true)
        try await takeBack(store, identity, registry)
        let log = start.duration(to: .now)
        let grant = Grant(city: city.code, epoch: city.epoch, processNonce: nonce, version: 1)
        try store.adopt(grant, software: "bench", now: WallClock.now, registryTime: WallClock.now)
        try await follow(store, identity, registry, city.epoch)
        try store.close()
        let whole = start.duration(to: .now)
        return (log, whole - log, whole)
    }

    private func takeBack(_ store: CityStore, _ identity: NodeIdentity, _ registry: RegistryStore) async throws {
        func ask(after head: LogHead) async throws -> LogPage {
            let request = LogRequest(after: head, limit: 2_000)
            return try LogPage(
                try await registry.ownLog(request, of: identity.city).encoded(as: .protobuf), as: .protobuf)
        }
        var page = try await ask(after: store.logHead())
        while let last = page.entries.last {
            // As the node does: the next page is on its way while this one is written.
            async let next = ask(after: last.head)
            let receipts = try page.receipts.map { (receipt: try Receipt($0, by: identity.registryKey), signed: $0) }
            try store.takeBack(page.entries, receipts)
            page = try await next
        }
    }

    private func follow(
        _ store: CityStore, _ identity: NodeIdentity, _ registry: RegistryStore, _ epoch: Epoch
    ) async throws {
        var more = true
        while more {
            let request = FeedRequest(after: try store.feedHead(), limit: 2_000, wait: .zero, sessionEpoch: epoch)
            let answer = try await registry.feed(request, city: identity.city, now: WallClock.now)
            let page = try FeedAnswer(answer.encoded(as: .protobuf), as: .protobuf)
            let seal = try FeedSeal(page.seal, by: identity.registryKey)
            let entries = try page.entries.map { try FeedCoding.decode($0) }
            try store.apply(
                entries, sealed: seal.head, seal: page.seal, detailKey: identity.detailKey, now: WallClock.now)
            more = page.more
        }
    }

    // MARK: The floor

    private func load(from source: String, into directory: String) throws -> (rows: Int, duration: Duration) {
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        try CityStore(directory: directory).close()
        let start = ContinuousClock.now
        let queue = try DatabaseQueue(path: "\(directory)/\(CityStore.fileName)")
        let rows = try queue.writeWithoutTransaction { database in
            try database.execute(sql: "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = OFF")
            try database.execute(
                sql: "ATTACH DATABASE ? AS rebuilt", arguments: ["\(source)/\(CityStore.fileName)"])
            let tables = try String.fetchAll(
                database,
                sql: """
                    SELECT name FROM main.sqlite_schema
                    WHERE type = 'table' AND name NOT GLOB 'sqlite_*' AND name NOT GLOB 'grdb_*' ORDER BY name
                    """)
            var rows = 0
            try database.inTransaction {
                for table in tables {
                    try database.execute(sql: "INSERT INTO main.\(table) SELECT * FROM rebuilt.\(table)")
                    rows += database.changesCount
                }
                return .commit
            }
            return rows
        }
        try queue.close()
        return (rows, start.duration(to: .now))
    }
}
