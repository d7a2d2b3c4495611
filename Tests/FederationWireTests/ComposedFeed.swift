import Arbitration
import Replication
import VoucherDomain

@testable import FederationWire

/// A small journal, folded and written as a feed: a policy, a voucher in each of two cities, a claim in Shenzhen,
/// the same invoices claimed in Beijing, and the withdrawal of the first claim.
struct ComposedFeed {
    static let secret = [UInt8](repeating: 0x77, count: 32)
    static let master = [UInt8](0..<32)

    private(set) var entries: [Entry] = []
    private(set) var outcomes: [Outcome] = []
    private(set) var sealed: [SealedFeedEntry] = []
    private var fold = Fold()
    private var composer: FeedComposer

    var head: FeedHead { composer.head }

    init(secret: [UInt8] = secret) throws {
        self.composer = FeedComposer(
            head: .empty, incarnations: Incarnations(numbers: [1], from: [1]),
            hasher: KeyHasher(epoch: 2, secret: secret), detailMaster: ComposedFeed.master
        )
        let policy = RegistryAct.policyPublished(version: 1, document: try DefaultPolicy.document())
        try add(policy.kind, policy.payload, city: .registry)
        try add(.voucherIssued, PayloadCoding.encode(Voucher.sample), city: .shenzhen)
        try add(.voucherIssued, PayloadCoding.encode(Voucher.sample), city: .beijing)
        try add(.claimFiled, PayloadCoding.encode(Claim.full), city: .shenzhen)
        try add(.claimFiled, try ComposedFeed.secondClaim(), city: .beijing)
        try add(
            .claimWithdrawn, PayloadCoding.encodeWithdrawal(claimNumber: Claim.full.number, reason: "改正"),
            city: .shenzhen)
    }

    /// The same claim under Beijing's number, by nobody's co-funding group.
    private static func secondClaim() throws -> [UInt8] {
        var message = try WireClaimFiled(decoding: PayloadCoding.encode(Claim.full))
        message.number = "BJ-2026-000999"
        message.cofundingGroup = ""
        return message.bytes
    }

    private mutating func add(_ kind: EntryKind, _ payload: [UInt8], city: CityCode) throws {
        var draft = EntryDraft.of(kind, payload, city: city)
        var generator = SeededGenerator(seed: UInt64(entries.count))
        draft.id = EntryID(using: &generator)
        let entry = draft.entry
        let outcome = fold.apply(
            JournalEntry(
                position: Int64(entries.count + 1), city: city, id: entry.id.rawValue,
                content: PayloadCoding.content(of: entry)))
        entries.append(entry)
        outcomes.append(outcome)
        sealed.append(try composer.compose(entry, outcome, receivedAt: 0))
    }
}
