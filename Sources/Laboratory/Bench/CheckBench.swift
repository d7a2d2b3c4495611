import Arbitration
import CityStore
import FederationWire
import Foundation
import GRDB
import Replication
import Terminal
import VoucherDomain

/// The pre-check of an offline city, at two sizes of the national key index.
struct CheckBench {
    let sizes: [Int]
    let questions: Int

    struct Result: Encodable {
        let keys: Int
        let p50_us: Double
        let p99_us: Double
        let bytes_per_key: Double
    }

    func run() throws -> [Result] { try sizes.map(measure) }

    private func measure(_ keys: Int) throws -> Result {
        let directory = "/tmp/federation-check-\(getpid())-\(keys)"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let store = try CityStore(directory: directory)
        let empty = try fileSize(directory)
        Output.note("filling a key index of \(keys) keys")
        let hasher = KeyHasher(epoch: 1, secret: [UInt8](repeating: 7, count: 32))
        guard let city = CityCode("110000") else { return Result(keys: 0, p50_us: 0, p99_us: 0, bytes_per_key: 0) }
        var generator = ClaimGenerator(seed: 13, cities: [city], enterprises: 100)
        let asked = (0..<questions).compactMap { _ in generator.claim(city: city) }.map { claim in
            PreCheck(
                enterprise: claim.enterprise, provider: claim.provider, contract: claim.contract,
                invoices: claim.invoices.map(\.number), city: nil)
        }
        // Every tenth question is about keys that are held.
        let held = asked.enumerated().filter { $0.offset.isMultiple(of: 10) }.flatMap {
            $0.element.keys.map(hasher.hash)
        }
        try fill(directory, held, keys)
        let bytes = Double(try fileSize(directory) - empty) / Double(keys)
        var hits = 0
        let times = try asked.map { question in
            let start = ContinuousClock.now
            if try !store.preCheck(question, hasher: hasher).isEmpty { hits += 1 }
            return start.duration(to: .now) / .microseconds(1)
        }
        guard hits == (questions + 9) / 10 else {
            throw Sample.Failure(message: "\(hits) hits in \(questions) questions")
        }
        try store.close()
        let percentiles = Percentiles(times)
        return Result(keys: keys, p50_us: percentiles.at(0.5), p99_us: percentiles.at(0.99), bytes_per_key: bytes)
    }

    /// Random hashes beside the held ones, straight into the table: applying feed pages is measured elsewhere.
    private func fill(_ directory: String, _ held: [[UInt8]], _ keys: Int) throws {
        let queue = try DatabaseQueue(path: "\(directory)/\(CityStore.fileName)")
        try queue.write { database in
            try database.execute(
                sql: """
                    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
                    INSERT INTO key_index (hash, position, kind, city_code, tag)
                    SELECT randomblob(16) AS h, i / 5, 1 + i % 3, 310000, x'' FROM n ORDER BY h
                    """, arguments: [max(1, keys - held.count)])
            for (index, hash) in held.enumerated() {
                try database.execute(
                    sql: "INSERT INTO key_index (hash, position, kind, city_code, tag) VALUES (?, ?, 1, 310000, x'')",
                    arguments: [Data(hash), index])
            }
        }
        try queue.writeWithoutTransaction { try $0.execute(sql: "PRAGMA wal_checkpoint(TRUNCATE)") }
        try queue.close()
    }

    private func fileSize(_ directory: String) throws -> Int {
        try FileManager.default.attributesOfItem(atPath: "\(directory)/\(CityStore.fileName)")[.size] as? Int ?? 0
    }
}
