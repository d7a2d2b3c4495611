import Arbitration
import FederationWire
import Replication
import TestSupport
import VoucherDomain

@testable import RegistryStore

/// A city's node: its log, chained and sealed as the real one's is, in memory.
struct TestCity: Sendable {
    let code: CityCode
    let key: SigningKey
    var epoch: Epoch
    /// The nonce of the running process.
    var nonce: [UInt8]
    var feedHead = FeedHead.empty
    private(set) var log: [Entry] = []
    private(set) var time = HybridTime.zero
    private var sent = 0
    private var ids: SeededGenerator

    init(_ code: CityCode, key: SigningKey, epoch: Epoch, nonce: [UInt8]) {
        self.code = code
        self.key = key
        self.epoch = epoch
        self.nonce = nonce
        self.ids = SeededGenerator(seed: UInt64(code.rawValue))
    }

    var head: LogHead { log.last?.head ?? .empty }

    // MARK: Writing

    /// Appends an entry.
    ///
    /// - Parameters:
    ///   - id: A fresh one when not given.
    ///   - time: The next reading of the city's clock when not given.
    @discardableResult
    mutating func append(
        _ kind: EntryKind, _ payload: [UInt8], id: EntryID? = nil, time: HybridTime? = nil
    ) -> Entry {
        let entry = EntryCoding.make(
            EntryDraft(
                city: code, epoch: epoch, sequence: head.sequence + 1, time: time ?? self.time.next(now: .noon),
                kind: kind, feedHead: feedHead, id: id ?? EntryID(using: &ids), payload: payload,
                previousHash: head.hash))
        self.time = max(self.time, time == nil ? entry.time : self.time)
        log.append(entry)
        return entry
    }

    @discardableResult
    mutating func issue(_ vouchers: Voucher...) -> [Entry] {
        vouchers.map { append(.voucherIssued, PayloadCoding.encode($0)) }
    }

    @discardableResult
    mutating func file(_ claims: Claim...) -> [Entry] {
        claims.map { append(.claimFiled, PayloadCoding.encode($0)) }
    }

    @discardableResult
    mutating func withdraw(_ number: String) -> Entry {
        append(.claimWithdrawn, PayloadCoding.encodeWithdrawal(claimNumber: number, reason: "改正"))
    }

    /// Asks for a claim's payment.
    @discardableResult
    mutating func request(_ number: String) -> Entry {
        append(.paymentRequested, PayloadCoding.encode(PaymentAct(claimNumber: number, step: .requested)))
    }

    /// Appends that many entries which mean nothing to the fold.
    @discardableResult
    mutating func write(_ count: Int) -> [Entry] {
        (0..<count).map { _ in
            append(.nodeStarted, PayloadCoding.encodeNodeStart(processNonce: nonce, software: "test"))
        }
    }

    // MARK: Pushing

    /// A sealed batch of the entries with these sequences.
    func batch(
        _ sequences: ClosedRange<Int>, watermark: HybridTime = .zero, sealedBy other: SigningKey? = nil
    ) throws -> PushBatch {
        try batch(Array(log[(sequences.lowerBound - 1)...(sequences.upperBound - 1)]), watermark, other)
    }

    /// A seal over the head alone.
    func emptyBatch(watermark: HybridTime) throws -> PushBatch { try batch([], watermark, nil) }

    func batch(_ entries: [Entry], _ watermark: HybridTime = .zero, _ other: SigningKey? = nil) throws -> PushBatch {
        let seal = Seal(
            city: code, head: entries.last?.head ?? head, watermark: watermark, feedHead: feedHead)
        return PushBatch(
            sessionEpoch: epoch, entries: entries, seal: seal, signedSeal: try seal.signed(by: other ?? key))
    }

    /// Pushes what was not yet sent, by way of the wire.
    @discardableResult
    mutating func push(to registry: TestRegistry) async throws -> PushAnswer {
        let batch = try batch(Array(log[sent...]))
        sent = log.count
        return try await registry.receive(batch, from: code)
    }

    // MARK: Reading

    func hello(
        versions: [UInt32] = [1], nonce: [UInt8], knowing epoch: Epoch?, promise: UInt32 = 0, to recovery: [UInt8] = [],
        compared: LogHead? = nil
    ) -> Hello {
        Hello(
            versions: versions, city: code, processNonce: nonce, epoch: epoch, logHead: head, feedHead: feedHead,
            promise: promise, recoveryID: recovery, compared: compared)
    }

    /// What only this city may read of an outcome.
    func detail(_ answer: SealedFeedEntry) throws -> OutcomeDetail? {
        let key = DetailCipher.cityKey(master: RegistrySecrets.test.detailMaster, city: code)
        return try DetailCipher(key: key).open(answer.entry.detail, position: answer.entry.position)
            .map { try ReasonCoding.decode($0) }
    }
}
