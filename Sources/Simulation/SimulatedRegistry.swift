import Arbitration
import FederationWire
import Replication
import VoucherDomain

/// The registry in memory: production's reviews, fold and feed over one journal, with the rules of the PostgreSQL store.
///
/// Each method is one transaction: it does all or nothing. All of this value is what the registry has committed; what it
/// only knows by heart is in ``RegistryMemory``.
struct SimulatedRegistry {
    /// A row of `city`.
    struct City {
        let code: CityCode
        var publicKey: PublicKey?
        var isSuspended = false
        /// Whether it was reinstated and has sent nothing since.
        var isBack = false
        var grantedEpoch: Epoch?
        var processNonce: [UInt8] = []
        var head = LogHead.empty
        var time = HybridTime.zero
        var watermark = HybridTime.zero
        var foldedThrough: UInt64 = 0
        /// The seal of the last batch that is folded.
        var foldedSeal: SignedBytes?
        /// The last seal without entries, and what it covers.
        var report: (sequence: UInt64, signed: SignedBytes)?

        var standing: CityStanding? {
            guard let publicKey, let grantedEpoch else { return nil }
            return CityStanding(
                city: code, isSuspended: isSuspended, publicKey: publicKey, grantedEpoch: grantedEpoch, head: head,
                time: time, watermark: watermark)
        }
    }

    /// A city's log. It is not in the city's row: that is taken out and put back at each change, and the whole log would be
    /// copied with it.
    struct Log {
        /// By sequence, from 1.
        fileprivate(set) var entries: [Entry] = []
        /// In the order of the log; each for one batch.
        fileprivate(set) var receipts: [(through: UInt64, signed: SignedBytes)] = []

        func hash(at sequence: UInt64) -> Digest? {
            sequence >= 1 && sequence <= UInt64(entries.count) ? entries[Int(sequence) - 1].hash : nil
        }
    }

    /// A batch that was received.
    struct Batch {
        let city: CityCode
        let entries: [(entry: Entry, fault: String?)]
        let seal: SignedBytes
        let receivedAt: UInt64
    }

    static let incarnation: UInt32 = 1
    static let incarnations = Incarnations(numbers: [incarnation], from: [1])

    /// Looked up only; ``codes`` has the order.
    var cities: [CityCode: City] = [:]
    private(set) var codes: [CityCode] = []
    /// Of those that have written something; looked up only.
    private(set) var logs: [CityCode: Log] = [:]
    private(set) var ids: Set<EntryID> = []
    var waiting: [Batch] = []
    var fold = Fold()
    var composer = FeedComposer(
        head: .empty, incarnations: SimulatedRegistry.incarnations, hasher: RunSecrets.hasher,
        detailMaster: RunSecrets.detailMaster)
    var feed: [SealedFeedEntry] = []
    /// Every entry that was decided, with what the fold saw of it.
    var journal: [(entry: Entry, seen: JournalEntry)] = []
    var random: SeededGenerator
    /// Cases in which a ruling waits for a second person, as far as occasions go by it.
    var proposedRulings: Set<String> = []
    /// Claims whose payment has failed and was not authorised since, likewise.
    var failedPayments: Set<ClaimName> = []
    /// What checkers are to know; taken out by the world.
    var events: [History.Event] = []

    /// A registry that has published a policy and enrolled and admitted no city.
    init(random: SeededGenerator, policy document: [UInt8], now: UInt64) throws {
        self.random = random
        var own = City(code: .registry)
        own.publicKey = RunSecrets.registryKey.publicKey
        own.grantedEpoch = Epoch(incarnation: SimulatedRegistry.incarnation, counter: 1, nonce: 0)
        cities[.registry] = own
        events.append(.keyed(.registry, key: RunSecrets.registryKey.publicKey.bytes))
        try append([.policyPublished(version: 1, document: document)], now: now)
    }

    var feedHead: FeedHead { composer.head }

    func city(_ code: CityCode) throws -> City {
        guard let city = cities[code] else { throw SimulatedRefusal("unknown-city", "city \(code) is not enrolled") }
        return city
    }

