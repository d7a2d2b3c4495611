import Arbitration
import CityStore
import FederationWire
import Foundation
import GRDB
import Replication
import Terminal
import VoucherDomain

/// The pre-check of an offline city, at several sizes of the national key index: what the node asks its store for each
/// question of `POST /v1/checks`.
///
/// Not measured: HTTP and the answer's signature. The file has the index alone; the feed that a store keeps besides is not
/// in it.
struct CheckBench {
    let sizes: [Int]
    let questions: Int

    /// The aims with ten million keys.
    static let aim = (p99Microseconds: 50.0, bytesPerKey: 60.0)

    struct Result: Encodable {
        let keys: Int
        /// Of all checks but the first ones.
        let p50_us: Double
        let p99_us: Double
        let p999_us: Double
        /// Parts of it that need no store: deriving a question's keys, and hashing them.
        let deriving_p50_us: Double
        let hashing_p50_us: Double
        /// The first hundredth of the checks, which finds none of the file's pages kept by SQLite.
        let first_p50_us: Double
        let first_p99_us: Double
        let bytes_per_key: Double
        let aim_p99_us: Double
        let aim_bytes_per_key: Double
    }

    private static let secret = [UInt8](repeating: 7, count: 32)

    func run() throws -> [Result] { try sizes.map(measure) }

    private func measure(_ keys: Int) throws -> Result {
        let directory = "/tmp/federation-check-\(getpid())-\(keys)"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let store = try CityStore(directory: directory)
        let hasher = KeyHasher(epoch: 1, secret: CheckBench.secret)
        let asked = try join(store)
        let empty = try fileSize(directory)
        Output.note("filling a key index of \(keys) keys")
        // Every tenth question is about keys that are held.
        let held = asked.enumerated().filter { $0.offset.isMultiple(of: 10) }.flatMap { $0.element.keys }
        try fill(directory, held.map { (kind: $0.bytes[0], hash: hasher.hash($0)) }, keys)
        let bytes = Double(try fileSize(directory) - empty) / Double(keys)
        var hits = 0
        let times = try asked.map { question in
            try CheckBench.timed {
                if try store.preCheck([question], hasher: hasher).hits != [[]] { hits += 1 }
            }
        }
        guard hits == (asked.count + 9) / 10 else {
            throw Sample.Failure(message: "\(hits) hits in \(asked.count) questions")
        }
        try store.close()
        let count = max(1, asked.count / 100)
        let (first, rest) = (Percentiles(Array(times.prefix(count))), Percentiles(Array(times.dropFirst(count))))
        let (deriving, hashing) = try parts(asked, hasher)
        return Result(
            keys: keys, p50_us: rest.at(0.5), p99_us: rest.at(0.99), p999_us: rest.at(0.999),
            deriving_p50_us: deriving.at(0.5), hashing_p50_us: hashing.at(0.5), first_p50_us: first.at(0.5),
            first_p99_us: first.at(0.99), bytes_per_key: bytes, aim_p99_us: CheckBench.aim.p99Microseconds,
            aim_bytes_per_key: CheckBench.aim.bytesPerKey)
    }

    /// Makes the store the node of a city.
    ///
    /// - Returns: The questions about what is going to be filed there.
    private func join(_ store: CityStore) throws -> [PreCheck] {
        guard let city = CityCode("110000") else { throw Sample.Failure(message: "no city") }
        let identity = NodeIdentity(
            city: city, cityName: "北京市", registryURL: "", registryKey: SigningKey().publicKey, trustAnchor: [],
            keyEpoch: 1, federationSecret: CheckBench.secret, detailKey: CheckBench.secret)
        try store.establish(
            identity, epoch: Epoch(incarnation: 1, counter: 1, nonce: 0),
            processNonce: [UInt8](repeating: 1, count: 16))
        var generator = ClaimGenerator(seed: 13, cities: [city], enterprises: 100)
        return (0..<questions).compactMap { _ in generator.claim(city: city) }.map { claim in
            PreCheck(
                enterprise: claim.enterprise, provider: claim.provider, contract: claim.contract,
                invoices: claim.invoices.map(\.number), city: nil)
        }
    }

    /// How long a question's keys take to derive, and to hash.
    private func parts(
        _ asked: [PreCheck], _ hasher: KeyHasher
    ) throws -> (deriving: Percentiles, hashing: Percentiles) {
        var (deriving, hashing) = ([Double](), [Double]())
        var bytes = 0
        for question in asked {
            var keys: [Key] = []
            deriving.append(CheckBench.timed { keys = question.keys })
            hashing.append(CheckBench.timed { for key in keys { bytes += hasher.hash(key).count } })
        }
        guard bytes >= asked.count * 3 * KeyHasher.hashLength else {
            throw Sample.Failure(message: "\(bytes) bytes of hashes of \(asked.count) questions")
        }
        return (Percentiles(deriving), Percentiles(hashing))
    }

    /// - Returns: Microseconds.
    private static func timed(_ body: () throws -> Void) rethrows -> Double {
        let start = ContinuousClock.now
        try body()
        return start.duration(to: .now) / .microseconds(1)
    }

    /// Random hashes beside the held ones, straight into the table and in no order, as a feed brings them: five of each
    /// claim, one of them with a tag. Applying feed pages is measured elsewhere.
    private func fill(_ directory: String, _ held: [(kind: UInt8, hash: [UInt8])], _ keys: Int) throws {
        var configuration = Configuration()
        // All pages at once: each is otherwise written and read again many times.
        configuration.prepareDatabase { try $0.execute(sql: "PRAGMA cache_size = -\(max(2_000, keys / 16))") }
        let queue = try DatabaseQueue(path: "\(directory)/\(CityStore.fileName)", configuration: configuration)
        try queue.write { database in
            try database.execute(
                sql: """
                    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
                    INSERT INTO key_index (hash, position, kind, city_code, tag)
                    SELECT randomblob(16), i / 5,
                        CASE i % 5 WHEN 0 THEN 1 WHEN 1 THEN 2 WHEN 2 THEN 3 WHEN 3 THEN 7 ELSE 8 END, 310000,
                        CASE i % 5 WHEN 2 THEN randomblob(8) ELSE x'' END
                    FROM n
                    """, arguments: [max(1, keys - held.count)])
            for (index, key) in held.enumerated() {
                try database.execute(
                    sql: "INSERT INTO key_index (hash, position, kind, city_code, tag) VALUES (?, ?, ?, 310000, x'')",
                    arguments: [Data(key.hash), index, Int64(key.kind)])
            }
        }
        try queue.writeWithoutTransaction { try $0.execute(sql: "PRAGMA wal_checkpoint(TRUNCATE)") }
        try queue.close()
    }

    private func fileSize(_ directory: String) throws -> Int {
        try FileManager.default.attributesOfItem(atPath: "\(directory)/\(CityStore.fileName)")[.size] as? Int ?? 0
    }
}
