import Arbitration
import Replication
import VoucherDomain

@testable import FederationWire

/// Known answers for implementations in other languages, every byte string in lower-case hexadecimal.
///
/// `Schemas/protocol/vectors.json` is this value, with names in snake case.
struct Vectors: Codable, Hashable {
    struct KeyPair: Codable, Hashable { let seed, publicKey, fingerprint: String }
    struct Hashed: Codable, Hashable { let bytes, hash: String }
    struct Signed: Codable, Hashable { let body, signature: String }
    struct Keyed: Codable, Hashable {
        let kind: String
        let canonical: String
        let hash: String
    }
    struct KeyHashes: Codable, Hashable {
        let secret: String
        let epoch: UInt32
        let keys: [Keyed]
        let holder: String
        let holderTag: String
    }
    struct Detail: Codable, Hashable {
        let master: String
        let city: String
        let cityKey: String
        let position: UInt64
        let text: String
        let sealed: String
    }

    struct SignedRequest: Codable, Hashable {
        let method, targetUri, keyid, nonce: String
        let created: Int64
        let body, contentDigest, signatureInput, signature: String
    }
    /// What was typed and its two compared forms; `contract` is absent where nothing is left or too much.
    struct NormalForm: Codable, Hashable {
        let typed, fold, code: String
        let contract: String?
    }

    let cityKey: KeyPair
    let registryKey: KeyPair
    let voucherEntry: Hashed
    let claimEntry: Hashed
    let withdrawalEntry: Hashed
    let seal: Signed
    let receipt: Signed
    let grant: Signed
    let feedEntry: Hashed
    let feedSeal: Signed
    let keyHashes: KeyHashes
    let detail: Detail
    let joinToken: String
    let welcome: Signed
    let signedRequests: [SignedRequest]
    let normalForms: [NormalForm]
}

extension Vectors {
    /// The answers that this implementation gives.
    static func computed() throws -> Vectors {
        let voucher = EntryDraft.of(.voucherIssued, PayloadCoding.encode(Voucher.sample)).entry
        let claim = EntryDraft.of(.claimFiled, PayloadCoding.encode(Claim.full)).entry
        let withdrawal = PayloadCoding.encodeWithdrawal(claimNumber: Claim.full.number, reason: "改正")
        let seal = Seal(city: .shenzhen, head: claim.head, watermark: claim.time, feedHead: .sample)
        let receipt = Receipt(
            id: [UInt8](0..<16), city: .shenzhen, through: claim.head, feedHead: .sample, receivedAt: 1_700_000_000_500)
        let grant = Grant(city: .shenzhen, epoch: .sample, processNonce: MessageSample.nonce, version: 1)
        let feedSeal = FeedSeal(head: MessageSample.feedEntry.head, sealedAt: 1_700_000_000_900)
        return Vectors(
            cityKey: pair(.city), registryKey: pair(.registry), voucherEntry: hashed(voucher.bytes, voucher.hash),
            claimEntry: hashed(claim.bytes, claim.hash),
            withdrawalEntry: {
                let entry = EntryDraft.of(.claimWithdrawn, withdrawal).entry
                return hashed(entry.bytes, entry.hash)
            }(),
            seal: signed(try seal.signed(by: .city)), receipt: signed(try receipt.signed(by: .registry)),
            grant: signed(try grant.signed(by: .registry)),
            feedEntry: hashed(MessageSample.feedEntry.bytes, MessageSample.feedEntry.hash),
            feedSeal: signed(try feedSeal.signed(by: .registry)), keyHashes: keyHashes(), detail: try detail(),
            joinToken: token.text, welcome: signed(try welcome.signed(by: .registry)),
            signedRequests: try requests(), normalForms: typed.map(normalForm))
    }

    /// One key of each kind, in the order of their numbers.
    static let keys: [Key] = [
        .invoice(.digital("24117000000012345678")),
        .invoice(.paper(code: "440326113012", number: "00054321")),
        .contract(buyer: .buyer, supplier: .supplier, number: "合同2026007"),
        .contractParties(.buyer, .supplier, number: "合同2026007"),
        .voucher(city: .shenzhen, number: "SLQ-2026-0001"),
        .enterpriseYear(.buyer, year: 2026),
        .service(buyer: .buyer, supplier: .supplier, resourceClass: "H20"),
        .bankReceipt("BR20260501001"),
        .usageProof([UInt8](repeating: 0xC3, count: 32)),
    ]

