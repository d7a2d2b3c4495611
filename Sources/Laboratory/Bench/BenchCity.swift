import CityNode
import FederationHTTP
import FederationWire
import RegistryStore
import Replication
import VoucherDomain

/// A city whose sealed batches are made beforehand, so that only the registry's work is timed.
struct BenchCity {
    let code: CityCode
    let key = SigningKey()
    private(set) var epoch = Epoch(incarnation: 1, counter: 1, nonce: 0)
    private var head = LogHead.empty
    private var time = HybridTime.zero
    private var random: SeededGenerator
    private var registryKey: PublicKey?

    init(code: CityCode, seed: UInt64) {
        self.code = code
        random = SeededGenerator(seed: seed)
    }

    /// Cities of neighbouring codes that have joined.
    ///
    /// - Parameters:
    ///   - first: The lowest code.
    ///   - count: How many.
    ///   - seed: From which the ids of their entries follow: two cities of one seed write the same ids.
    static func joined(
        _ store: RegistryStore, from first: UInt32, count: Int = 17, seed: UInt64
    ) async throws -> [BenchCity] {
        var cities: [BenchCity] = []
        for index in 0..<UInt32(count) {
            guard let code = CityCode(rawValue: first + index) else { continue }
            var city = BenchCity(code: code, seed: seed + UInt64(index))
            try await city.join(store)
            cities.append(city)
        }
        return cities
    }

    /// Enrols and joins, straight at the store.
    mutating func join(_ store: RegistryStore) async throws {
        let now = WallClock.now
        let secret = try await store.enroll(code, name: "城市\(code)", expiresAt: now + 3_600_000, now: now)
        let answer = try await store.join(
            JoinRequest(
                city: code, secret: secret, publicKey: key.publicKey,
                processNonce: EntryID(using: &random).rawValue), now: now)
        registryKey = answer.registryKey
        epoch = try Grant(answer.grant, by: answer.registryKey).epoch
    }

    /// Greets the registry as a process that has just started, and goes on under the epoch that it grants.
    mutating func greet(_ client: RegistryClient) async throws {
        let hello = Hello(
            versions: Dialect.current.versions, city: code, processNonce: EntryID(using: &random).rawValue,
            epoch: epoch, logHead: head, feedHead: .empty)
        let answer = try await client.hello(hello)
        if let registryKey { epoch = try Grant(answer.grant, by: registryKey).epoch }
    }

    /// The payloads as sealed batches in wire form, at most `size` entries each.
    mutating func batches(_ kind: EntryKind, _ payloads: [[UInt8]], size: Int) throws -> [[UInt8]] {
        try stride(from: 0, to: payloads.count, by: size).map { start in
            try batch(kind, payloads[start..<min(start + size, payloads.count)]).encoded(as: .protobuf)
        }
    }

    /// The payloads as one sealed batch.
    mutating func batch(_ kind: EntryKind, _ payloads: some Sequence<[UInt8]>) throws -> PushBatch {
        let entries = payloads.map { append(kind, $0) }
        let seal = Seal(city: code, head: head, watermark: time, feedHead: .empty)
        return PushBatch(sessionEpoch: epoch, entries: entries, seal: seal, signedSeal: try seal.signed(by: key))
    }

    private mutating func append(_ kind: EntryKind, _ payload: [UInt8]) -> Entry {
        time = time.next(now: 1_780_000_000_000)
        let entry = EntryCoding.make(
            EntryDraft(
                city: code, epoch: epoch, sequence: head.sequence + 1, time: time, kind: kind, feedHead: .empty,
                id: EntryID(using: &random), payload: payload, previousHash: head.hash))
        head = entry.head
        return entry
    }
}
