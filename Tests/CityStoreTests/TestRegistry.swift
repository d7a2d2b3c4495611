import Arbitration
import DefaultPolicy
import FederationWire
import Replication
import VoucherDomain

@testable import CityStore

/// A registry in memory: the fold, the feed that it writes, and receipts.
final class TestRegistry {
    static let secret = [UInt8](repeating: 0x77, count: 32)
    static let hasher = KeyHasher(epoch: 2, secret: secret)
    private static let master = [UInt8](0..<32)

    private(set) var feed: [SealedFeedEntry] = []
    private(set) var outcomes: [Outcome] = []
    private var fold = Fold()
    private var composer = FeedComposer(
        head: .empty, incarnations: Incarnations(numbers: [1], from: [1]), hasher: hasher, detailMaster: master)
    private var logs: [CityCode: LogHead] = [:]

    /// - Parameter hasPolicy: Without one every claim is answered `invalid`.
    init(hasPolicy: Bool = true) throws {
        guard hasPolicy else { return }
        let policy = RegistryAct.policyPublished(version: 1, document: DefaultPolicy.document)
        try append(policy.kind, policy.payload, by: .registry)
    }

    static func detailKey(of city: CityCode) -> [UInt8] { DetailCipher.cityKey(master: master, city: city) }

    var head: FeedHead { composer.head }

    func page(after head: FeedHead) -> [SealedFeedEntry] { Array(feed.dropFirst(Int(head.position))) }

    /// Decides one entry at the next position.
    ///
    /// - Parameters:
    ///   - dialect: What the registry reads.
    ///   - act: Its word by which the entry is decided anew.
    ///   - content: What the entry says to the fold, where that is more than its payload.
    @discardableResult
    func decide(
        _ entry: Entry, in dialect: Dialect = .current, by act: Entry? = nil,
        saying content: JournalEntry.Content? = nil
    ) throws -> SealedFeedEntry {
        let outcome = fold.apply(
            JournalEntry(
                position: Int64(feed.count + 1), city: entry.city, id: entry.id.rawValue,
                content: content ?? PayloadCoding.content(of: entry, in: dialect)))
        let sealed = try composer.compose(entry, outcome, by: act, receivedAt: 0)
        outcomes.append(outcome)
        feed.append(sealed)
        return sealed
    }

    /// Another city, or the registry itself, writes an entry, which is decided at once.
    @discardableResult
    func append(
        _ kind: EntryKind, _ payload: [UInt8], by city: CityCode, saying content: JournalEntry.Content? = nil
    ) throws -> SealedFeedEntry {
        let head = logs[city] ?? .empty
        var generator = SeededGenerator(seed: UInt64(feed.count))
        let entry = EntryCoding.make(
            EntryDraft(
                city: city, epoch: .first, sequence: head.sequence + 1,
                time: HybridTime(milliseconds: .noon + head.sequence), kind: kind, feedHead: self.head,
                id: EntryID(using: &generator), payload: payload, previousHash: head.hash))
        logs[city] = entry.head
        return try decide(entry, saying: content)
    }

    /// Beijing issues the voucher that ``Form`` names, and files a claim of that form as `BJ-<index>`.
    @discardableResult
    func fileInBeijing(_ index: Int, _ changes: [String: String?] = [:]) throws -> SealedFeedEntry {
        if logs[.beijing] == nil {
            let voucher = fixture(VoucherForm(fields: Form.voucher().fields).validated().value, "voucher")
            try append(.voucherIssued, PayloadCoding.encode(voucher), by: .beijing)
        }
        let row = Form.claim(index, changes.merging(["claim_no": "BJ-\(index)"]) { _, new in new })
        let claim = fixture(ClaimForm(fields: row.fields).validated().value, "claim")
        return try append(.claimFiled, PayloadCoding.encode(claim), by: .beijing)
    }

    func withdrawInBeijing(_ index: Int) throws {
        try append(
            .claimWithdrawn, PayloadCoding.encodeWithdrawal(claimNumber: "BJ-\(index)", reason: "改正"), by: .beijing)
    }

    func receipt(through head: LogHead, city: CityCode = .shenzhen) throws -> (Receipt, SignedBytes) {
        let id = [UInt8](repeating: UInt8(truncatingIfNeeded: head.sequence), count: 16)
        let receipt = Receipt(id: id, city: city, through: head, feedHead: self.head, receivedAt: .noon)
        return (receipt, try receipt.signed(by: .registry))
    }
}
