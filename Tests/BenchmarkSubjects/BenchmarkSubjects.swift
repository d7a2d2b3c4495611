import Arbitration
import FederationWire
import GeneratedJournals
import Replication
import VoucherDomain

/// Hashing, encoding, deriving keys and folding: what every claim costs wherever it goes.
public enum BenchmarkSubjects {
    public static let all = hashing + encoding + keys + folding

    // MARK: What the work is done on

    /// A claim that says everything a claim can say, with two invoices.
    private static let claim = Claim.sample(
        "SZ-2026-000123", contract: "〔2026〕算字第0123号", resource: "H20", hours: 1_000, buyerName: "银达深智能科技有限公司",
        supplierName: "国家超级计算深圳中心", invoices: [.serial(1), .serial(2, .yuan(200), .both)],
        receipt: "B20260701000123", proof: [UInt8](repeating: 7, count: 32), group: "G1")

    private static let payload = PayloadCoding.encode(claim)

    private static let draft = EntryDraft(
        city: .shenzhen, epoch: Epoch(incarnation: 1, counter: 1, nonce: 1), sequence: 1,
        time: HybridTime.zero.next(now: 1_780_000_000_000), kind: .claimFiled, feedHead: .empty,
        id: valid(EntryID(rawValue: [UInt8](repeating: 9, count: 16))), payload: payload, previousHash: .zero)

    private static let entry = EntryCoding.make(draft)

    private static let hasher = KeyHasher(epoch: 1, secret: [UInt8](repeating: 7, count: 32))

    /// A policy, a voucher, and claims that meet in nothing but their company.
    private static let clean: [JournalEntry] = {
        var contents: [JournalEntry.Content] = [.policyPublished(.sample()), .voucherIssued(.sample("V1"))]
        for number in 0..<200 {
            contents.append(
                .claimFiled(.sample("C\(number)", invoices: [.serial(number)], receipt: "B\(number)")))
        }
        return contents.enumerated().map { place, content in
            .sample(position: Int64(place) + 1, city: place == 0 ? .registry : .shenzhen, content)
        }
    }()

    /// A journal in which every rule is broken often, and every detector finds something.
    private static let crowded: [JournalEntry] = {
        let policy = Policy.sample(yearCap: JournalGenerator.yearCap)
        var generator = JournalGenerator(seed: 1, statesOtherAmounts: true, policy: policy)
        return generator.journal(length: 200)
    }()

    private static func folded(_ journal: [JournalEntry]) -> Int {
        var fold = Fold()
        return journal.reduce(0) { $0 &+ Int(fold.apply($1).decision.rawValue) }
    }

    // MARK: The subjects

    private static let hashing = [
        BenchmarkSubject("hash-entry", repetitions: 1_000) {
            let bytes = entry.bytes
            return { 1 + Int(Digest(.entry, bytes).rawValue[0]) }
        },
        BenchmarkSubject("hash-key", repetitions: 1_000) {
            let key = claim.keys(in: .shenzhen)[0]
            return { 1 + Int(hasher.hash(key)[0]) }
        },
        BenchmarkSubject("verify-seal", repetitions: 20) {
            let signer = valid(SigningKey(seed: [UInt8](repeating: 3, count: 32)))
            let seal = Seal(city: .shenzhen, head: entry.head, watermark: .zero, feedHead: .empty)
            let signed = valid(try? seal.signed(by: signer))
            let key = signer.publicKey
            return { signed.isValid(.seal, by: key) ? 1 : 0 }
        },
    ]

    private static let encoding = [
        BenchmarkSubject("encode-claim", repetitions: 1_000) {
            let claim = Self.claim
            return { PayloadCoding.encode(claim).count }
        },
        BenchmarkSubject("decode-claim", repetitions: 500) {
            let payload = Self.payload
            return { valid(try? PayloadCoding.claim(payload)).invoices.count }
        },
        BenchmarkSubject("encode-entry", repetitions: 1_000) {
            let draft = Self.draft
            return { EntryCoding.make(draft).bytes.count }
        },
        BenchmarkSubject("decode-entry", repetitions: 1_000) {
            let bytes = entry.bytes
            return { valid(try? EntryCoding.decode(bytes)).payload.count }
        },
    ]

    private static let keys = [
        BenchmarkSubject("derive-keys", repetitions: 1_000) {
            let claim = Self.claim
            return { claim.keys(in: .shenzhen).count }
        }
    ]

    private static let folding = [
        BenchmarkSubject("fold-clean", repetitions: 3) {
            let journal = Self.clean
            return { folded(journal) }
        },
        BenchmarkSubject("fold-crowded", repetitions: 3) {
            let journal = Self.crowded
            return { folded(journal) }
        },
    ]
}