    private static let token = JoinToken(
        url: "https://registry.example:8443", city: .shenzhen, cityName: "深圳市", secret: [UInt8](32..<64),
        expiresAt: 1_790_000_000_000, registryKeyDigest: SigningKey.registry.publicKey.fingerprint, trustAnchor: [])

    private static let welcome = Welcome(
        city: .shenzhen, name: "深圳市", publicKey: SigningKey.city.publicKey, keyEpoch: 2,
        federationSecret: ComposedFeed.secret,
        detailKey: DetailCipher.cityKey(master: ComposedFeed.master, city: .shenzhen))

    /// One request of each path, both media types, and one that a gateway under a path forwards.
    private static func requests() throws -> [SignedRequest] {
        let wanted: [(uri: String, message: MessageSample, format: BodyFormat)] = [
            ("https://registry.example:8443/v1/sync/join", .joinRequest, .protobuf),
            ("https://registry.example:8443/v1/sync/hello", .namingHello, .protobuf),
            ("https://registry.example:8443/v1/sync/push", .pushBatch, .protobuf),
            ("https://registry.example:8443/v1/sync/feed", .feedRequest, .protobuf),
            ("https://registry.example:8443/v1/sync/feed", .feedRequest, .json),
            ("https://gateway.example/federation/v1/sync/feed", .feedRequest, .protobuf),
        ]
        return try wanted.enumerated().map { index, request in
            let signature = RequestSignature(
                keyID: CityCode.shenzhen.description, created: 1_700_000_000 + Int64(index),
                nonce: "0123456789abcde\(index)")
            let body = request.message.value.encoded(as: request.format)
            let fields = try signature.sign(method: "POST", targetURI: request.uri, body: body, key: .city)
            return SignedRequest(
                method: "POST", targetUri: request.uri, keyid: signature.keyID, nonce: signature.nonce,
                created: signature.created, body: body.hexadecimal, contentDigest: fields.contentDigest,
                signatureInput: fields.signatureInput, signature: fields.signature)
        }
    }

    private static let typed = [
        "91440300MA5EXAMP0C", "９１４４０３００ma5examp0c", " 9144-0300 ma5examp0c ", "算字第2026-007号", "HT（2026）007",
        "〔2026〕算力 007 号", "２４１１７００００００１２３４５６７８", "№ 7½", "ﬁ-Ⅸ", "①②", "０００", "第号", "é", "ß",
        "a\u{AD}b\u{200B}c\u{FEFF}", "—–―−",
    ]

    private static func normalForm(_ typed: String) -> NormalForm {
        NormalForm(
            typed: typed, fold: Normaliser.folded(typed), code: Normaliser.code(typed),
            contract: ContractNumber(typed)?.rawValue)
    }

    private static func pair(_ key: SigningKey) -> KeyPair {
        KeyPair(
            seed: key.seed.hexadecimal, publicKey: key.publicKey.bytes.hexadecimal,
            fingerprint: key.publicKey.fingerprint.rawValue.hexadecimal)
    }

    private static func hashed(_ bytes: [UInt8], _ hash: Digest) -> Hashed {
        Hashed(bytes: bytes.hexadecimal, hash: hash.rawValue.hexadecimal)
    }

    private static func signed(_ signed: SignedBytes) -> Signed {
        Signed(body: signed.body.hexadecimal, signature: signed.signature.hexadecimal)
    }

    private static func keyHashes() -> KeyHashes {
        let hasher = KeyHasher(epoch: 2, secret: ComposedFeed.secret)
        let holder = Array(CreditCode.buyer.rawValue.utf8)
        return KeyHashes(
            secret: ComposedFeed.secret.hexadecimal, epoch: 2,
            keys: keys.map { key in
                Keyed(
                    kind: key.kind?.name ?? "", canonical: key.bytes.hexadecimal,
                    hash: hasher.hash(key).hexadecimal)
            }, holder: holder.hexadecimal, holderTag: hasher.tag(holder).hexadecimal)
    }

    private static func detail() throws -> Detail {
        let key = DetailCipher.cityKey(master: ComposedFeed.master, city: .shenzhen)
        let reason = Reason(
            rule: "invoice-once", outcome: .block, finding: .held(.invoice),
            blocking: [ClaimName(city: .beijing, number: "BJ-2026-000999")])
        let text = ReasonCoding.encode(OutcomeDetail(claimNumber: Claim.full.number, caseID: "", reasons: [reason]))
        return Detail(
            master: ComposedFeed.master.hexadecimal, city: CityCode.shenzhen.description, cityKey: key.hexadecimal,
            position: 41, text: text.hexadecimal,
            sealed: try DetailCipher(key: key).seal(text, position: 41).hexadecimal)
    }
}
