import Arbitration
import CityStore
import DefaultPolicy
import FederationWire
import Replication
import VoucherDomain

/// The registry and another city as the recorded city meets them: production's fold and feed, in memory.
struct ScenarioFederation {
    static let city = code(440_300)
    static let otherCity = code(110_000)
    static let epoch = Epoch(incarnation: 1, counter: 1, nonce: 0xA1)
    /// Milliseconds since 1970, in the year 2026; each call of the scenario is a second later.
    static let start: UInt64 = 1_780_000_000_000
    /// Later than whatever the scenario does.
    private static let end = start + 86_400_000
    static let cityKey = key(1)
    private static let registryKey = key(2)
    private static let secret = [UInt8](repeating: 0x77, count: 32)
    private static let detailMaster = [UInt8](0..<32)
    static let detailKey = DetailCipher.cityKey(master: detailMaster, city: city)

    static let identity = NodeIdentity(
        city: city, cityName: "深圳", registryURL: "https://registry.example:8443", registryKey: registryKey.publicKey,
        trustAnchor: [1, 2, 3], keyEpoch: 1, federationSecret: secret, detailKey: detailKey)

    private(set) var feed: [SealedFeedEntry] = []
    private var fold = Fold()
    private var composer = FeedComposer(
        head: .empty, incarnations: Incarnations(numbers: [1], from: [1]),
        hasher: KeyHasher(epoch: 1, secret: secret), detailMaster: detailMaster)
    private var heads: [CityCode: LogHead] = [:]
    /// The city's entries that were received and are not decided yet.
    private var waiting: [Entry] = []

    init() throws {
        try act(.policyPublished(version: 1, document: DefaultPolicy.document))
        try act(.joined(Self.city, Self.cityKey.publicKey))
        try act(.joined(Self.otherCity, Self.cityKey.publicKey))
        let voucher = VoucherForm(fields: ScenarioForms.voucher.fields).validated().value
        if let voucher { try append(.voucherIssued, PayloadCoding.encode(voucher), by: Self.otherCity) }
    }

    var head: FeedHead { composer.head }

    // MARK: The recorded city

    /// Takes a batch, and gives the receipt for it.
    mutating func receive(_ batch: PushBatch) throws -> (Receipt, SignedBytes) {
        waiting += batch.entries
        let id = [UInt8](repeating: UInt8(truncatingIfNeeded: batch.seal.head.sequence), count: 16)
        let receipt = Receipt(
            id: id, city: Self.city, through: batch.seal.head, feedHead: head, receivedAt: Self.start)
        return (receipt, try receipt.signed(by: Self.registryKey))
    }

    /// Decides the first entries that wait.
    mutating func decide(atMost count: Int) throws {
        for entry in waiting.prefix(count) { try decide(entry) }
        waiting.removeFirst(min(count, waiting.count))
    }

    /// The call of a recovery of the registry, to this city.
    ///
    /// - Parameter number: Of the recovery, which the incarnation and the id follow.
    static func call(_ number: UInt32, wayBack: RecoveryCall.WayBack? = nil) -> RecoveryCall {
        let id = [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: 16)
        return RecoveryCall(city: city, incarnation: number, recoveryID: id, wayBack: wayBack)
    }

    static func sign(_ call: RecoveryCall) throws -> SignedBytes { try call.signed(by: registryKey) }

    /// What follows a head, at most so many entries.
    func page(after head: FeedHead, atMost count: Int) -> [SealedFeedEntry] {
        Array(feed.dropFirst(Int(head.position)).prefix(count))
    }

    // MARK: The others

    /// The other city files a claim with the invoice of that index.
    mutating func fileElsewhere(_ index: Int) throws {
        let row = ScenarioForms.claim(index, number: "BJ-\(index)")
        guard let claim = ClaimForm(fields: row.fields).validated().value else { return }
        try append(.claimFiled, PayloadCoding.encode(claim), by: Self.otherCity)
    }

    /// Ticks by which both cities have the whole feed, and have told everything: what waits for that is authorised, then
    /// released.
    mutating func hearCities() throws {
        for _ in 0..<2 {
            let seals = try [Self.city, Self.otherCity].map { city in
                try Seal(
                    city: city, head: .empty, watermark: HybridTime(milliseconds: Self.end), feedHead: head
                ).signed(by: Self.cityKey)
            }
            try act(.ticked(TickAct(wallMilliseconds: Int64(Self.end) + Int64(feed.count), seals: seals)))
        }
    }

    private mutating func act(_ act: RegistryAct) throws { try append(act.kind, act.payload, by: .registry) }

    private mutating func append(_ kind: EntryKind, _ payload: [UInt8], by city: CityCode) throws {
        let last = heads[city] ?? .empty
        var ids = SeededGenerator(seed: UInt64(feed.count))
        let entry = EntryCoding.make(
            EntryDraft(
                city: city, epoch: Self.epoch, sequence: last.sequence + 1,
                time: HybridTime(milliseconds: Self.start + last.sequence), kind: kind, feedHead: head,
                id: EntryID(using: &ids), payload: payload, previousHash: last.hash))
        heads[city] = entry.head
        try decide(entry)
    }

    private mutating func decide(_ entry: Entry) throws {
        let outcome = fold.apply(
            JournalEntry(
                position: Int64(feed.count + 1), city: entry.city, id: entry.id.rawValue,
                content: PayloadCoding.content(of: entry)))
        feed.append(try composer.compose(entry, outcome, receivedAt: Int64(entry.time.milliseconds)))
    }

    private static func code(_ number: UInt32) -> CityCode {
        guard let code = CityCode(rawValue: number) else { preconditionFailure("\(number) is no city's code") }
        return code
    }

    private static func key(_ byte: UInt8) -> SigningKey {
        guard let key = SigningKey(seed: [UInt8](repeating: byte, count: 32)) else {
            preconditionFailure("a key's seed has 32 bytes")
        }
        return key
    }
}