    // MARK: The registry's own log

    /// Appends acts as one sealed batch.
    mutating func append(_ acts: [RegistryAct], now: UInt64) throws {
        var own = try city(.registry)
        guard let epoch = own.grantedEpoch else { throw SimulatedRefusal("invalid", "the registry has no log") }
        var entries: [Entry] = []
        for act in acts {
            own.time = own.time.next(now: now)
            let entry = EntryCoding.make(
                EntryDraft(
                    city: .registry, epoch: epoch, sequence: own.head.sequence + 1, time: own.time, kind: act.kind,
                    feedHead: feedHead, id: EntryID(using: &random), payload: act.payload,
                    previousHash: own.head.hash))
            own.head = entry.head
            entries.append(entry)
        }
        let seal = Seal(city: .registry, head: own.head, watermark: .zero, feedHead: feedHead)
        let batch = Batch(
            city: .registry, entries: entries.map { ($0, nil) }, seal: try seal.signed(by: RunSecrets.registryKey),
            receivedAt: now)
        keep(batch, under: epoch)
        cities[.registry] = own
    }

    /// Takes a batch into its city's log and into the arbiter's queue.
    ///
    /// - Parameters:
    ///   - session: The epoch of the session that brought it.
    ///   - receipt: What the city is given for it; the registry gives itself none.
    mutating func keep(_ batch: Batch, under session: Epoch, receipt: SignedBytes? = nil) {
        note(batch.seal, of: batch.city, over: batch.entries.map(\.entry))
        for (entry, fault) in batch.entries {
            logs[batch.city, default: Log()].entries.append(entry)
            if fault != PushReview.repeatedID { ids.insert(entry.id) }
            events.append(.received(EntryFact(entry), session: session, isRejected: fault != nil))
        }
        if let receipt, let last = batch.entries.last?.entry {
            logs[batch.city, default: Log()].receipts.append((last.sequence, receipt))
        }
        waiting.append(batch)
    }

    /// Tells checkers of a seal.
    ///
    /// - Parameter entries: What is new under it.
    mutating func note(_ seal: SignedBytes, of code: CityCode, over entries: [Entry]) {
        events.append(
            .sealed(
                SealFact(
                    city: code, records: entries.map { SealFact.Record(hash: $0.hash, bytes: $0.bytes) },
                    body: seal.body, signature: seal.signature)))
    }

    // MARK: Cities

    /// Enrols a city and lets a node of it join, or join again after its disk was lost.
    ///
    /// - Returns: The grant, and whether the registry has a log of the city.
    mutating func join(
        _ code: CityCode, name: String, key: PublicKey, processNonce: [UInt8], now: UInt64
    ) throws -> (grant: Grant, hasFiled: Bool) {
        if cities[code] == nil {
            cities[code] = City(code: code)
            codes.append(code)
            codes.sort()
            try append([.enrolled(code, name: name)], now: now)
        }
        var row = try city(code)
        if row.isSuspended { throw SimulatedRefusal("suspended", "city \(code) is suspended") }
        let epoch = try grant(&row, processNonce, now: now)
        row.publicKey = key
        cities[code] = row
        events.append(.keyed(code, key: key.bytes))
        try append([.joined(code, key)], now: now)
        let grant = Grant(
            city: code, epoch: epoch, processNonce: processNonce, version: Dialect.current.highest)
        return (grant, logs[code] != nil)
    }

    /// Grants the next epoch to a process.
    mutating func grant(_ row: inout City, _ processNonce: [UInt8], now: UInt64) throws -> Epoch {
        let epoch = Epoch(
            incarnation: SimulatedRegistry.incarnation, counter: (row.grantedEpoch?.counter ?? 0) + 1,
            nonce: random.next())
        row.grantedEpoch = epoch
        row.processNonce = processNonce
        events.append(.granted(row.code, epoch, process: processNonce))
        try append([.epochGranted(row.code, epoch, processNonce: processNonce)], now: now)
        return epoch
    }
}
