import Arbitration
import DefaultPolicy
import FederationHTTP
import FederationWire
import PostgresClient
import RegistryStore
import Replication
import Terminal
import VoucherDomain

/// Whether ingest slows down as the registry fills, and what each claim takes on disk.
///
/// Two registries, each on a server of its own with the same settings: one of claims that were all filed and decided, and
/// a ``FilledRegistry`` with the ``GrowthRows`` that ingest looks at. The same fresh claims go into both, in rounds that
/// take turns; the first round fills the caches and does not count. Timed is what ``IngestBench`` times. Checkpoints come
/// as they do in operation, so that their pages are written by whom they are due to.
///
/// Bytes are those of the small registry, where every row is a real one. At the end the claims of the last round are
/// authorised and paid there.
struct GrowthBench {
    /// Claims of the small registry.
    let small: Int
    /// Claims of the large one, ``most`` at most.
    let claims: Int
    /// Of these are filed and decided before they are copied.
    var filed = 2_040
    /// Claims of a round.
    let round: Int
    /// Rounds that count.
    let rounds: Int

    /// Serial numbers of more claims have no room in an invoice's number.
    static let most = 50_000_000

    struct Result: Encodable {
        let small_claims: Int
        let claims: Int
        /// What each registry took in while it was timed.
        let fresh_claims: Int
        let small_claims_per_second: Double
        let claims_per_second: Double
        let ratio: Double
        /// In the small registry, requests and confirmations together.
        let payments_per_second: Double
        let bytes_per_claim: Double
        /// What its authorisation and payment add.
        let bytes_per_payment: Double
        /// Of logs and feed, for one entry.
        let log_bytes_per_entry: Double
        /// Of a sealed batch with its receipt.
        let bytes_per_batch: Double
        /// Of one entry of the feed, as cities read it.
        let feed_bytes_per_entry: Double
        /// Of the indexes that are written in no order, for one claim; and at how many places of them a claim is.
        let scattered_bytes_per_claim: Double
        let scattered_places_per_claim: Double
        let relations: [Size]
    }

    /// What a table or an index takes for one claim, before anything was paid.
    struct Size: Encodable {
        let name: String
        let table: String
        let is_index: Bool
        let bytes_per_claim: Double
        let purpose: String
    }

    /// One of the two registries, with cities that file in it.
    private struct Side {
        let store: RegistryStore
        var cities: [BenchCity]
        var duration = Duration.zero

        /// Takes in each city's payloads and decides them.
        mutating func take(_ kind: EntryKind, _ payloads: [[[UInt8]]]) async throws -> Duration {
            var batches: [[[UInt8]]] = []
            for index in cities.indices {
                batches.append(try cities[index].batches(kind, payloads[index], size: 500))
            }
            return try await BenchPush.run(
                batches, cities.map(\.code), store, entries: payloads.reduce(0) { $0 + $1.count }
            ).duration
        }

        func count(_ state: Outcome.Decision) async throws -> Int {
            try await store.stateTotals().filter { $0.state == state }.reduce(0) { $0 + $1.count }
        }
    }

    func run(_ cluster: BenchCluster) async throws -> Result {
        let registry = FilledRegistry(claims: claims, filed: filed)
        let large = try await registry.open(cluster)
        try await GrowthRows(claims: claims).complete(large, cluster)
        let beside = try BenchCluster(beside: cluster)
        defer { beside.remove() }
        let little = try await beside.makeStore(database: "small")
        let base = try await FilledRegistry.file(small, little)
        // Neither codes nor numbers that an earlier run has used.
        let place = try await large.feedHead().position
        let code = try await lastCity(of: large) + 1
        var sides: [Side] = []
        for store in [little, large] {
            try await publishWithoutDwell(in: store)
            sides.append(Side(store: store, cities: try await BenchCity.joined(store, from: code, seed: 1_000 + place)))
        }
        let codes = sides[0].cities.map(\.code)
        var generator = ClaimGenerator(
            seed: place, cities: codes, enterprises: max(1, round * (rounds + 1) / codes.count / 4), after: Int(place))
        try await issue(codes.map { generator.vouchers(city: $0) }, &sides)
        var last: [[Claim]] = []
        for number in 0...rounds {
            last = codes.map { city in (0..<round / codes.count).compactMap { _ in generator.claim(city: city) } }
            for index in number.isMultiple(of: 2) ? [0, 1] : [1, 0] {
                let duration = try await file(last, &sides[index])
                if number > 0 { sides[index].duration += duration }
            }
            Output.note("round \(number) of \(rounds)")
        }
        let fresh = last.reduce(0) { $0 + $1.count }
        return try await result(&sides, base: base + fresh * (rounds + 1), fresh: fresh * rounds, last)
    }

    private func lastCity(of store: RegistryStore) async throws -> UInt32 {
        let code = try await store.pool.run { try $0.execute("SELECT max(city_code) FROM city").int(0, 0) }
        return UInt32(clamping: code)
    }

    /// Publishes the default policy without dwell: a payment is authorised with its request.
    private func publishWithoutDwell(in store: RegistryStore) async throws {
        let text = String(decoding: DefaultPolicy.document, as: UTF8.self)
            .replacing("\"version\": 1", with: "\"version\": 2", maxReplacements: 1)
            .replacing("\"dwell_seconds\": 259200", with: "\"dwell_seconds\": 0", maxReplacements: 1)
        _ = try await store.publish(policy: Array(text.utf8), now: WallClock.now)
    }

