import Arbitration
import FederationWire
import Replication
import VoucherDomain

/// A city that has a valid key and says what it likes (F16, F17).
struct LyingCity {
    enum Kind: CaseIterable {
        case honest, backdated, future, falseWatermark, nearWatermark, forgedCity, twoHistories, wrongSeal
        case foreignWithdrawal, registryAct, ungrantedEpoch, gap, repeatedID
    }

    /// What is sent, and where the log would stand if it is accepted.
    struct Lie {
        let kind: Kind
        let batch: PushBatch
        let next: LogHead
        let time: HybridTime
        let id: EntryID?
    }

    let code: CityCode
    private let key: SigningKey
    private let epoch: Epoch
    private var random: SeededGenerator
    private var head = LogHead.empty
    private var time = HybridTime.zero
    private var lastID: EntryID?
    private var serial = 0

    init(code: CityCode, key: SigningKey, epoch: Epoch, random: SeededGenerator) {
        self.code = code
        self.key = key
        self.epoch = epoch
        self.random = random
    }

    /// Makes up the next batch.
    mutating func nextLie(feedHead: FeedHead, now: UInt64, victims: [CityCode]) throws -> Lie {
        let kind = head.sequence == 0 ? .honest : random.pick(Kind.allCases)
        serial += 1
        let number = random.number(in: 1...40)
        var draft = EntryDraft(
            city: code, epoch: epoch, sequence: head.sequence + 1, time: time.next(now: now), kind: .claimFiled,
            feedHead: feedHead, id: EntryID(using: &random), payload: claim(number), previousHash: head.hash)
        var watermark: HybridTime?
        switch kind {
        case .honest:
            if head.sequence == 0 {
                draft.kind = .voucherIssued
                draft.payload = voucher
            }
        case .backdated: draft.time = HybridTime(milliseconds: now - 86_400_000)
        case .future: draft.time = HybridTime(milliseconds: now + 3_000_000_000_000)
        case .falseWatermark: watermark = HybridTime(milliseconds: now + 86_400_000)
        case .nearWatermark: watermark = HybridTime(milliseconds: now + 240_000)
        case .forgedCity: if let victim = victims.first { draft.city = victim }
        case .twoHistories:
            draft.sequence = head.sequence
            draft.previousHash = .zero
        case .wrongSeal: break
        case .foreignWithdrawal:
            draft.kind = .claimWithdrawn
            draft.payload = PayloadCoding.encodeWithdrawal(claimNumber: "C\(number)", reason: "")
        case .registryAct:
            guard let victim = victims.first else { break }
            // A suspension, or a ruling against what the victim has filed.
            let claim = ClaimName(city: victim, number: "C\(number)")
            let act: RegistryAct =
                serial.isMultiple(of: 2) ? .suspended(victim, reason: "") : .ruled(ruling(against: claim))
            draft.kind = act.kind
            draft.payload = act.payload
        case .ungrantedEpoch:
            draft.epoch = Epoch(incarnation: epoch.incarnation, counter: epoch.counter + 1, nonce: 1)
        case .gap: draft.sequence += 1
        case .repeatedID: draft.id = lastID ?? draft.id
        }
        let entry = EntryCoding.make(draft)
        let seal = Seal(city: code, head: entry.head, watermark: watermark ?? entry.time, feedHead: feedHead)
        let signed = try seal.signed(by: kind == .wrongSeal ? RunSecrets.strangerKey : key)
        let batch = PushBatch(sessionEpoch: epoch, entries: [entry], seal: seal, signedSeal: signed)
        return Lie(kind: kind, batch: batch, next: entry.head, time: max(time, entry.time), id: entry.id)
    }

    /// The registry took it: the log goes on behind it.
    mutating func wasAccepted(_ lie: Lie) {
        head = lie.next
        time = lie.time
        lastID = lie.id
    }

    /// A claim on what honest cities are likely to claim, too.
    private func claim(_ number: Int) -> [UInt8] {
        let form = ClaimForm(
            fields: [
                "claim_no": "L\(serial)", "voucher_no": "V0", "enterprise_uscc": "91110000600037341L",
                "provider_uscc": "91440300MA5EXAMP0C", "contract_no": "算字第A\(number)号",
                "contract_amount_yuan": "900000.00", "service_from": "2026-03-01", "service_until": "2026-06-01",
                "invoice_numbers": Workload.invoice(2 * number), "invoice_amounts_yuan": "90000.00",
                "claimed_yuan": "100.00",
            ])
        return form.validated().value.map { PayloadCoding.encode($0) } ?? []
    }

    private func ruling(against claim: ClaimName) -> Ruling {
        Ruling(
            caseID: SpokenID.make(position: 9), kept: [], ruledOut: [claim], code: .confirmed, reason: "裁定", by: "王伟")
    }

    /// The voucher that its claims are on.
    private var voucher: [UInt8] {
        let form = VoucherForm(
            fields: [
                "voucher_no": "V0", "programme": "算力券", "enterprise_uscc": "91110000600037341L",
                "face_value_yuan": "9000000.00", "valid_from": "2026-01-01", "valid_until": "2027-01-01",
            ])
        return form.validated().value.map { PayloadCoding.encode($0) } ?? []
    }
}
