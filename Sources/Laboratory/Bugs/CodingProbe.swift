import Arbitration
import FederationWire
import GeneratedJournals
import Replication
import VoucherDomain

/// Bytes that travel and are stored: what newer versions write stays as it is, what is signed is signed as a whole, and
/// what a payload says is believed only as far as it can be read.
struct CodingProbe {
    private let key = SigningKey()
    private let draft: EntryDraft

    init(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        draft = EntryDraft(
            city: .hangzhou, epoch: Epoch(incarnation: 1, counter: 1, nonce: random.next()), sequence: 1,
            time: HybridTime(milliseconds: 1_780_000_000_000), kind: .claimFiled, feedHead: .empty,
            id: EntryID(using: &random), payload: [], previousHash: .zero)
    }

    func finding() throws -> String? { try bytes() ?? signatures() ?? secrets() ?? payloads() ?? names() }

    /// Field 1000 of a message, which no version has yet.
    private static let unknownField: [UInt8] = [0xC0, 0x3E, 0x01]

    private func bytes() throws -> String? {
        let written = EntryCoding.make(draft).bytes + Self.unknownField
        let read = try EntryCoding.decode(written)
        guard read.bytes == written, read.hash == Digest(.entry, written) else {
            return "an entry of a newer version changes"
        }
        let known = FeedCoding.encode(
            FeedEntry(
                incarnation: 1, position: 1, previousHash: .zero, city: .hangzhou, answers: read.head, entryID: read.id,
                kind: .claimFiled, receivedAt: 1, decision: .reserved, policyVersion: 1, keyEpoch: 1))
        let feed = known.bytes + Self.unknownField
        let entry = try FeedCoding.decode(feed)
        let isKept = entry.bytes == feed && entry.hash == Digest(.feed, feed)
        return isKept ? nil : "a feed entry of a newer version changes"
    }

    private func signatures() throws -> String? {
        let receipt = try Receipt(
            id: draft.id.rawValue, city: draft.city, through: EntryCoding.make(draft).head, feedHead: .empty,
            receivedAt: 1
        ).signed(by: key)
        guard (try? Receipt(receipt, by: key.publicKey)) != nil else { return "a sound receipt is refused" }
        if (try? Receipt(receipt, by: SigningKey().publicKey)) != nil { return "a receipt of a stranger is believed" }
        if receipt.isValid(.grant, by: key.publicKey) { return "a receipt's signature is good for a grant" }
        let request = RequestSignature(keyID: "330100", created: 1, nonce: "0123456789abcdef")
        let fields = try request.sign(method: "POST", targetURI: "https://a.invalid/b", body: [1], key: key)
        func isValid(_ body: [UInt8]) -> Bool {
            fields.fit(body)
                && request.isValid(fields, method: "POST", targetURI: "https://a.invalid/b", key: key.publicKey)
        }
        guard isValid([1]) else { return "a sound request is refused" }
        return isValid([2]) ? "a signed request may have another body" : nil
    }

    private func secrets() throws -> String? {
        let master = [UInt8](repeating: 5, count: 32)
        let own = DetailCipher(key: DetailCipher.cityKey(master: master, city: .hangzhou))
        let other = DetailCipher(key: DetailCipher.cityKey(master: master, city: .beijing))
        let sealed = try own.seal([1, 2, 3], position: 4)
        guard own.open(sealed, position: 4) == [1, 2, 3] else { return "a city cannot read its own outcome" }
        return other.open(sealed, position: 4) == nil ? nil : "a city can read the outcome of another"
    }

    private func payloads() -> String? {
        func content(_ kind: EntryKind, _ payload: [UInt8]) -> JournalEntry.Content {
            var draft = draft
            (draft.kind, draft.payload) = (kind, payload)
            return PayloadCoding.content(of: EntryCoding.make(draft))
        }
        for fen: Int64 in [0, -1, .min] {
            let claim = Claim.sample("C1", invoices: [.serial(1)], claimed: Money(rawValue: fen))
            guard case .faulty = content(.claimFiled, PayloadCoding.encode(claim)) else {
                return "a claim over \(fen) fen reaches the rule book"
            }
        }
        if content(.claimFiled, [0xFF]) != .faulty(PayloadCoding.unreadable) { return "garbage is taken for a claim" }
        return content(EntryKind(rawValue: 77), []) == .unsupported ? nil : "an unknown kind is taken for understood"
    }

    /// One name to the eye and to Swift's strings; two to SQL and to every hash.
    private func names() -> String? {
        let (composed, decomposed) = ("caf\u{E9}", "cafe\u{301}")
        let isOne = ClaimName(city: .hangzhou, number: composed) == ClaimName(city: .hangzhou, number: decomposed)
        return isOne ? "two claim numbers of other bytes are one" : nil
    }
}