    private func issue(_ vouchers: [[Voucher]], _ sides: inout [Side]) async throws {
        for index in sides.indices {
            _ = try await sides[index].take(.voucherIssued, vouchers.map { $0.map { PayloadCoding.encode($0) } })
            try await sides[index].store.pool.run { try $0.run(script: "CHECKPOINT") }
        }
    }

    private func file(_ claims: [[Claim]], _ side: inout Side) async throws -> Duration {
        let before = try await side.count(.reserved)
        let duration = try await side.take(.claimFiled, claims.map { $0.map { PayloadCoding.encode($0) } })
        let reserved = try await side.count(.reserved) - before
        let filed = claims.reduce(0) { $0 + $1.count }
        guard reserved == filed else { throw Sample.Failure(message: "\(reserved) of \(filed) claims were reserved") }
        return duration
    }

    // MARK: Payments

    /// Requests and confirms the payments of claims.
    private func pay(_ claims: [[Claim]], _ side: inout Side) async throws -> Duration {
        let requests = claims.map { own in
            own.map { PayloadCoding.encode(PaymentAct(claimNumber: $0.number, step: .requested)) }
        }
        var duration = try await side.take(.paymentRequested, requests)
        var confirmations: [[[UInt8]]] = []
        for city in side.cities { confirmations.append(try await confirmed(in: city.code, side.store)) }
        duration += try await side.take(.paymentConfirmed, confirmations)
        let (paid, count) = (try await side.count(.paid), claims.reduce(0) { $0 + $1.count })
        guard paid == count else { throw Sample.Failure(message: "\(paid) of \(count) claims were paid") }
        return duration
    }

    /// What the bank says of the city's authorised claims.
    private func confirmed(in city: CityCode, _ store: RegistryStore) async throws -> [[UInt8]] {
        try await store.pool.run { session in
            let result = try session.execute(
                "SELECT claim_no, reference, amount_fen FROM payment WHERE city_code = $1 AND stage = $2",
                [.int4(Int32(city.rawValue)), .int4(Int32(Payment.Stage.authorized.rawValue))])
            return (0..<result.count).compactMap { row in
                guard let reference = PaymentReference(rawValue: result.bytes(row, 1)) else { return nil }
                let bank = PaymentAct.BankRecord(
                    transaction: "T\(result.text(row, 0))", amount: Money(rawValue: result.int(row, 2)),
                    day: CalendarDate(rawValue: 20_700))
                return PayloadCoding.encode(
                    PaymentAct(claimNumber: result.text(row, 0), step: .confirmed(reference, bank)))
            }
        }
    }

    // MARK: The result

    /// - Parameters:
    ///   - base: How many claims the small registry has.
    ///   - fresh: How many claims were timed.
    ///   - last: Those of the last round.
    private func result(_ sides: inout [Side], base: Int, fresh: Int, _ last: [[Claim]]) async throws -> Result {
        Output.note("measuring the disk")
        try await GrowthRows.settle(sides[0].store)
        let store = sides[0].store
        let sizes = try await store.relations()
        let entries = Double(try await store.feedHead().position)
        let (feed, batches) = try await store.pool.run { session in
            let result = try session.execute(
                "SELECT (SELECT round(avg(octet_length(bytes)))::bigint FROM feed), (SELECT count(*) FROM batch)")
            return (result.int(0, 0), result.int(0, 1))
        }
        Output.note("paying the last round's claims")
        let paying = try await pay(last, &sides[0])
        try await GrowthRows.settle(store)
        let (all, paid) = (Double(base), Double(last.reduce(0) { $0 + $1.count }))
        func bytes(_ relations: [RegistryStore.Relation]) -> Double { relations.reduce(0.0) { $0 + Double($1.bytes) } }
        let (whole, afterwards) = (bytes(sizes), bytes(try await store.relations()))
        let log = bytes(sizes.filter { ["entry", "feed"].contains($0.table) })
        let sealed = bytes(sizes.filter { $0.table == "batch" })
        let scattered = sizes.filter(\.purpose.isScattered)
        let places = scattered.reduce(0.0) { $0 + Double($1.rows) }
        let (little, large) = (Double(fresh) / sides[0].duration.seconds, Double(fresh) / sides[1].duration.seconds)
        return Result(
            small_claims: small, claims: claims, fresh_claims: fresh, small_claims_per_second: little,
            claims_per_second: large, ratio: large / little, payments_per_second: paid / paying.seconds,
            bytes_per_claim: whole / all, bytes_per_payment: (afterwards - whole) / paid,
            log_bytes_per_entry: log / entries, bytes_per_batch: sealed / Double(batches),
            feed_bytes_per_entry: Double(feed),
            scattered_bytes_per_claim: bytes(scattered) / all, scattered_places_per_claim: places / all,
            relations: sizes.map { size in
                Size(
                    name: size.name, table: size.table, is_index: size.isIndex,
                    bytes_per_claim: Double(size.bytes) / all, purpose: size.purpose.text)
            })
    }
}
