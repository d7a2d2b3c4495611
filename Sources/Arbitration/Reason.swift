package import VoucherDomain

/// Why a claim was refused, held or flagged: one rule on one key, with every claim that stands in the way.
package struct Reason: Hashable, Sendable {
    package let rule: String
    package let outcome: Rule.Outcome
    package let finding: Finding
    /// The claims that stand in the way, in the order of their positions, at most ``mostNamed``; empty when the
    /// claim fails alone.
    package let blocking: [ClaimName]
    /// How many more stand in the way than are named.
    package let unnamed: Int
    /// The key that they hold, inside the registry; it does not travel and is `nil` where it came by wire.
    package let key: Key?

    package init(
        rule: String, outcome: Rule.Outcome, finding: Finding, blocking: [ClaimName] = [], unnamed: Int = 0,
        key: Key? = nil
    ) {
        self.rule = rule
        self.outcome = outcome
        self.finding = finding
        self.blocking = blocking
        self.unnamed = unnamed
        self.key = key
    }

    /// - Parameter others: All that stand in the way, in the order of their positions: the first ``mostNamed`` are named.
    init(rule: String, outcome: Rule.Outcome, finding: Finding, inTheWay others: [ClaimName], key: Key? = nil) {
        self.init(
            rule: rule, outcome: outcome, finding: finding, blocking: Array(others.prefix(Reason.mostNamed)),
            unnamed: max(0, others.count - Reason.mostNamed), key: key)
    }

    /// The most claims that one reason names: a file that fills one column with the same text in every row must
    /// not make answers that grow with the square of its length.
    package static let mostNamed = 200

    /// What was found, with the numbers needed to say it. Raw numbers are stable: they travel in the feed.
    package enum Finding: Hashable, Sendable {
        /// The key is held by others.
        case held(KeyKind)
        /// The sum under the key would pass its capacity.
        case overCapacity(KeyKind, used: Money, adding: Money, capacity: Money)
        /// Another claim stated another capacity for the key; the first statement stands.
        case capacityDiffers(KeyKind, stated: Money, standing: Money)
        case overlapping(DayInterval)
        case outsideVoucher(DayInterval)
        case outsideProgramme(DayInterval)
        case unknownVoucher
        case otherEnterprise
        /// The voucher's serial is known with other content.
        case voucherReused
        /// The entry should never have passed its own node: a malformed or repeated record.
        case faultyEntry(String)
        /// A detector's finding, with the fields that speak for it.
        case detected(Detection, [FieldMatch])
        /// More than the programme's part of the invoices.
        case overRate(claimed: Money, limit: Money)
        /// What stands in the way of a payment, in words.
        case payment(String)
        /// Red letters took back so much of an invoice that claims on it are not covered any more.
        case invoiceReversed(reversed: Money, uncovered: Money)
    }
}

extension Reason {
    /// One sentence in Chinese and one in English, for the officer.
    package var message: String {
        switch finding {
        case .held(let kind):
            "\(kind.chinese)已被占用 / this \(kind.english) is already held by \(claimList)"
        case .overCapacity(let kind, let used, let adding, let capacity):
            "\(kind.chinese)额度不足：已用 \(used.yuan)，本次 \(adding.yuan)，上限 \(capacity.yuan) 元 / "
                + "over the limit of this \(kind.english): \(used.yuan) used, \(adding.yuan) more, "
                + "\(capacity.yuan) yuan allowed"
        case .capacityDiffers(let kind, let stated, let standing):
            "\(kind.chinese)金额与首次申报不一致：\(stated.yuan) / \(standing.yuan) 元 / "
                + "this claim allows \(stated.yuan) under this \(kind.english), the first one allowed "
                + "\(standing.yuan) yuan, which stands"
        case .overlapping(let interval):
            "同一服务期重叠 / service from \(interval.from.iso8601) until \(interval.until.iso8601) overlaps "
                + "another contract of the same pair: \(claimList)"
        case .outsideVoucher(let window):
            "不在算力券有效期内 / outside the voucher's dates, \(window.from.iso8601) until \(window.until.iso8601)"
        case .outsideProgramme(let window):
            "不在项目期内 / outside the programme's dates, \(window.from.iso8601) until \(window.until.iso8601)"
        case .unknownVoucher: "算力券不存在 / this city has issued no voucher with that serial"
        case .otherEnterprise: "算力券属于其他企业 / the voucher was issued to another enterprise"
        case .voucherReused: "算力券编号重复 / the serial is already used with other content"
        case .faultyEntry(let fault): "记录无效 / the record is invalid: \(fault)"
        case .overRate(let claimed, let limit):
            "超过项目补贴比例 / \(claimed.yuan) yuan are claimed, the programme pays at most \(limit.yuan) of these invoices"
        case .payment(let problem): "付款无法进行 / the payment cannot go on: \(problem)"
        case .invoiceReversed(let reversed, let uncovered):
            "发票已红冲 \(reversed.yuan) 元，\(uncovered.yuan) 元失去依据 / red letters took back \(reversed.yuan) yuan of "
                + "this invoice; \(uncovered.yuan) yuan claimed on it are not covered any more"
        case .detected(let detection, let evidence):
            detection.message + (blocking.isEmpty ? "" : ": \(claimList)") + FieldMatch.sentence(evidence)
        }
    }

    private var claimList: String {
        if blocking.isEmpty { return "a claim that the ledger does not know" }
        let shown = blocking.prefix(3).map(\.description).joined(separator: ", ")
        let more = blocking.count + unnamed - 3
        return more > 0 ? "\(shown) and \(more) more" : shown
    }
}

extension KeyKind {
    fileprivate var chinese: String {
        switch self {
        case .invoice: "发票"
        case .contract: "合同"
        case .contractParties: "合同双方"
        case .voucher: "算力券"
        case .enterpriseYear: "企业年度"
        case .service: "服务"
        case .bankReceipt: "银行回单"
        case .usageProof: "使用证明"
        }
    }

    fileprivate var english: String {
        switch self {
        case .invoice: "invoice"
        case .contract: "contract"
        case .contractParties: "contract, with buyer and supplier exchanged,"
        case .voucher: "voucher"
        case .enterpriseYear: "enterprise's year"
        case .service: "service"
        case .bankReceipt: "bank receipt"
        case .usageProof: "usage proof"
        }
    }
}
